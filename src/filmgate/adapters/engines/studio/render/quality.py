"""How much work goes into a frame: draft, standard or high."""

from __future__ import annotations

import msgspec


class Quality(msgspec.Struct, frozen=True):
    """Factors of one level.

    `scale` multiplies the share of width and height that is rendered on a CPU (the film interpolates the rest),
    `pixels` bounds the rendered pixels of a frame there: 4k is a preview, too. `reduced` is the number of pixels the
    renderer without OpenGL draws.
    """

    scale: float
    pixels: int
    reduced: int


QUALITIES: dict[str, Quality] = {
    "draft": Quality(scale=0.7, pixels=300_000, reduced=70_000),
    "standard": Quality(scale=1.0, pixels=1_000_000, reduced=130_000),
    "high": Quality(scale=1.5, pixels=2_100_000, reduced=300_000),
}

STANDARD = "standard"
