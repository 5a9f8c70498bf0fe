"""What engines and providers say that they can is what they do not refuse, and nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, cast

import pytest

from filmgate.adapters.engines.scripted import ScriptedEngine
from filmgate.adapters.engines.studio import StudioEngine
from filmgate.app.engines import upstream_types
from filmgate.domain.capabilities import Capabilities, InputOption, union
from filmgate.domain.generation import Generation, Guide, GuideRole, Kind, Operation, Reference, ReferenceKind
from filmgate.domain.sizes import RESOLUTIONS
from filmgate.ports.engine import Engine
from filmgate.ports.provider import Provider
from filmgate.ports.transport import ProviderClient

NOWHERE = cast(ProviderClient, None)
"""A line that is never used: nothing is sent here."""

KNOWN: dict[str, tuple[str | None, ...]] = {
    "dream_machine": ("ray-2", "photon-1", "a-name-of-its-own"),
    "agents": ("ray-3.2", "uni-1", "a-name-of-its-own"),
}

EVERYBODY: list[tuple[str, Any, str | None]] = [
    ("studio", StudioEngine(), None),
    ("scripted", ScriptedEngine(), None),
    *(
        (name, upstream(NOWHERE, {}), model)
        for name, upstream in upstream_types().items()
        for model in KNOWN.get(name, (None,))
    ),
]

SIDES: tuple[Reference | None, ...] = (None, *(Reference(kind, "01a10000") for kind in ReferenceKind))


def generations(kinds: tuple[Kind, ...]) -> Iterator[Generation]:
    """Return one generation for each combination of kind, operation, sides and a guide."""
    guides: tuple[tuple[Guide, ...], ...] = ((), *((Guide(role, "https://a.example/b.png"),) for role in GuideRole))
    named = (None, Operation.UPSCALE, Operation.REFRAME, Operation.MODIFY, Operation.ADD_AUDIO)
    for kind, operation, start, end, guide in itertools.product(kinds, named, SIDES, SIDES, guides):
        yield Generation("a cat", kind=kind, named=operation, start=start, end=end, guides=guide)


def inputs(generation: Generation) -> set[InputOption]:
    """Return which inputs a generation has."""
    sides = (("start", generation.start), ("end", generation.end))
    given = {InputOption(f"{side}_{reference.kind}") for side, reference in sides if reference is not None}
    return given | {InputOption(guide.role.field) for guide in generation.guides}


@pytest.mark.parametrize(("name", "engine", "model"), EVERYBODY, ids=[f"{one[0]}-{one[2]}" for one in EVERYBODY])
def test_what_can_be_asked_for_is_what_is_not_refused(name: str, engine: Engine | Provider, model: str | None) -> None:
    """Each operation and input is listed if, and only if, there is a request with it that is not refused."""
    can = engine.capabilities(model)
    taken = [generation for generation in generations(can.kinds) if engine.refuse(generation) is None]
    assert taken, name
    operations = {generation.operation for generation in taken if generation.kind is Kind.VIDEO}
    if can.kinds == (Kind.IMAGE,):  # no dialect has words for more, such as a picture that extends a task
        assert set(can.operations) <= {generation.operation for generation in taken}
        assert set(can.inputs) <= set().union(*map(inputs, taken))
        return
    assert set(can.operations) == operations
    assert set(can.inputs) == set().union(*map(inputs, taken))


@pytest.mark.parametrize(("name", "engine", "model"), EVERYBODY, ids=[f"{one[0]}-{one[2]}" for one in EVERYBODY])
def test_single_features_are_listed_as_they_are_refused(
    name: str, engine: Engine | Provider, model: str | None
) -> None:
    """Loops, concepts, empty prompts and resolutions of videos are listed if, and only if, they are not refused."""
    can = engine.capabilities(model)
    if Kind.VIDEO not in can.kinds:
        pytest.skip("makes pictures only")
    picture = Reference(ReferenceKind.IMAGE, "https://a.example/b.png")
    assert can.loop == (engine.refuse(Generation("a cat", loop=True)) is None)
    assert can.concepts == (engine.refuse(Generation("a cat", concepts=("push_in",))) is None)
    assert can.needs_prompt == (engine.refuse(Generation("", start=picture)) is not None)
    for resolution in RESOLUTIONS:
        refused = engine.refuse(Generation("a cat", resolution=resolution)) is not None
        assert not (refused and resolution in can.resolutions), (name, resolution)


def test_a_provider_with_sizes_and_lengths_of_its_own_lists_those() -> None:
    """What the table of a provider says that it makes is what can be asked for."""
    provider = upstream_types()["openai_videos"](NOWHERE, {"sizes": ["1280x720"], "seconds": [8, 4]})
    can = provider.capabilities("sora-2")
    assert (can.sizes, can.durations) == (("1280x720",), (4, 8))


def test_of_several_engines_a_model_can_what_one_of_them_can() -> None:
    """A model that two engines make can be asked for what either of them makes; a free size is wider than a list."""
    one = Capabilities(durations=(4, 8), sizes=("1280x720",), loop=False, needs_prompt=True)
    two = Capabilities(durations=(5,), inputs=(InputOption.START_IMAGE,))
    both = union((one, two))
    assert (both.durations, both.sizes, both.inputs) == ((4, 5, 8), (), (InputOption.START_IMAGE,))
    assert both.loop
    assert not both.needs_prompt
    assert union((one, one)) == one
