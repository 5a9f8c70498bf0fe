"""How a submit without an answer is looked up, and how a generation is forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from filmgate.adapters.dialects.dream_machine.upstream import DreamMachineUpstream
from filmgate.adapters.dialects.serving.codec import rfc3339
from filmgate.domain.generation import Generation
from filmgate.ports.provider import ProviderError, Submission

from .asked import Answer, Asked
from .dream_machine import NOW, generation
from .submissions import (
    HOOK,
    TASK,
    earlier,
    submission,
)

CAT = Generation("a cat", duration=5)


@pytest.mark.parametrize("status", [200, 204, 404])
async def test_discard(status: int, luma: DreamMachineUpstream, asked: Asked) -> None:
    """A generation is deleted; one that is not there is no trouble."""
    asked.answers(Answer(status))
    await luma.discard("g-1")
    await luma.discard(".")
    assert (asked.call.method, asked.call.path, asked.call.body) == ("DELETE", "/generations/g-1", b"")


async def test_discard_trouble(luma: DreamMachineUpstream, asked: Asked) -> None:
    """Any other answer to a discard is trouble, and so is the 404 of a router: the generation may go on."""
    asked.answers(Answer(500, {"detail": "Internal error"}), Answer(404, b"404 page not found"))
    with pytest.raises(ProviderError, match="Internal error"):
        await luma.discard("g-1")
    with pytest.raises(ProviderError, match="404"):
        await luma.discard("g-1")


def page(*generations: Any, **fields: Any) -> Answer:
    """Return a page of the list, which is its last one."""
    shown = {"generations": list(generations), "count": len(generations), "limit": 100, "offset": 0, "has_more": False}
    return Answer(200, shown | fields)


def listed(task_id: str, seconds: float = 0.0, **request: Any) -> dict[str, Any]:
    """Return a generation of the list, made so many seconds after the submit, with these changes to its request."""
    basis = {"generation_type": "video", "model": "ray-2", "prompt": "a cat", "aspect_ratio": "16:9"}
    return generation(id=task_id, created_at=rfc3339(NOW + seconds), request=basis | request)


async def found(luma: DreamMachineUpstream, asked_for: Submission) -> list[str]:
    """Look up a submit, and give the ids that are found."""
    return [report.receipt.id for report in await luma.find(asked_for, NOW)]


async def test_find_by_callback(luma: DreamMachineUpstream, asked: Asked) -> None:
    """The generation with our callback address is the one, whatever else looks like it or was made later."""
    asked.answers(
        page(listed("like", 1), listed("foreign", 0, callback_url="https://other.example/"), has_more=True),
        page(listed("old", -9_000), listed("ours", -9_001, callback_url=HOOK, prompt="changed")),
    )
    assert await found(luma, submission(CAT, callback_url=HOOK)) == ["ours"]
    assert [call.query for call in asked.calls] == [{"limit": "100", "offset": "0"}, {"limit": "100", "offset": "2"}]
    assert {call.path for call in asked.calls} == {"/generations"}


async def test_only_the_mark_is_marked(luma: DreamMachineUpstream, asked: Asked) -> None:
    """The submit key is the mark, in an address of whatever host; what only resembles the submit has none."""
    asked_for = submission(CAT, callback_url=HOOK)
    asked.answers(page(listed("like", 1), listed("ours", 2, callback_url=f"https://old.example/{asked_for.key}")))
    asked.answers(page(listed("like", 1)))
    for expected in ([("ours", True)], [("like", False)]):
        assert [(each.receipt.id, each.marked) for each in await luma.find(asked_for, NOW)] == expected


async def test_find_by_likeness(luma: DreamMachineUpstream, asked: Asked) -> None:
    """Without a callback address all count that were made since then and do not differ from what was sent."""
    asked.answers(
        page(
            listed("later", 50),
            listed("words", 1, prompt="a dog"),
            listed("ratio", 1, aspect_ratio="1:1"),
            listed("model", 1, model="ray-flash-2"),
            listed("kind", 1, generation_type="reframe_video"),
            listed("frames", 1, keyframes={"frame0": {"type": "image", "url": "https://c/"}}),
            listed("hooked", 1, callback_url="https://other.example/"),
            generation(id="silent", request=None),
            generation(id="timeless", created_at=None),
            listed("near", -5, aspect_ratio=None),
            listed("skewed", -119),
            listed("before", -121),
            None,
            {"id": None},
            has_more=True,
        )
    )
    assert await found(luma, submission(CAT)) == ["timeless", "near", "later", "skewed", "silent"]


async def test_find_keyframes(luma: DreamMachineUpstream, asked: Asked) -> None:
    """A keyframe counts by its kind: its address or id is the provider's own by now."""
    asked.answers(
        page(
            listed("extended", keyframes={"frame0": {"type": "generation", "id": "x"}, "frame1": None}),
            listed("pictured", keyframes={"frame0": {"type": "image", "url": "https://c/"}}),
            listed("plain"),
        )
    )
    assert await found(luma, submission(Generation("a cat", start=TASK), start=earlier())) == ["extended"]


@pytest.mark.parametrize("answer", [page(), page(generations=None), page(listed("old", -500), has_more=True)])
async def test_find_nothing(answer: Answer, luma: DreamMachineUpstream, asked: Asked) -> None:
    """A list without a likely generation was searched well: there is none."""
    asked.answers(answer)
    assert await found(luma, submission(CAT)) == []


async def test_find_too_long(luma: DreamMachineUpstream, asked: Asked) -> None:
    """A list that does not end within five pages does not say that there is none."""
    asked.answers(*(page(listed(f"g-{number}", 60, prompt="a dog"), has_more=None) for number in range(6)))
    with pytest.raises(ProviderError, match="too long"):
        await luma.find(submission(CAT), NOW)
    assert len(asked.calls) == 5


@pytest.mark.parametrize(
    "answer", [Answer(200, {}), Answer(200, {"generations": {}}), Answer(200, [1]), Answer(404), Answer(500)]
)
async def test_find_trouble(answer: Answer, luma: DreamMachineUpstream, asked: Asked) -> None:
    """What is no list says nothing about what is in it."""
    asked.answers(answer)
    with pytest.raises(ProviderError):
        await luma.find(submission(CAT), NOW)
