"""What the client does when things go wrong on the way."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path

import httpx2
import pytest

from filmgate.client import (
    AsyncFilmgate,
    ConnectionFailed,
    DownloadFailed,
    Filmgate,
    FilmgateClientError,
    NotFound,
    OutcomeUnknown,
    ServiceUnavailable,
    Task,
    TooManyRequests,
    Unauthorized,
    UnreadableAnswer,
    Video,
    WaitTimeout,
    retries,
)
from filmgate.client.calls import error_of
from tests.client.odd import Answer, odd_server

TASK = Answer(body=b'{"id":"t1","state":"completed","progress":100,"something_new":{"a":1}}')
PENDING = Answer(body=b'{"id":"t1","state":"pending"}')
BUSY = Answer(429, b'{"error":{"code":"too_many_requests","message":"slow down"}}', (("Retry-After", "0"),))
LOST = Answer(lost=True)
IN_FLIGHT = Answer(409, b'{"error":{"code":"in_flight","message":"wait"}}', (("Retry-After", "0"),))


def refusal(status: int, code: str, **more: str) -> Answer:
    """Return an error as the service writes it."""
    return Answer(status, json.dumps({"error": {"code": code, "message": "No.", **more}}).encode())


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (refusal(400, "bad_request", field="prompt", trace_id="tr"), FilmgateClientError, "bad_request"),
        (refusal(401, "invalid_token"), Unauthorized, "invalid_token"),
        (refusal(404, "not_found"), NotFound, "not_found"),
        (refusal(500, "api_error"), ServiceUnavailable, "api_error"),
        (Answer(500, b"<html>"), ServiceUnavailable, "http_500"),
        (Answer(404, b"[]"), NotFound, "http_404"),
        (Answer(418, b'{"error":"teapot"}'), FilmgateClientError, "http_418"),
        (Answer(302, b"", (("Location", "https://example.com/"),)), FilmgateClientError, "http_302"),
        (Answer(200, b"<html>hello</html>"), UnreadableAnswer, "unreadable_answer"),
        (Answer(200, b'{"id":7}'), UnreadableAnswer, "unreadable_answer"),
    ],
)
def test_errors(answer: Answer, kind: type[FilmgateClientError], code: str) -> None:
    """Each refusal is the error of its status, with the service's code and sentence."""
    with odd_server(answer) as server, Filmgate(server.url, "k") as filmgate:
        with pytest.raises(kind) as caught:
            filmgate.get("t1")
        error = caught.value
        assert (type(error), error.status, error.code) == (kind, answer.status, code)
        assert len(server.requests) == 1
    if code == "bad_request":
        assert (error.message, error.field, error.trace_id) == ("No.", "prompt", "tr")


def test_new_fields_are_tolerated() -> None:
    """An answer of a newer service is read."""
    with odd_server(TASK) as server, Filmgate(server.url, "k") as filmgate:
        assert filmgate.get("t1").completed


@pytest.mark.parametrize("trouble", [BUSY, LOST, Answer(503), Answer(502), Answer(504)])
def test_questions_are_asked_again(trouble: Answer) -> None:
    """A question that met passing trouble is asked again."""
    with odd_server(trouble, trouble, TASK) as server, Filmgate(server.url, "k") as filmgate:
        assert filmgate.get("t1").id == "t1"
        assert len(server.requests) == 3


async def test_questions_are_asked_again_asynchronously() -> None:
    """The asynchronous client has the same patience."""
    with odd_server(BUSY, LOST, Answer(503), TASK) as server:
        async with AsyncFilmgate(server.url, "k") as filmgate:
            assert (await filmgate.get("t1")).id == "t1"
        assert len(server.requests) == 4


def test_submit_that_was_refused_for_its_rate_is_sent_again() -> None:
    """A refusal for the rate means that nothing was accepted, so a submit may be sent again."""
    with odd_server(BUSY, TASK) as server, Filmgate(server.url, "k") as filmgate:
        filmgate.submit("a prompt")
        assert len(server.requests) == 2


@pytest.mark.parametrize("trouble", [LOST, Answer(502), Answer(503), IN_FLIGHT])
def test_submit_whose_answer_was_lost_is_sent_again_with_its_key(trouble: Answer) -> None:
    """Where a submit may have been accepted, it is repeated as the same one."""
    with odd_server(trouble, TASK) as server, Filmgate(server.url, "k") as filmgate:
        assert filmgate.submit("a prompt").id == "t1"
        first, again = server.requests
    assert first.headers["Idempotency-Key"] == again.headers["Idempotency-Key"] != ""
    assert first.body == again.body


async def test_submit_whose_answer_was_lost_is_sent_again_asynchronously() -> None:
    """The asynchronous client does the same, and gives every submit a key of its own."""
    with odd_server(LOST, TASK) as server:
        async with AsyncFilmgate(server.url, "k") as filmgate:
            await filmgate.submit("a prompt")
            await filmgate.submit("a prompt")
        keys = [request.headers["Idempotency-Key"] for request in server.requests]
    assert (keys[0], len(set(keys))) == (keys[1], 2)


def test_submit_that_broke_the_service_is_not_sent_again() -> None:
    """A 500 is no passing trouble."""
    with odd_server(Answer(500), TASK) as server, Filmgate(server.url, "k") as filmgate:
        with pytest.raises(ServiceUnavailable):
            filmgate.submit("a prompt")
        assert len(server.requests) == 1


def test_submit_whose_service_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """If nobody can be asked again, the outcome is unknown, whatever the last attempt met."""
    monkeypatch.setattr(retries, "_RESTART", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:

        def serve_once() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1)
                server.close()

        served = pool.submit(serve_once)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with Filmgate(url, "k") as filmgate, pytest.raises(OutcomeUnknown, match="earlier attempt may have been"):
            filmgate.submit("a prompt")
        served.result(10)


def test_rate_that_takes_too_long_is_told() -> None:
    """A wait beyond the client's patience is left to the caller, with the seconds it takes."""
    busy = Answer(429, b"{}", (("Retry-After", "3600"),))
    with odd_server(busy) as server, Filmgate(server.url, "k") as filmgate:
        with pytest.raises(TooManyRequests) as caught:
            filmgate.get("t1")
        assert caught.value.retry_after == 3600
        assert len(server.requests) == 1


@pytest.mark.parametrize(("value", "seconds"), [("soon", 1.0), ("inf", 1.0), ("1.5", 1.5)])
def test_retry_after_is_never_nonsense(value: str, seconds: float) -> None:
    """What is neither a number nor a date is one second, so that a wait has an end."""
    error = error_of(httpx2.Response(429, headers={"Retry-After": value}, content=b"{}"))
    assert isinstance(error, TooManyRequests)
    assert error.retry_after == seconds


def test_retry_after_may_be_a_date() -> None:
    """A proxy may name a time; it is read as the seconds until then."""
    error = error_of(httpx2.Response(429, headers={"Retry-After": formatdate(time.time() + 3_600)}, content=b"{}"))
    assert isinstance(error, TooManyRequests)
    assert 1 < error.retry_after <= 3_600


def test_nobody_there() -> None:
    """A port where nobody listens is a connection error that names the address."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with Filmgate(url, "k") as filmgate, pytest.raises(ConnectionFailed, match=f"no service answers at {url}"):
            filmgate.get("t1")


def test_wait_ends_at_its_time() -> None:
    """A wait with a limit ends at it, and the error carries the id to go on with."""
    with odd_server(PENDING) as server, Filmgate(server.url, "k") as filmgate:
        with pytest.raises(WaitTimeout, match="it goes on") as caught:
            filmgate.wait("t1", timeout=0.05)
        assert caught.value.task_id == "t1"


def test_wait_shows_what_it_sees() -> None:
    """Progress is given at each look, the first of which is not held back."""
    seen: list[str] = []
    with odd_server(PENDING, PENDING, LOST, TASK) as server, Filmgate(server.url, "k") as filmgate:
        assert filmgate.wait("t1", on_progress=lambda task: seen.append(task.state)).completed
        assert [request.path for request in server.requests[:2]] == [
            "/api/v1/tasks/t1",
            "/api/v1/tasks/t1?wait=0.500",
        ]
    assert seen == ["pending", "pending", "completed"]


def test_ids_cannot_leave_their_place() -> None:
    """An id is one part of the path, whatever it contains; an empty one is refused."""
    with odd_server(TASK) as server, Filmgate(server.url, "k") as filmgate:
        filmgate.get("../me?x=1")
        assert server.requests[0].path == "/api/v1/tasks/..%2Fme%3Fx%3D1"
        with pytest.raises(FilmgateClientError, match="an id is needed"):
            filmgate.get(" ")


def completed(url: str, size: int | None) -> Task:
    """Return a completed task whose video has this link and size."""
    return Task(id="t1", state="completed", video=Video(url=url, width=8, height=8, bytes=size))


def test_download_is_whole_or_not_at_all(tmp_path: Path) -> None:
    """A file of another size than the service said is not kept, and what was there stays."""
    goal = tmp_path / "clip.mp4"
    goal.write_bytes(b"before")
    with odd_server(Answer(body=b"short")) as server, Filmgate(server.url, "k") as filmgate:
        with pytest.raises(DownloadFailed, match="should have 6 bytes, 5 came"):
            filmgate.download(completed(f"{server.url}/media/a", 6), goal)
        assert goal.read_bytes() == b"before"
        assert list(tmp_path.iterdir()) == [goal]
        assert filmgate.download(completed(f"{server.url}/media/a", 5), goal) == goal
    assert goal.read_bytes() == b"short"
    assert list(tmp_path.iterdir()) == [goal]


def test_download_asynchronously(tmp_path: Path) -> None:
    """The asynchronous client saves the same way, and tries again when the connection breaks."""
    goal = tmp_path / "clip.mp4"

    async def download(url: str) -> None:
        async with AsyncFilmgate(url, "k") as filmgate:
            await filmgate.download(completed(f"{url}/media/a", 4), goal)
            with pytest.raises(DownloadFailed):
                await filmgate.download(completed(f"{url}/media/a", 5), goal)

    with odd_server(LOST, Answer(body=b"film")) as server:
        asyncio.run(download(server.url))
    assert goal.read_bytes() == b"film"
    assert list(tmp_path.iterdir()) == [goal]


def test_link_gets_no_key(tmp_path: Path) -> None:
    """A link may lead to another host: the key is not sent there."""
    with odd_server(Answer(body=b"film")) as server, Filmgate(server.url, "k") as filmgate:
        filmgate.download(completed(f"{server.url}/media/a", 4), tmp_path / "clip.mp4")
        assert "authorization" not in {name.lower() for name in server.requests[0].headers}


def test_key_is_sent_as_it_is() -> None:
    """A key may have any characters that can be shown."""
    with odd_server(TASK) as server, Filmgate(server.url, "schlüssel 1") as filmgate:
        filmgate.get("t1")
        sent = server.requests[0].headers["Authorization"]
    assert sent.encode("latin-1").decode() == "Bearer schlüssel 1"


def test_download_of_what_is_gone(tmp_path: Path) -> None:
    """A link to a deleted file is NotFound, a task without video DownloadFailed; nothing is left behind."""
    with odd_server(refusal(404, "not_found")) as server, Filmgate(server.url, "k") as filmgate:
        with pytest.raises(NotFound):
            filmgate.download(completed(f"{server.url}/media/a", 4), tmp_path / "clip.mp4")
        with pytest.raises(DownloadFailed, match="is pending and has no video"):
            filmgate.download(Task(id="t1", state="pending"), tmp_path / "clip.mp4")
    assert not list(tmp_path.iterdir())
