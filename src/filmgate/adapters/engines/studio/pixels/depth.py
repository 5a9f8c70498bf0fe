"""How near the things in a picture may be, guessed without a model."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.adapters.engines.studio.pixels.picture import Picture

Plane = NDArray[Any]

_SIDE = 340
"""Pixels of the longer side at which depth is guessed."""


def depth(picture: Picture) -> Plane:
    """Return nearness, 0 to 1, for each pixel: low in the frame, unlike the borders, and sharp means near."""
    rows, columns = picture.shape[:2]
    scale = min(1.0, _SIDE / max(rows, columns))
    size = (max(8, round(columns * scale)), max(8, round(rows * scale)))
    small: Plane = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    grey: Plane = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    low = np.linspace(0, 1, size[1], dtype=np.float32)[:, None] ** 1.3
    near: Plane = 0.55 * low + 0.25 * _whole(_unlike(small)) + 0.2 * _whole(sharpness(grey, 9))
    near = cv2.GaussianBlur(_along_edges(grey, near.astype(np.float32)), (0, 0), 3)
    near = (near - near.min()) / (near.max() - near.min() + 1e-6)
    full: Plane = cv2.resize(near, (columns, rows), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    return full


def upright(near: Plane) -> Plane:
    """Return one nearness to all of a column, changing slowly from side to side; the same shape."""
    return _profile(near, 0)


def level(near: Plane) -> Plane:
    """Return one nearness to all of a row, changing slowly from top to bottom; the same shape."""
    return _profile(near, 1)


def _profile(near: Plane, axis: int) -> Plane:
    length = near.shape[1 - axis]
    means = near.mean(axis=axis, keepdims=True)
    smooth: Plane = cv2.GaussianBlur(means, (0, 0), length / 16, borderType=cv2.BORDER_REPLICATE)
    return np.broadcast_to(smooth, near.shape)


def sharpness(grey: Plane, spread: float) -> Plane:
    """Return how much detail there is around each pixel of a grey picture; `spread` in pixels."""
    detail: Plane = cv2.GaussianBlur(np.abs(cv2.Laplacian(grey, cv2.CV_32F)), (0, 0), spread)
    return detail


def _unlike(picture: Plane) -> Plane:
    """Return how far each pixel's colour is from the borders', smoothed."""
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)
    border = np.concatenate([lab[0], lab[:, 0], lab[:, -1]]).mean(axis=0)
    far: Plane = cv2.GaussianBlur(np.linalg.norm(lab - border, axis=2).astype(np.float32), (0, 0), 6)
    return far


def _whole(plane: Plane) -> Plane:
    share: Plane = plane / (plane.max() + 1e-6)
    return share


def _along_edges(guide: Plane, plane: Plane) -> Plane:
    """Smooth a plane, but let it keep the edges of the guide (a guided filter of 25 pixels)."""

    def mean(values: Plane) -> Plane:
        smooth: Plane = cv2.boxFilter(values, -1, (25, 25)).astype(np.float32)
        return smooth

    guide_mean, plane_mean = mean(guide), mean(plane)
    slope = (mean(guide * plane) - guide_mean * plane_mean) / (mean(guide * guide) - guide_mean**2 + 1e-3)
    return mean(slope) * guide + mean(plane_mean - slope * guide_mean)
