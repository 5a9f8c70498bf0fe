"""The client against a real service."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from filmgate.client import AsyncFilmgate, Filmgate, FilmgateClientError, NotFound, Task, Unauthorized
from tests.support.clips import play
from tests.support.service import RunningService


def test_a_clip_from_prompt_to_file(service: RunningService, tmp_path: Path) -> None:
    """A prompt becomes a task, its progress is seen, and the file that is saved plays."""
    seen: list[Task] = []
    with Filmgate(service.url, service.key) as filmgate:
        task = filmgate.submit("a lighthouse [delay=4] [steps=8]", duration=1, resolution="540p", loop=True)
        assert (task.final, task.dialect, task.duration, task.loop) == (False, "native", 1, True)
        ended = filmgate.wait(task, timeout=60, on_progress=seen.append)
        path = filmgate.download(ended, tmp_path / "clip.mp4")
    assert ended.completed
    assert ended.video is not None
    assert path.stat().st_size == ended.video.bytes
    assert play(path.read_bytes()) == (960, 540, 25)
    assert [path] == list(tmp_path.iterdir())
    assert [one.progress for one in seen] == sorted(one.progress for one in seen)
    assert any(0 < one.progress < 100 for one in seen)


async def test_all_of_it_asynchronously(service: RunningService, tmp_path: Path) -> None:
    """The asynchronous client does the same things."""
    async with AsyncFilmgate(service.url, service.key) as filmgate:
        task = await filmgate.submit("a lighthouse", duration=1, aspect_ratio="1:1")
        ended = await filmgate.wait(task, timeout=60)
        path = await filmgate.download(task.id, tmp_path / "clip.mp4")
        longer = await filmgate.wait(await filmgate.extend(ended, "and further", duration=1), timeout=60)
        listed = await filmgate.list(limit=100)
        cancelled = await filmgate.cancel(await filmgate.submit("nothing [hang]"))
        await filmgate.delete(ended)
        with pytest.raises(NotFound):
            await filmgate.get(ended.id)
        assert {engine.name for engine in await filmgate.engines()} == {"scripted", "studio"}
        assert (await filmgate.me()).limited
    assert play(path.read_bytes()) == (1024, 1024, 25)
    assert (longer.state, longer.operation) == ("completed", "extend")
    assert {task.id, longer.id} <= {one.id for one in listed.tasks}
    assert cancelled.failure is not None
    assert cancelled.failure.code == "cancelled"


def test_failed_task_is_a_result(service: RunningService) -> None:
    """A task that fails is given with its reason; it is no error of the client."""
    with Filmgate(service.url, service.key) as filmgate:
        ended = filmgate.wait(filmgate.submit("x [fail=moderated: No.]"), timeout=60)
    assert (ended.final, ended.completed, ended.video) == (True, False, None)
    assert ended.failure is not None
    assert (ended.failure.code, ended.failure.message) == ("moderated", "No.")


def test_clip_is_extended_cancelled_and_deleted(service: RunningService) -> None:
    """What is done with tasks later works by task and by id."""
    with Filmgate(service.url, service.key) as filmgate:
        first = filmgate.wait(filmgate.submit("a road", duration=1), timeout=60)
        second = filmgate.wait(filmgate.extend(first.id, "the road goes on", duration=1), timeout=60)
        assert (second.state, second.operation) == ("completed", "extend")
        assert filmgate.cancel(second.id).completed
        filmgate.delete(first)
        with pytest.raises(NotFound):
            filmgate.get(first.id)
        with pytest.raises(NotFound):
            filmgate.delete(first)


def test_local_pictures_are_sent(service: RunningService, tmp_path: Path) -> None:
    """A clip can start from and end at a picture on this machine; what is no picture is refused by the service."""
    Image.new("RGB", (64, 48), "teal").save(tmp_path / "teal.png")
    (tmp_path / "notes.png").write_text("not a picture")
    with Filmgate(service.url, service.key) as filmgate:
        task = filmgate.submit("", start=tmp_path / "teal.png", end=tmp_path / "teal.png", duration=1)
        assert filmgate.wait(task, timeout=60).completed
        with pytest.raises(FilmgateClientError, match="not a picture") as caught:
            filmgate.submit("x", start=tmp_path / "notes.png")
    assert (caught.value.status, caught.value.code) == (400, "invalid_media")


def test_list_is_filtered_and_paged(service: RunningService) -> None:
    """Lists have a state, an order and pages."""
    key = service.run("keys", "create", "--name", "lists", "--application", "lists").stdout.strip()
    with Filmgate(service.url, key) as filmgate:
        ids = [filmgate.wait(filmgate.submit("x [fail]"), timeout=60).id for _ in range(2)]
        page = filmgate.list(state="failed", limit=1)
        assert (len(page.tasks), page.limit, page.offset) == (1, 1, 0)
        assert page.total == 2
        newest = [task.id for task in filmgate.list(state="failed").tasks]
        oldest = [task.id for task in filmgate.list(state="failed", newest=False).tasks]
    assert newest == ids[::-1]
    assert oldest == ids


def test_key_is_found_on_this_machine(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the service's data folder at hand no key has to be given; a wrong one is refused."""
    monkeypatch.delenv("FILMGATE_API_KEY", raising=False)
    monkeypatch.setenv("FILMGATE_DATA", str(service.data))
    with Filmgate(service.url) as filmgate:
        assert filmgate.me().application_id
    with Filmgate(service.url, "fg_wrong") as filmgate, pytest.raises(Unauthorized) as caught:
        filmgate.me()
    assert caught.value.trace_id


def test_what_the_service_refuses_names_the_field(service: RunningService) -> None:
    """A value that is not allowed comes back as the field and what is allowed."""
    with Filmgate(service.url, service.key) as filmgate, pytest.raises(FilmgateClientError) as caught:
        filmgate.submit("x", aspect_ratio="5:4")
    assert (caught.value.status, caught.value.field) == (400, "aspect_ratio")


def test_wait_outlasts_a_restart(start_service: Callable[..., RunningService]) -> None:
    """Who waits for a task does not notice that the service was restarted meanwhile."""
    service = start_service()
    ended: list[Task] = []
    started = threading.Event()

    def watch(task: Task) -> None:
        if task.state == "processing":
            started.set()

    with Filmgate(service.url, service.key) as filmgate:
        task = filmgate.submit("x [delay=2]", duration=1)
        waiter = threading.Thread(
            target=lambda: ended.append(filmgate.wait(task, timeout=60, on_progress=watch)), daemon=True
        )
        waiter.start()
        assert started.wait(30)
        service.kill_group()
        service.start()
        waiter.join(60)
    assert [one.state for one in ended] == ["completed"]
