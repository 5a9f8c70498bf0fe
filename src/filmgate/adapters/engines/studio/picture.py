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
    """Scale the picture until it covers the frame and crop what sticks out, evenly."""
    rows, columns = picture.shape[:2]
    if (columns, rows) == (width, height):
        return picture
    scale = max(width / columns, height / rows)
    size = (max(width, round(columns * scale)), max(height, round(rows * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(picture, size, interpolation=method)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return np.ascontiguousarray(scaled[top : top + height, left : left + width])
