"""What operators ask the client for: engines, routes, submits of an unknown outcome, tasks to take over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from filmgate.client import (
    AsyncFilmgate,
    Candidate,
    Filmgate,
    FilmgateClientError,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    Unauthorized,
)
from tests.client.odd import Answer, odd_server
from tests.support.provider import account, in_front
from tests.support.service import RunningService

NOBODY = "0195b5f6-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def front(service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service whose model "far" is made by the shared one, for a price."""
    engines = {
        "far": account(service, models={"far": {"name": "ray-2", "credits": 2.5}}, slots=7),
        "near": {"type": "scripted", "models": ["far"], "priority": 1},
    }
    with in_front(tmp_path_factory.mktemp("front"), engines) as running:
        yield running


def test_engines_say_how_they_are(front: RunningService) -> None:
    """Each engine is told of in the order of the configuration, a provider with its address and its prices."""
    with Filmgate(front.url, front.key) as filmgate:
        studio, far, near = filmgate.engine_status()
    assert (studio.name, studio.address, studio.slots) == ("studio", None, 1)
    assert (far.type, far.models, far.slots) == ("dream_machine", {"far": 2.5}, 7)
    assert far.address is not None
    assert far.address.endswith("/dream-machine/v1")
    assert (far.healthy, far.trouble, far.waiting, far.in_flight, far.unknown) == (True, None, 0, 0, 0)
    assert (near.priority, near.models) == (1, {"far": None})


def test_routes_are_told_without_submitting(front: RunningService) -> None:
    """A route names the engine and those it was chosen from; no task comes of it. The only model is meant by none."""
    with Filmgate(front.url, front.key) as filmgate:
        before = filmgate.list().total
        route = filmgate.route("a boat", model="far")
        assert filmgate.list().total == before
        assert filmgate.route("a boat").engine == "far"
        with pytest.raises(FilmgateClientError, match=r'There is no model "fra"\. Did you mean "far"\?') as caught:
            filmgate.route("a boat", model="fra")
        assert (caught.value.status, caught.value.code, caught.value.field) == (400, "model_not_found", "model")
    assert route.engine == "far"
    assert route.candidates == (
        Candidate("far", "chosen", "makes far, priority 0, weight 1", 2.5),
        Candidate("near", "standby", "makes far, priority 1, weight 1", 5.0),
    )


async def test_models_are_listed_with_what_they_can(front: RunningService, service: RunningService) -> None:
    """Both clients give the models with their engines; a service that makes any model says who makes the others."""
    with Filmgate(front.url, front.key) as filmgate:
        found = filmgate.models()
    async with AsyncFilmgate(front.url, front.key) as asking:
        assert await asking.models() == found
    (far,) = found.models
    assert (far.name, far.engines, far.durations[0], found.others) == ("far", ("far", "near"), 1, None)
    with Filmgate(service.url, service.key) as filmgate:
        others = filmgate.models().others
    assert others is not None
    assert (others.name, others.engines) == ("*", ("scripted",))


def test_tasks_of_a_provider_are_taken_over(front: RunningService, service: RunningService) -> None:
    """A task that the provider made before is there under its own id, is fetched, and is left as it is afterwards."""
    with Filmgate(service.url, service.key) as provider:
        made = provider.wait(provider.submit("long ago", duration=1), timeout=60)
    with Filmgate(front.url, front.key) as filmgate:
        (task,) = filmgate.import_tasks("far", [made.id])
        assert (task.id, task.engine, task.prompt) == (made.id, "far", "long ago")
        ended = filmgate.wait(task, timeout=60)
        assert ended.completed
        assert ended.video is not None
        assert ended.video.url.startswith(front.url)
        assert filmgate.import_tasks("far", [made.id])[0].completed
        with pytest.raises(NotFound) as caught:
            filmgate.import_tasks("far", [NOBODY])
        assert caught.value.field == "ids"
        assert caught.value.doc_url == f"{front.url}/manual/reference/errors/#not_found"
        with pytest.raises(NotFound, match="There is no provider 'near' here: far") as refused:
            filmgate.import_tasks("near", [made.id])
    assert (refused.value.status, refused.value.field) == (404, "engine")


async def test_all_of_it_asynchronously(front: RunningService, service: RunningService) -> None:
    """The asynchronous client does the same things."""
    async with AsyncFilmgate(service.url, service.key) as provider:
        made = await provider.submit("long ago [fail]")
    async with AsyncFilmgate(front.url, front.key) as filmgate:
        assert [engine.name for engine in await filmgate.engine_status()] == ["studio", "far", "near"]
        assert (await filmgate.route("a boat", model="far")).engine == "far"
        (task,) = await filmgate.import_tasks("far", [made.id])
        assert (await filmgate.wait(task, timeout=60)).state == "failed"
        assert await filmgate.unknown_submits() == ()
        with pytest.raises(NotFound):
            await filmgate.decide(task, "fail")


def test_nothing_unknown_is_nothing_to_decide(front: RunningService) -> None:
    """Without a submit of an unknown outcome the list is empty, and no decision is taken."""
    with Filmgate(front.url, front.key) as filmgate:
        assert filmgate.unknown_submits() == ()
        with pytest.raises(NotFound):
            filmgate.decide(NOBODY, "submit_again")
        with pytest.raises(FilmgateClientError) as caught:
            filmgate.decide(NOBODY, "accepted")
        assert caught.value.field == "upstream_id"
        with pytest.raises(InvalidInput):
            filmgate.decide(" ", "fail")


def test_who_is_no_operator_is_refused() -> None:
    """The refusal is the one of a key that is not good enough, with a code of its own."""
    refusal = Answer(403, b'{"error":{"code":"forbidden","message":"This is for operators."}}')
    with odd_server(refusal) as server, Filmgate(server.url, "k") as filmgate, pytest.raises(Unauthorized) as caught:
        filmgate.engine_status()
    assert caught.value.code == "forbidden"


def test_a_decision_is_sent_once() -> None:
    """A decision whose answer is lost is not sent again: it may have been carried out."""
    with odd_server(Answer(lost=True)) as server, Filmgate(server.url, "k") as filmgate:
        with pytest.raises(OutcomeUnknown):
            filmgate.decide("t1", "submit_again")
        assert [request.path for request in server.requests] == ["/api/v1/admin/unknown/t1"]
