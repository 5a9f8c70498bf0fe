"""Where an extend begins: before encoding nothing tells its frames from others, and after it hardly anything."""

from __future__ import annotations

from itertools import chain, pairwise

import cv2
import msgspec
import numpy as np
import pytest

from filmgate.adapters.engines.studio.model.scene import Scene
from filmgate.adapters.engines.studio.pixels.reel import Span, moments
from filmgate.adapters.engines.studio.prompt.imagine import imagine
from filmgate.adapters.engines.studio.render.renderer import probe
from filmgate.ports.engine import Product
from tests.engines.shop import decoded, psnr


def drawn(scene: Scene, first: int, count: int, loop: int = 0) -> list[np.ndarray]:
    """Draw frames of a scene for a small clip."""
    return list(moments(scene, probe(), (160, 90), Span(first, count, loop), "standard"))


@pytest.mark.parametrize("prompt", ["ocean, boat", "cat dance in the forest", "a man walking in the snow", "ink"])
def test_new_frames_are_those_of_a_longer_clip(prompt: str) -> None:
    """What is drawn after and before a clip is, to the bit, what a clip of that length would have had there."""
    scene = imagine(prompt, 2).scene
    longer = drawn(scene, -4, 12)
    parts = (drawn(scene, -4, 4), drawn(scene, 0, 4), drawn(scene, 4, 4))
    for whole, frame in zip(longer, chain(*parts), strict=True):
        assert np.array_equal(whole, frame)


def test_an_extended_loop_goes_round_again() -> None:
    """After a loop comes the loop."""
    scene = imagine("a dog walking in the desert", 2).scene
    for once, again in zip(drawn(scene, 0, 3, 24), drawn(scene, 24, 3, 24), strict=True):
        assert psnr(once, again) > 60


@pytest.mark.asyncio(loop_scope="session")
async def test_the_join_is_a_step_like_any_other(longer: Product) -> None:
    """Encoded, the step over the join is as near to the step that was drawn as the steps beside it: 37 dB or more."""
    scene = msgspec.convert(longer.notes["scene"], Scene)
    size = (960, 540)
    raw = [
        cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC)
        for frame in moments(scene, probe(), size, Span(20, 10), longer.notes["quality"])
    ]
    shown = decoded(longer.file)[20:30]
    likeness = [
        psnr(b.astype(int) - a, d.astype(int) - c)
        for (a, b), (c, d) in zip(pairwise(raw), pairwise(shown), strict=True)
    ]
    assert likeness[4] >= 37
    assert likeness[4] > min(likeness[:4] + likeness[5:]) - 3
