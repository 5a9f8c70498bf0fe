"""Pictures in memory: arrays of height x width x 3 bytes, red, green, blue."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.adapters.engines.worker import JobFailed
from filmgate.domain.failures import FailureCode

Picture = NDArray[Any]
"""uint8, (height, width, 3), RGB, full range."""

_SPARE = 0.02
"""Share of the frame that is cropped evenly without looking."""

_GLANCE = 256
"""Pixels of the longer side at which a picture is looked at."""

_STARTS = 4096
"""Places at which a crop may begin, at most."""

_MARGIN = 2
"""Pixels beside a crop that are scaled with it, so that its edges look as they would in the whole."""

_CENTRED = 0.8
"""How much more a crop at the side must tell than one in the middle."""


def read(path: Path) -> Picture:
    """Read a picture file. Raises JobFailed when it is none."""
    data = np.frombuffer(path.read_bytes(), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if picture is None:
        raise JobFailed("The start or end image cannot be read.", FailureCode.INVALID_MEDIA)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def write(path: Path, picture: Picture) -> None:
    """Write a picture file, as JPEG or PNG by the path's suffix."""
    options = {".jpg": [cv2.IMWRITE_JPEG_QUALITY, 92], ".png": [cv2.IMWRITE_PNG_COMPRESSION, 6]}[path.suffix]
    done, data = cv2.imencode(path.suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    assert done, "every picture of ours can be encoded"
    path.write_bytes(data.tobytes())


def cover(picture: Picture, width: int, height: int) -> Picture:
    """Scale the picture until it covers the frame and crop what sticks out, where there is least to see.

    What is scaled is bounded by the frame, not by the picture: one of 4096x1 would have three million columns.
    """
    rows, columns = picture.shape[:2]
    if (columns, rows) == (width, height):
        return picture
    scale = max(width / columns, height / rows)
    told = _telling(picture)
    across = _Crop.of(told.mean(axis=0), columns, scale, width, 0.5)
    down = _Crop.of(told.mean(axis=1), rows, scale, height, 0.38)
    part = picture[down.first : down.end, across.first : across.end]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(part, (across.scaled, down.scaled), interpolation=method)
    return np.ascontiguousarray(scaled[down.cut : down.cut + height, across.cut : across.cut + width])


class _Crop(NamedTuple):
    """What of one axis is scaled, from the pixel `first` up to `end`, to how many pixels, and how many are cut off."""

    first: int
    end: int
    scaled: int
    cut: int

    @classmethod
    def of(cls, told: Picture, pixels: int, scale: float, length: int, middle: float) -> _Crop:
        """Find the most telling part of an axis, in pixels; the frame has `length` of them."""
        start = _start(told, max(length, round(pixels * scale)), length, middle)
        first = max(0, int(start / scale) - _MARGIN)
        end = min(pixels, math.ceil((start + length) / scale) + _MARGIN)
        cut = round(start - first * scale)
        return cls(first, end, max(cut + length, round((end - first) * scale)), cut)


def _start(told: Picture, scaled: int, length: int, middle: float) -> int:
    """Return where the most telling part begins; `told` is the detail along the axis.

    Edges and distinct colours are telling. Without a clear winner it is the middle of the width, and of the
    height a little above the middle, where faces and horizons are.
    """
    spare = scaled - length
    if spare <= _SPARE * length:
        return spare // 2
    total = np.concatenate(([0.0], np.cumsum(told)))
    places = np.linspace(0, scaled, len(total))
    starts = np.linspace(0, spare, min(spare, _STARTS) + 1)
    seen = np.interp(starts + length, places, total) - np.interp(starts, places, total)
    aside = (starts / spare - middle) ** 2
    best = np.argmax(seen / (total[-1] + 1e-6) - aside * _CENTRED * spare / scaled)
    return int(starts[best] + 0.5)


def _telling(picture: Picture) -> Picture:
    """Weigh each part of a small copy by how strong the edges around it are and how unlike the average its colour."""
    rows, columns = picture.shape[:2]
    scale = min(1.0, _GLANCE / max(rows, columns))
    size = (max(2, round(columns * scale)), max(2, round(rows * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    edges = np.abs(cv2.Laplacian(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), cv2.CV_32F))
    unlike = np.linalg.norm(small - small.mean(axis=(0, 1)), axis=2)
    weight = edges / (edges.mean() + 1.0) + unlike / (unlike.mean() + 1.0)
    telling: Picture = cv2.GaussianBlur(weight, (0, 0), 2)
    return telling
