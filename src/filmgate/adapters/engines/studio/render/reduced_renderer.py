"""The renderer for machines without OpenGL: the same scenes, told with numpy and OpenCV."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.adapters.engines.studio.model.scene import Colour, Scene, beat, pose
from filmgate.adapters.engines.studio.pixels.picture import Picture
from filmgate.adapters.engines.studio.render.quality import Quality

_PIXELS = 130_000
"""Drawn pixels of a frame; the film interpolates the rest."""

_STILL_PIXELS = 1_000_000
"""Drawn pixels of a picture, at most."""

_LANDS: dict[str, tuple[int, float, Colour]] = {
    "mountains": (1, 0.0, (0.05, 0.10, 0.05)),
    "snow": (1, 0.35, (0.55, 0.62, 0.72)),
    "forest": (0, 1.0, (0.02, 0.06, 0.03)),
    "desert": (0, 0.0, (0.52, 0.30, 0.13)),
    "volcano": (1, 0.0, (0.03, 0.025, 0.025)),
}
"""How ragged the ridges of a land are, how tall its trees, and the colour of its ground."""

Plane = NDArray[Any]


class ReducedRenderer:
    """Draws one scene at one size, softer and simpler than `GlRenderer`. `period` and `still` as there."""

    def __init__(
        self, scene: Scene, width: int, height: int, period: float, quality: Quality, *, still: bool = False
    ) -> None:
        """Lay out what does not move."""
        self._scene = scene
        self._period = period
        scale = min(1.0, math.sqrt((_STILL_PIXELS if still else quality.reduced) / (width * height)))
        columns, rows = max(16, round(width * scale)), max(16, round(height * scale))
        unit = math.sqrt(columns * rows)
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
        self._x: Plane = (x - columns / 2) / unit
        self._y: Plane = (rows / 2 - y) / unit
        self._random = np.random.default_rng(scene.seed)
        self._waves = self._random.uniform(0, 2 * math.pi, 24).astype(np.float32)
        self._stars = self._random.uniform(-1.2, 1.2, (260, 2)).astype(np.float32)

    def frame(self, seconds: float) -> Picture:
        """Draw the moment, counted from the first clip's start."""
        at = pose(self._scene.camera, seconds, self._period)
        x = self._x * at.view + at.x
        y = self._y * at.view + at.y
        draw = {
            "ocean": self._sea,
            "storm": self._sea,
            "space": self._space,
            "ink": self._ink,
            "aurora": self._aurora,
            "underwater": self._deep,
            "city": self._city,
        }.get(self._scene.name, self._land)
        light = draw(x, y, seconds)
        shown: Plane = np.power(1.0 - np.exp(-1.35 * np.maximum(light, 0.0)), 1 / 2.1) * 255.0
        return np.clip(shown + 0.5, 0, 255).astype(np.uint8)

    def close(self) -> None:
        """Nothing is held."""

    def _sea(self, x: Plane, y: Plane, seconds: float) -> Plane:
        palette = self._scene.palette
        horizon = 0.03
        sky = self._sky(x, y - horizon)
        depth = 0.16 / (np.maximum(horizon - y, 0.0) + 0.018)
        across = x * depth * 7.0
        swell = self._ripples(across, depth * 9.0, seconds, 6)
        near = np.clip((horizon - y) * 2.2, 0.0, 1.0)
        water = _blend(palette.horizon, palette.ground, np.sqrt(near))
        water = water + _colour(palette.accent) * (np.maximum(swell, 0.0) * 0.35 * near)[..., None]
        path = np.exp(-np.abs(x - self._scene.light_at[0]) * (9.0 - 5.0 * near))
        glint = np.maximum(swell - 0.1, 0.0) ** 2 * path * 2.4
        water = water + _colour(palette.light) * (glint + path * 0.10)[..., None]
        return _where(y > horizon, sky, water)

    def _space(self, x: Plane, y: Plane, seconds: float) -> Plane:
        palette = self._scene.palette
        cloud = self._ripples(x * 3.0, y * 3.0, seconds, 6, rate=0.4) * 0.5 + 0.5
        other = self._ripples(y * 2.2 + 3.0, x * 2.6 + cloud, seconds, 5, rate=0.3) * 0.5 + 0.5
        light = _blend(palette.zenith, palette.accent, cloud**2 * 0.8) + _colour(palette.sky) * (other**3)[..., None]
        light = light + self._starlight(seconds)[..., None]
        r = np.hypot(x - 0.22, y + 0.04) / 0.22
        ball = np.clip((1.02 - r) * 40.0, 0.0, 1.0)
        bulge = np.sqrt(np.maximum(1.0 - r * r, 0.0))
        lit = np.clip((-(x - 0.22) * 0.75 + (y + 0.04) * 0.45) / 0.22 + bulge * 0.5, 0.0, 1.0)
        bands = self._ripples(x * 2.0, y * 16.0, seconds, 5, rate=0.2) * 0.5 + 0.5
        planet = _blend(palette.ground, palette.horizon, bands) * (lit * 1.2 + 0.02)[..., None]
        halo = np.exp(-np.maximum(r - 1.0, 0.0) * 9.0) * (1.0 - ball) * 0.5
        return light * (1.0 - ball)[..., None] + planet * ball[..., None] + _colour(palette.light) * halo[..., None]

    def _land(self, x: Plane, y: Plane, seconds: float) -> Plane:
        """Ridges one behind the other, each place with its own outline."""
        ragged, trees, colour = _LANDS[self._scene.name]
        light = self._sky(x, y + 0.02)
        air = 0.45 + 0.35 * self._scene.fog
        for layer in range(5):
            near = layer / 4
            across = x * (2.4 - 1.5 * near) + 7.0 * layer + self._waves[layer]
            rough = self._ripples(across, across * 0.3, 0.0, 6 if ragged else 3)
            ridge = 0.12 - 0.46 * near + (0.05 + 0.06 * ragged * (1 - near)) * (np.abs(rough) if ragged else rough)
            top = ridge
            if trees and layer:
                cones = np.abs(((across * (26.0 - 15.0 * near) + np.sin(across * 5.0)) % 1.0) - 0.5) * 2.0
                swayed = 1.0 + 0.04 * math.sin(self._beat(1.1) * seconds + layer)
                top = ridge + (0.012 + 0.09 * near) * trees * (1.0 - cones) * swayed
            cover = np.clip((top - y) * 160.0, 0.0, 1.0)
            haze = np.clip((1.0 - near) * air + (ridge - y) * (1.0 - near) * 1.2, 0.0, 0.92)
            lit = 0.75 + 0.35 * self._ripples(across * 2.0 + y * 9.0, y * 7.0, 0.0, 3)
            shade = _blend(colour, self._scene.palette.horizon, haze) * lit[..., None]
            light = light * (1.0 - cover)[..., None] + shade * cover[..., None]
        if self._scene.name == "volcano":
            light = light + self._fire(x, y, seconds)
        return light

    def _fire(self, x: Plane, y: Plane, seconds: float) -> Plane:
        r = np.hypot(x - 0.05, (y - 0.12) * 0.8)
        rivers = self._ripples(x * 7.0 + y * 2.0, y * 3.0, seconds, 4, rate=0.3)
        flow = np.exp(-np.abs(rivers) * 16.0) * np.clip((0.10 - y) * 3.0, 0.0, 1.0) * np.exp(-np.abs(x - 0.05) * 3.5)
        return _colour((1.6, 0.45, 0.08)) * (flow + 0.02 / (r * r + 0.02))[..., None]

    def _aurora(self, x: Plane, y: Plane, seconds: float) -> Plane:
        level = -0.10
        mirrored = np.where(y < level, 2 * level - y, y)
        light = self._sky(x, mirrored + 0.10)
        for sheet in range(3):
            fold = self._ripples(x * (1.5 + 0.4 * sheet) + 3.0 * sheet, mirrored * 0.2, seconds, 4, rate=0.4)
            rays = 0.6 + 0.4 * np.sin(x * 60.0 + 14.0 * fold + sheet)
            up = mirrored - 0.06 - 0.08 * sheet - 0.10 * fold
            glow = np.clip((up + 0.02) * 40.0, 0.0, 1.0) * np.exp(-np.maximum(up, 0.0) * 7.0) * rays * 0.6
            light = (
                light + _blend(self._scene.palette.accent, (0.5, 0.1, 0.8), np.clip(up * 4.0, 0, 1)) * glow[..., None]
            )
        hills = level + 0.05 + 0.03 * self._ripples(x * 3.0, x * 0.5, 0.0, 4)
        cover = np.clip((hills - mirrored) * 160.0, 0.0, 1.0)[..., None]
        light = light * (1.0 - cover) + _colour(self._scene.palette.ground) * cover
        dim: Plane = np.where(y < level, 0.55, 1.0).astype(np.float32)
        return light * dim[..., None]

    def _deep(self, x: Plane, y: Plane, seconds: float) -> Plane:
        palette = self._scene.palette
        light: Plane = _blend(palette.zenith, palette.sky, np.clip(y * 1.6 + 0.75, 0.0, 1.0))
        light = light + _colour(palette.horizon) * np.clip(y * 1.5, 0.0, 1.0)[..., None]
        angle = (x + 0.15) / np.maximum(1.05 - y, 0.2)
        beams = np.clip(self._ripples(angle * 9.0, angle, seconds, 4, rate=0.4), 0.0, 1.0)
        light = light + _colour(palette.light) * (0.28 * beams * np.clip(0.6 + y, 0.0, 1.0))[..., None]
        net = np.exp(-np.abs(self._ripples(x * 9.0, y * 24.0, seconds, 4)) * 6.0)
        floor = np.clip((-0.17 + 0.05 * self._ripples(x * 3.0, x, 0.0, 4) - y) * 14.0, 0.0, 1.0)[..., None]
        sand = _colour(palette.ground) * (0.5 + 0.6 * net)[..., None] * _colour((0.5, 0.9, 0.95))
        return light * (1.0 - floor) + (0.35 * light + 0.65 * sand) * floor

    def _city(self, x: Plane, y: Plane, seconds: float) -> Plane:
        palette = self._scene.palette
        light = self._sky(x, y + 0.05)
        lamps = self._scene.time == "night"
        stone: Colour = palette.ground if lamps else (0.16, 0.15, 0.15)
        for layer in range(4):
            near = layer / 3
            across = x * (16.0 - 9.0 * near) + 11.3 * layer
            block = np.floor(across)
            height = np.abs(np.sin(block * 12.9898 + self._waves[layer])) ** 1.5
            top = 0.02 + (0.30 - 0.05 * near) * height - 0.10 * near
            cover = ((y < top) & (across - block > 0.06))[..., None]
            wall = _blend(stone, palette.horizon, np.full_like(x, 0.6 - 0.5 * near))
            column, storey = np.floor(across * 6.0), np.floor(y * (60.0 - 26.0 * near))
            lit = np.abs(np.sin(column * 7.13 + storey * 3.71 + layer)) > (0.62 if lamps else 0.5)
            pane = lit & ((across * 6.0) % 1.0 > 0.4) & ((y * (60.0 - 26.0 * near)) % 1.0 > 0.45)
            glass = _colour((1.0, 0.75, 0.42) if lamps else palette.sky) * (0.9 if lamps else 0.5)
            light = np.where(cover, np.where(pane[..., None], glass, wall), light)
        street = np.clip((-0.17 - y) * 200.0, 0.0, 1.0)[..., None]
        shine = np.clip(self._ripples(x * 14.0, y * 3.0, seconds, 4), 0.0, 1.0)
        road = _colour(stone) * 0.8 + _colour(palette.horizon) * (0.25 * shine)[..., None]
        mixed: Plane = light * (1.0 - street) + road * street
        return mixed

    def _ink(self, x: Plane, y: Plane, seconds: float) -> Plane:
        palette = self._scene.palette
        bend = self._ripples(x * 2.0, y * 2.0, seconds, 5)
        fold = self._ripples(x * 2.4 + bend * 1.3, y * 2.4 - bend, seconds, 6, rate=0.8)
        veil = self._ripples(y * 1.6 + fold * 1.6, x * 1.6 + bend * 1.4, seconds, 6, rate=0.6)
        light: Plane = _blend(palette.zenith, palette.sky, np.clip(fold * 0.6 + 0.5, 0.0, 1.0))
        light = light + _colour(palette.accent) * (np.clip(veil * 0.7 + 0.3, 0.0, 1.0) ** 2)[..., None]
        light = light + _colour(palette.horizon) * (np.clip(bend * fold + 0.1, 0.0, 1.0) ** 2)[..., None]
        veins = np.exp(-np.abs(veil - fold) * 14.0) * 0.5
        lit: Plane = light + _colour(palette.light) * veins[..., None]
        return lit

    def _sky(self, x: Plane, y: Plane) -> Plane:
        palette = self._scene.palette
        height = np.maximum(y, 0.0)
        light: Plane = _blend(palette.sky, palette.zenith, np.clip(height / 0.6, 0.0, 1.0))
        light = light + (_colour(palette.horizon) - light) * np.exp(-height * 6.5)[..., None]
        r = np.hypot(x - self._scene.light_at[0], y - self._scene.light_at[1])
        disc = np.clip((0.036 - r) * 250.0, 0.0, 1.0) * 2.0 + 0.3 * np.exp(-r * 5.0)
        if self._scene.time == "night":
            light = light + (self._starlight(0.0) * np.clip(height * 4.0, 0.0, 1.0))[..., None]
        return light + _colour(palette.light) * disc[..., None]

    def _ripples(self, x: Plane, y: Plane, seconds: float, waves: int, *, rate: float = 1.0) -> Plane:
        """Sum sines of falling height in turning directions; the result lies around -1 to 1."""
        total = np.zeros_like(x)
        weight, size = 0.5, 1.0
        for index in range(waves):
            angle = 1.1 + 2.4 * index
            along = (x * math.cos(angle) + y * math.sin(angle)) * size
            phase = self._beat(rate * (0.5 + 0.35 * index)) * seconds + self._waves[index]
            total += weight * np.sin(along * 2.2 + phase + 0.6 * total)
            weight, size = weight * 0.72, size * 1.55
        return total

    def _starlight(self, seconds: float) -> Plane:
        rows, columns = self._x.shape
        unit = math.sqrt(rows * columns)
        light = np.zeros((rows, columns), np.float32)
        places = (self._stars * unit * 0.6 + (columns / 2, rows / 2)).astype(int)
        for index, (column, row) in enumerate(places):
            if 0 <= column < columns and 0 <= row < rows:
                light[row, column] = 0.8 + 0.4 * math.sin(self._beat(1.0 + index % 5) * seconds + index)
        return cv2.GaussianBlur(light, (3, 3), 0.7) * 1.6

    def _beat(self, frequency: float) -> float:
        return beat(frequency, self._period)


def _colour(colour: Colour) -> Plane:
    return np.array(colour, np.float32)


def _blend(a: Colour, b: Colour, amount: Plane) -> Plane:
    start, end = _colour(a), _colour(b)
    mixed: Plane = start + (end - start) * amount[..., None]
    return mixed


def _where(mask: NDArray[np.bool_], a: Plane, b: Plane) -> Plane:
    return np.where(mask[..., None], a, b)
