"""The files of the scripted engine: small, yet with the true size, length and tags.

They show grey columns from dark to bright. They are written without codecs, so that a stand-in needs none.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import msgspec

from filmgate.adapters.engines.scripted.h264 import columns, encode
from filmgate.adapters.engines.scripted.mp4 import write_mp4
from filmgate.adapters.engines.scripted.pictures import write_jpeg, write_png
from filmgate.domain.generation import ImageFormat
from filmgate.domain.media import Facts
from filmgate.domain.sizes import FPS
from filmgate.ports.media import Print, Stills

_DARK, _BRIGHT = 40, 200
_COLUMN = 16
_GRID = 5
_MAX_THUMBNAIL = 4096


def write_clip(folder: Path, width: int, height: int, frames: int) -> tuple[Path, Stills]:
    """Write a clip and its stills to the folder; return its path, and what is known of all of them. Blocks."""
    path, thumbnail, last_frame = folder / "clip.mp4", folder / "thumbnail.jpg", folder / "last_frame.jpg"
    path.write_bytes(clip(width, height, frames))
    still = picture(width, height, ImageFormat.JPG)
    thumbnail.write_bytes(still)
    last_frame.write_bytes(still)
    facts = Facts("video/mp4", width, height, duration=round(frames / FPS, 6), frames=frames)
    shown = Facts("image/jpeg", width, height)
    return path, Stills(facts, thumbnail, msgspec.structs.replace(shown, palette=palette(width)), last_frame, shown)


def write_picture(folder: Path, width: int, height: int, form: ImageFormat) -> tuple[Path, Print]:
    """Write a picture and its thumbnail to the folder; return its path, and what is known of both. Blocks."""
    path, thumbnail = folder / f"picture.{form}", folder / "thumbnail.jpg"
    path.write_bytes(picture(width, height, form))
    shrunk = min(1.0, _MAX_THUMBNAIL / max(width, height))
    small = round(width * shrunk), round(height * shrunk)
    thumbnail.write_bytes(picture(*small, ImageFormat.JPG))
    facts = Facts("image/png" if form is ImageFormat.PNG else "image/jpeg", width, height)
    return path, Print(facts, thumbnail, Facts("image/jpeg", *small, palette=palette(small[0])))


@lru_cache(maxsize=16)
def picture(width: int, height: int, form: ImageFormat) -> bytes:
    """Write a picture, JPEG or PNG, and return its bytes; sizes are in pixels. Blocks."""
    if form is ImageFormat.PNG:
        return write_png(width, height, _pixels(width))
    return write_jpeg(width, height, [grey for grey in _greys(width) for _ in range(2)])


@lru_cache(maxsize=16)
def clip(width: int, height: int, frames: int) -> bytes:
    """Write a clip as H.264 MP4, 24 frames per second, and return its bytes; even sizes in pixels. Blocks."""
    sequence, pictures, coded = encode(width, height, frames, _DARK, _BRIGHT)
    return write_mp4(sequence, pictures, coded, width, height, FPS)


@lru_cache(maxsize=64)
def palette(width: int) -> str:
    """Return the base64 of 25 RGB triples: the average colours of a 5x5 grid over a picture, row by row."""
    pixels = _pixels(width)
    bounds = [width * part // _GRID for part in range(_GRID + 1)]
    row = [round(sum(pixels[start:end]) / (end - start)) for start, end in pairwise(bounds)]
    return base64.b64encode(bytes(grey for grey in row * _GRID for _ in range(3))).decode()


def _greys(width: int) -> list[int]:
    """Return the grey of each column of 16 pixels as a screen shows it: 16 is black in a clip, and 235 white."""
    return [min(255, max(0, round((brightness - 16) * 255 / 219))) for brightness in columns(width, _DARK, _BRIGHT)]


def _pixels(width: int) -> list[int]:
    return [grey for grey in _greys(width) for _ in range(_COLUMN)][:width]
