"""Pictures in memory: arrays of height x width x 3 bytes, red, green, blue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.adapters.engines.process import JobFailed
from filmgate.domain.failures import FailureCode

Picture = NDArray[Any]
"""uint8, (height, width, 3), RGB, full range."""

_SPARE = 0.02
"""Share of the frame that is cropped evenly without looking."""

_GLANCE = 256
"""Pixels of the longer side at which a picture is looked at."""

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
    """Scale the picture until it covers the frame and crop what sticks out, where there is least to see."""
    rows, columns = picture.shape[:2]
    if (columns, rows) == (width, height):
        return picture
    scale = max(width / columns, height / rows)
    size = (max(width, round(columns * scale)), max(height, round(rows * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(picture, size, interpolation=method)
    left, top = _window(scaled, 0, width), _window(scaled, 1, height)
    return np.ascontiguousarray(scaled[top : top + height, left : left + width])


def _window(picture: Picture, axis: int, length: int) -> int:
    """Give where the most telling part of so many columns (axis 0) or rows (axis 1) begins.

    Telling is what has edges and colours of its own. Without a clear winner it is the middle of the width, and of the
    height a little above the middle, where faces and horizons are.
    """
    spare: int = picture.shape[1 - axis] - length
    if spare <= _SPARE * length:
        return spare // 2
    told = np.concatenate(([0.0], np.cumsum(_telling(picture).mean(axis=axis))))
    starts = np.arange(spare + 1)
    share = (told[starts + length] - told[starts]) / (told[-1] + 1e-6)
    aside = (starts / spare - (0.5, 0.38)[axis]) ** 2
    return int(np.argmax(share - aside * _CENTRED * spare / (spare + length)))


def _telling(picture: Picture) -> Picture:
    """Weigh each pixel by how strong the edges around it are and how unlike the average its colour is."""
    rows, columns = picture.shape[:2]
    scale = min(1.0, _GLANCE / max(rows, columns))
    size = (max(2, round(columns * scale)), max(2, round(rows * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    edges = np.abs(cv2.Laplacian(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), cv2.CV_32F))
    unlike = np.linalg.norm(small - small.mean(axis=(0, 1)), axis=2)
    weight = edges / (edges.mean() + 1.0) + unlike / (unlike.mean() + 1.0)
    full: Picture = cv2.resize(cv2.GaussianBlur(weight, (0, 0), 2), (columns, rows), interpolation=cv2.INTER_LINEAR)
    return full
