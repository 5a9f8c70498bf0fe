"""Files to start from."""

from __future__ import annotations

import base64
import io
from functools import cache

import httpx2
from PIL import Image

from filmgate.adapters.engines.scripted.clip import clip


@cache
def png(width: int = 64, height: int = 36) -> bytes:
    """Return a small picture."""
    data = io.BytesIO()
    Image.new("RGB", (width, height), (200, 120, 40)).save(data, "PNG")
    return data.getvalue()


def data_uri(picture: bytes | None = None) -> str:
    """Return this picture, or the small one, as a data URI."""
    return f"data:image/png;base64,{base64.b64encode(picture or png()).decode()}"


@cache
def mp4() -> bytes:
    """Return a clip of half a second."""
    return clip(160, 90, 12)


def look(url: str) -> tuple[str, tuple[int, int]]:
    """Fetch a picture as anybody can, and give its format and size."""
    answer = httpx2.get(url)
    assert answer.status_code == 200, url
    picture = Image.open(io.BytesIO(answer.content))
    return str(picture.format), picture.size
