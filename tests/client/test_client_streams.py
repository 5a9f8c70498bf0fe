"""Events, all pages of a list, and uploads with both clients."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx2
import pytest
from PIL import Image

from filmgate.client import (
    AsyncFilmgate,
    ConnectionFailed,
    Event,
    Filmgate,
    FilmgateClientError,
    InvalidInput,
    NotFound,
    Task,
    Unauthorized,
    UnreadableAnswer,
    events,
)
from tests.client.odd import Answer, odd_server
from tests.support.proxy import LossyProxy
from tests.support.service import RunningService

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nConnection: close\r\n\r\n"
FIRST = b'id: 5\nevent: task\ndata: {"id":"t1","state":"processing","prompt":"a\xe2\x80\xa8b"}\n\n'
LAST = b'id: 7\nevent: task\ndata: {"id":"t1","state":"completed"}\n\n'


def owner(service: RunningService, name: str) -> str:
    """Make a key of an application of its own."""
    return service.run("keys", "create", "--name", name, "--application", name).stdout.strip()


class Tearing:
    """A server that sends each connection its bytes and then breaks it; the last one's bytes go to all others."""

    def __init__(self, *streams: bytes) -> None:
        self.streams = [*streams]
        self.requests: list[str] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        """Serve one connection after the other until the listener is shut down."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self.requests.append(connection.recv(65_536).decode())
                connection.sendall(self.streams.pop(0) if len(self.streams) > 1 else self.streams[0])
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1)  # the client has read all of it and closes

    def stop(self) -> None:
        """Refuse connections from now on."""
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@contextmanager
def tearing(*streams: bytes) -> Iterator[Tearing]:
    """Run such a server."""
    server = Tearing(*streams)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(10)


def places(server: Tearing) -> list[str | None]:
    """Return where each request wanted to resume."""
    found = [
        [line for line in each.lower().split("\r\n") if line.startswith("last-event-id")] for each in server.requests
    ]
    return [line[0].partition(": ")[2] if line else None for line in found]


def test_a_task_is_followed_to_its_end(service: RunningService) -> None:
    """The stream of a task ends with it; behind its last event there is nothing, and an unknown task is NotFound."""
    with Filmgate(service.url, service.key) as filmgate:
        task = filmgate.submit("x", duration=1)
        found = [*filmgate.events(task)]
        assert {(each.kind, each.task_id) for each in found} == {("task", task.id)}
        assert [each.task is not None and each.task.final for each in found] == [False] * (len(found) - 1) + [True]
        ids = [each.id or 0 for each in found]
        assert ids == sorted({*ids})
        assert [*filmgate.events(task.id, after=ids[-1])] == []
        assert [each.id for each in filmgate.events(task, after=1)] == ids[-1:]
        with pytest.raises(NotFound):
            next(filmgate.events("0195b5f6-0000-7000-8000-000000000000"))


async def test_all_tasks_are_followed(service: RunningService) -> None:
    """The stream of all tasks tells of each task of the application, and of deletions, from a place on."""
    key = owner(service, "followed")
    async with AsyncFilmgate(service.url, key) as filmgate:
        first = await filmgate.submit("x [fail]", duration=1)
        await filmgate.wait(first, timeout=60)
        ended: list[Event] = []
        stream = filmgate.events(after=1)
        async for event in stream:
            ended.append(event)
            if event.kind == "deleted":
                break
            if event.task is not None and event.task.final:
                await filmgate.delete(first)
        await stream.aclose()  # type: ignore[attr-defined]
        assert (ended[-1].task_id, ended[-1].task, ended[-2].task_id) == (first.id, None, first.id)
        with pytest.raises(Unauthorized):
            async with AsyncFilmgate(service.url, "fg_wrong") as stranger:
                await anext(stranger.events())


def test_a_stream_outlasts_a_restart_and_a_lost_event(start_service: Callable[..., RunningService]) -> None:
    """What happens while the service is away, or is lost on the way, is read on the next connection."""
    service = start_service()
    proxy = LossyProxy(service.url, losses=0)
    with closing(proxy), Filmgate(proxy.url, service.key) as filmgate, Filmgate(service.url, service.key) as other:
        first, second = (other.submit("x [hang]", duration=1) for _ in range(2))
        stream = filmgate.events(after=1)
        assert {next(stream).task_id, next(stream).task_id} <= {first.id, second.id}
        proxy.lose(1)
        other.cancel(first)
        assert proxy.lost.acquire(timeout=60)
        ended = next(each for each in stream if each.task is not None and each.task.final)
        assert ended.task_id == first.id
        service.stop()
        service.start()
        other.cancel(second)
        ended = next(each for each in stream if each.task_id == second.id and each.task is not None and each.task.final)
        assert ended.task is not None
        assert ended.task.failure is not None
        assert ended.task.failure.code == "cancelled"


@pytest.mark.parametrize("cut", [0, 3, 18, len(LAST) - 1])
def test_an_event_that_is_torn_is_read_again(cut: int) -> None:
    """Half an event counts for nothing: the stream resumes behind the last whole one, and each event comes once."""
    opening = HEAD + b"retry: 1000\nid: 3\n\n"
    with tearing(opening, HEAD + FIRST + LAST[:cut], HEAD + b"retry: 1000\nid: 5\n\n:\n\n" + LAST) as server:
        with Filmgate(server.url, "k") as filmgate:
            found = [*filmgate.events("t1")]
        assert [(each.id, each.task and each.task.state) for each in found] == [(5, "processing"), (7, "completed")]
        assert found[0].task is not None
        assert found[0].task.prompt == "a\u2028b"
        assert places(server) == [None, "3", "5"]


async def test_an_event_that_is_torn_is_read_again_in_asyncio() -> None:
    """The client for asyncio resumes at the same place."""
    with tearing(HEAD + FIRST + LAST[:9], HEAD + LAST) as server:
        async with AsyncFilmgate(server.url, "k") as filmgate:
            assert [event.id async for event in filmgate.events("t1")] == [5, 7]
        assert places(server) == [None, "5"]


def test_a_service_that_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that cannot be resumed for a minute ends with the error; what is no stream is refused at once."""
    monkeypatch.setattr(events, "_PATIENCE", 0.3)
    with tearing(HEAD + FIRST) as server, Filmgate(server.url, "k") as filmgate:
        stream = filmgate.events()
        assert next(stream).id == 5
        server.stop()
        with pytest.raises(ConnectionFailed):
            list(stream)
    for body in (b"{}", HEAD.partition(b"\r\n\r\n")[2]):
        with odd_server(Answer(body=body)) as odd, Filmgate(odd.url, "k") as filmgate, pytest.raises(UnreadableAnswer):
            next(filmgate.events())
    with (
        tearing(HEAD + b"event: task\ndata: {}\n\n") as server,
        Filmgate(server.url, "k") as filmgate,
        pytest.raises(UnreadableAnswer),
    ):
        next(filmgate.events())


async def test_all_pages_are_read(service: RunningService) -> None:
    """Both pagers yield every task once, in order, also when a task is added meanwhile."""
    key = owner(service, "pages")
    with Filmgate(service.url, key) as filmgate:
        ids = [filmgate.wait(filmgate.submit("x [fail]"), timeout=60).id for _ in range(5)]
        assert [task.id for task in filmgate.tasks(newest=False, page=2)] == ids
        assert [*filmgate.tasks(state="completed")] == []
        reading = filmgate.tasks(state="failed", page=2)
        found = [next(reading).id]
        filmgate.wait(filmgate.submit("x [fail]"), timeout=60)
        found += [task.id for task in reading]
        assert found == ids[::-1]
    async with AsyncFilmgate(service.url, key) as asking:
        assert [task.id async for task in asking.tasks(newest=False, page=2)][:5] == ids


def test_pages_are_requested_as_they_are_read() -> None:
    """Nothing is requested before it is read."""
    page = b'{"tasks":[{"id":"%s","state":"failed"}],"total":9,"limit":1,"offset":0,"has_more":true}'
    with odd_server(*(Answer(body=page % name) for name in (b"a", b"b"))) as server:
        with Filmgate(server.url, "k") as filmgate:
            reading = filmgate.tasks(page=1)
            assert server.requests == []
            assert [next(reading).id, next(reading).id] == ["a", "b"]
        assert [request.path.partition("offset=")[2][:1] for request in server.requests] == ["0", "1"]


async def test_files_are_uploaded(service: RunningService, tmp_path: Path) -> None:
    """A picture or clip becomes a link, out of a file or out of bytes, and a clip can be made from it."""
    picture = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(picture, "PNG")
    (tmp_path / "teal.png").write_bytes(picture.getvalue())
    with Filmgate(service.url, service.key) as filmgate:
        made = filmgate.wait(filmgate.submit("x", duration=1), timeout=60)
        film = filmgate.download(made, tmp_path / "clip.mp4")
        links = [filmgate.upload(tmp_path / "teal.png"), filmgate.upload(str(tmp_path / "teal.png"))]
        links.append(filmgate.upload(picture.getvalue()))
        assert all(httpx2.get(link).headers["Content-Type"].startswith("image/") for link in links)
        films = [filmgate.upload(film), filmgate.upload(film.read_bytes(), media_type="video/mp4")]
        assert [httpx2.get(link).headers["Content-Type"] for link in films] == ["video/mp4"] * 2
        ended: Task = filmgate.wait(
            filmgate.submit("x", start={"video": films[0]}, end=links[0], duration=1), timeout=90
        )
        assert ended.completed
        with pytest.raises(FilmgateClientError) as caught:
            filmgate.upload(b"not a picture")
        assert (caught.value.status, caught.value.code) == (400, "invalid_media")
        for nothing in (b"", tmp_path / "nothing.png", b"x" * (20 * 1024 * 1024 + 1)):
            with pytest.raises(InvalidInput):
                filmgate.upload(nothing)
    async with AsyncFilmgate(service.url, service.key) as asking:
        assert httpx2.get(await asking.upload(picture.getvalue())).status_code == 200
