"""Pictures to make clips of, and looks at what was made of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image

Colour = tuple[int, int, int]
Paint = Callable[[int], Image.Image]
MakeClip = Callable[..., Path]


def plain(colour: Colour, size: tuple[int, int] = (160, 96)) -> Paint:
    """Paint every frame in one colour."""
    return lambda number: Image.new("RGB", size, colour)


def brightening(number: int) -> Image.Image:
    """Paint grey levels that tell the number of a frame below 50."""
    return Image.new("RGB", (160, 96), (number * 5,) * 3)


def near(pixel: object, expected: Colour, tolerance: int = 6) -> bool:
    """Return whether a pixel has about a colour."""
    assert isinstance(pixel, tuple)
    return all(abs(a - b) <= tolerance for a, b in zip(pixel, expected, strict=True))


def names(folder: Path) -> list[str]:
    """List what is in a folder."""
    return sorted(path.name for path in folder.iterdir())
