"""Which engine makes a task, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from filmgate.adapters.dialects.acedata.upstream import AceDataUpstream
from filmgate.adapters.dialects.dream_machine.upstream import DreamMachineUpstream
from filmgate.adapters.dialects.gateway.upstream import GatewayUpstream
from filmgate.adapters.engines.scripted import ScriptedEngine
from filmgate.adapters.ledger.sqlite import SqliteLedger
from filmgate.adapters.outbound.provider_client import HttpProviderClient
from filmgate.core.providers.account import Account
from filmgate.core.providers.routing import Router
from filmgate.domain.accounts import AccountSettings
from filmgate.domain.generation import Generation, Kind, Operation, Reference, ReferenceKind
from filmgate.domain.settings import EngineSettings
from filmgate.ports.ledger import Ledger
from filmgate.ports.provider import ProviderError
from tests.core.providers.small import ORDER, Small
from tests.ledger.examples import A, submitted

UPSTREAMS: dict[str, Any] = {
    "acedata": AceDataUpstream,
    "gateway": GatewayUpstream,
    "dream_machine": DreamMachineUpstream,
}
LAKE = Generation("a lake", model="ray-2")


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """A ledger in a file, with one application."""
    opened = SqliteLedger(tmp_path / "ledger.db")
    await opened.open()
    await opened.add_application(A)
    yield opened
    await opened.close()


class Place:
    """A router, and the accounts it chooses from."""

    def __init__(self, ledger: Ledger, **tables: dict[str, Any]) -> None:
        """Take tables of engines by name; without a type they are scripted."""
        settings = {"studio": EngineSettings(type="scripted")}
        settings |= {name: EngineSettings(**{"type": "scripted"} | table) for name, table in tables.items()}
        engines = {name: ScriptedEngine(name) for name, each in settings.items() if each.type not in UPSTREAMS}
        self.accounts = {
            name: Account(
                name, UPSTREAMS[each.type](HttpProviderClient("http://127.0.0.1:9", {}), {}), AccountSettings()
            )
            for name, each in settings.items()
            if each.type in UPSTREAMS
        }
        self.router = Router(ledger, settings, engines, self.accounts)

    def order(self, generation: Generation = LAKE, origin: str | None = None) -> list[tuple[str, str]]:
        """Return the engines that are looked at, in order, each with its verdict."""
        return [(each.engine, each.verdict.value) for each in self.router.candidates(generation, origin)]

    def why(self, engine: str, generation: Generation = LAKE, origin: str | None = None) -> str:
        """Return what is said of an engine."""
        found = self.router.candidates(generation, origin)
        return next(each.reason for each in found if each.engine == engine)


def test_an_engine_that_names_the_model_comes_before_those_for_every_model(ledger: Ledger):
    """Those for every model are not even looked at then; without any, the default engine makes it."""
    place = Place(ledger, one={"models": ["ray-2"]}, every={"models": ["*"]}, none={})
    assert place.order() == [("one", "chosen")]
    assert place.order(Generation("a lake", model="other")) == [("every", "chosen")]
    assert place.order(Generation("a lake")) == [("every", "chosen")]
    assert Place(ledger, one={"models": ["ray-2"]}).order(Generation("a lake")) == [("studio", "chosen")]


def test_the_lowest_priority_comes_first(ledger: Ledger):
    """The others stand by, in order."""
    tables = {f"p{number}": {"models": ["*"], "priority": number} for number in (3, 1, 2)}
    assert Place(ledger, **tables).order() == [("p1", "chosen"), ("p2", "standby"), ("p3", "standby")]


def test_among_equals_the_weight_decides(ledger: Ledger):
    """Over many draws each comes as often as its weight says."""
    router = Place(ledger, big={"models": ["*"], "weight": 3}, small={"models": ["*"]}).router
    drawn = Counter(router.choose(LAKE, None) for _ in range(2_000))
    assert drawn["big"] / 2_000 == pytest.approx(0.75, abs=0.06)
    assert drawn["big"] + drawn["small"] == 2_000


def test_operations_leave_the_others_out(ledger: Ledger):
    """The reason says what it is used for."""
    place = Place(ledger, one={"models": ["*"], "operations": ["extend"]}, two={"models": ["*"], "priority": 9})
    assert place.order() == [("two", "chosen"), ("one", "refuses")]
    assert place.why("one") == "is used for extend only"


def test_the_engine_that_made_the_clip_comes_first(ledger: Ledger):
    """It can go on from its own clip best, whatever the priorities say."""
    place = Place(ledger, one={"models": ["*"]}, two={"models": ["*"], "priority": 9})
    assert place.order(origin="two") == [("two", "chosen"), ("one", "standby")]
    assert "made the clip it goes on from" in place.why("two", origin="two")
    assert place.order(origin="gone") == [("one", "chosen"), ("two", "standby")]


def test_an_engine_in_trouble_comes_last(ledger: Ledger):
    """It is chosen only where there is no other, and its trouble is said."""
    place = Place(ledger, ace={"type": "acedata", "models": ["*"]}, two={"models": ["*"], "priority": 9})
    assert place.order() == [("ace", "chosen"), ("two", "standby")]
    place.accounts["ace"].submits.bad("The key is refused.", definite=True)
    assert place.order() == [("two", "chosen"), ("ace", "troubled")]
    assert place.order(origin="ace") == [("two", "chosen"), ("ace", "troubled")]
    assert place.why("ace") == "The key is refused."
    alone = Place(ledger, ace={"type": "acedata", "models": ["*"]})
    alone.accounts["ace"].submits.bad("The key is refused.", definite=True)
    assert alone.router.choose(LAKE, None) == "ace"


async def test_an_engine_that_asked_for_quiet_gets_no_new_task_meanwhile(ledger: Ledger):
    """A 429 is no trouble, but its Retry-After sends tasks elsewhere."""
    place = Place(ledger, ace={"type": "acedata", "models": ["*"]}, two={"models": ["*"], "priority": 9})
    busy = Small()
    busy.troubles = [ProviderError("busy", retry_after=60)]
    place.accounts["ace"].provider = busy
    with pytest.raises(ProviderError):
        await place.accounts["ace"].submit(ORDER)
    assert place.order() == [("two", "chosen"), ("ace", "troubled")]


def test_the_next_engine_was_not_tried_and_is_in_no_trouble(ledger: Ledger):
    """Failover goes to each engine once."""
    tables: dict[str, Any] = {f"p{number}": {"models": ["*"], "priority": number} for number in (1, 2)}
    place = Place(ledger, ace={"type": "acedata", "models": ["*"], "priority": 3}, **tables)
    router = place.router
    assert router.next_engine(LAKE, None, ("p1",)) == "p2"
    assert router.next_engine(LAKE, None, ("p1", "p2")) == "ace"
    place.accounts["ace"].submits.bad("no", definite=True)
    assert router.next_engine(LAKE, None, ("p1", "p2")) is None


def test_a_provider_is_asked_whether_it_can(ledger: Ledger):
    """Where all refuse, the first one is chosen, and the task ends with its reason."""
    fine = Generation("a lake", resolution="4k")
    place = Place(ledger, ace={"type": "acedata", "models": ["*"]}, two={"models": ["*"], "priority": 9})
    assert place.order(fine) == [("two", "chosen"), ("ace", "refuses")]
    assert "less than 4k" in place.why("ace", fine)
    alone = Place(ledger, ace={"type": "acedata", "models": ["*"]}, bee={"type": "acedata", "models": ["*"]})
    assert alone.order(fine) == [("ace", "refuses"), ("bee", "refuses")]
    assert alone.router.choose(fine, None) == "ace"


def test_a_provider_that_takes_no_foreign_videos_goes_on_from_its_own_alone(ledger: Ledger):
    """A gateway extends what it made, AceData whatever it can be given."""
    more = Generation("and on", start=Reference(ReferenceKind.TASK, "earlier"))
    place = Place(ledger, gw={"type": "gateway", "models": ["*"]}, ace={"type": "acedata", "models": ["*"]})
    assert place.order(more, "gw") == [("gw", "chosen"), ("ace", "standby")]
    assert place.order(more, "studio") == [("ace", "chosen"), ("gw", "refuses")]
    assert place.why("gw", more, "studio") == "can only go on from a video that it made itself"


def test_prices_and_names_of_models_are_the_engines_own(ledger: Ledger):
    """What stands for every model holds for those that are not named."""
    models = {"ray-2": {"name": "ray-v2", "credits": 0.6}, "*": {"credits": 0.1}}
    router = Place(ledger, gw={"type": "gateway", "models": models}).router
    assert (router.price("gw", LAKE), router.upstream_model("gw", "ray-2")) == (0.6, "ray-v2")
    other = Generation("a lake", model="other")
    assert (router.price("gw", other), router.upstream_model("gw", "other")) == (0.1, "other")
    assert (router.price("studio", LAKE), router.upstream_model("studio", None)) == (5.0, None)
    assert [each.credits for each in router.candidates(LAKE, None)] == [0.6]


async def test_the_origin_is_the_engine_of_the_earlier_task(ledger: Ledger):
    """Of tasks of the same owner only; what came by address has none."""
    earlier = await submitted(ledger, engine="gw")
    router = Place(ledger).router
    reference = Reference(ReferenceKind.TASK, earlier.id)
    assert await router.origin_of(Generation("on", start=reference), A.id) == "gw"
    assert await router.origin_of(Generation("on", end=reference), A.id) == "gw"
    assert await router.origin_of(Generation("on", start=reference), "somebody else") is None
    assert await router.origin_of(Generation("on"), A.id) is None
    picture = Reference(ReferenceKind.IMAGE, "https://cdn.example/a.png")
    assert await router.origin_of(Generation("on", start=picture, end=reference), A.id) == "gw"


def test_operations_are_those_of_the_request(ledger: Ledger):
    """An engine for extensions is used for them."""
    place = Place(ledger, one={"models": ["*"], "operations": [Operation.EXTEND]})
    more = Generation("and on", start=Reference(ReferenceKind.TASK, "earlier"))
    assert place.order(more, "one") == [("one", "chosen")]


def test_a_disabled_engine_gets_no_new_task(ledger: Ledger):
    """It is not even a standby; a model that it alone names is unknown."""
    place = Place(ledger, one={"models": ["ray-2"], "enabled": False}, two={"models": ["ray-2"], "priority": 9})
    assert place.order() == [("two", "chosen")]
    assert place.router.next_engine(LAKE, None, ("two",)) is None


def test_an_engine_whose_model_makes_no_pictures_refuses_them(ledger: Ledger):
    """What a model makes follows from its name at the provider."""
    models = {"any": {"name": "ray-2"}}
    place = Place(ledger, luma={"type": "dream_machine", "models": models}, two={"models": ["any"], "priority": 9})
    picture = Generation("a lake", model="any", kind=Kind.IMAGE)
    assert place.order(picture) == [("two", "chosen"), ("luma", "refuses")]
    assert place.why("luma", picture) == "makes no images with the model any"
