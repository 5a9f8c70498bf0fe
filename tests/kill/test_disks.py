"""A disk that is full, read-only, locked or wrong: nothing accepted is lost, and it is said what is the matter."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx2
import pytest
from PIL import Image

from tests.kill.disks import ALONE, OnDisk, needs_disks
from tests.service.conftest import client, ended, submit
from tests.support.processes import until
from tests.support.service import FILMGATE, RunningService

pytestmark = pytest.mark.xdist_group("disks")

TABLE = json.dumps({"many": {"type": "scripted", "models": ["*"], "slots": 4}})
FORMS = {
    "/api/v1/tasks": ({"prompt": "x"}, ("error", "code")),
    "/luma/generations": ({"user_prompt": "x"}, ("error", "message")),
    "/luma/videos": ({"prompt": "x", "async": True}, ("error", "code")),
    "/dream-machine/v1/generations": ({"prompt": "xyz", "model": "ray-2"}, ("detail",)),
    "/v1/videos": ({"prompt": "x"}, ("error", "message")),
}
"""Where tasks are submitted, and where each dialect says what is wrong."""


@pytest.fixture
def on_disk(tmp_path: Path) -> Iterator[Callable[..., OnDisk]]:
    """Start services on disks of their own."""
    needs_disks()
    with ExitStack() as stack:

        def start(disk: str) -> OnDisk:
            running = OnDisk(tmp_path / "data", disk, engines=TABLE)
            stack.callback(running.stop)
            running.start()
            return running

        yield start


def refused(http: httpx2.Client) -> None:
    """Submit in every dialect: each says in its own form that it cannot be done now, and when to come back."""
    for path, (body, place) in FORMS.items():
        answer = http.post(path, json=body)
        assert answer.status_code == 503, (path, answer.text)
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        said = answer.json()
        for key in place:
            said = said[key]
        assert said, path


def test_a_full_disk_refuses_and_recovers(on_disk: Callable[..., OnDisk]):
    """Submits are refused while there is no room, queries go on, and what was accepted completes when there is."""
    service = on_disk("size=96m")
    with client(service) as http:
        tasks = [submit(http, f"[delay=2] number {number}") for number in range(6)]
        ballast = service.fill()

        def full() -> bool:
            service.fill()
            answer = http.post("/api/v1/tasks", json={"prompt": "x", "duration": 1, "resolution": "540p"})
            if answer.status_code == 201:
                tasks.append(answer.json()["id"])
            return answer.status_code == 503

        until(full, bool, deadline=60)
        refused(http)
        assert {http.get(f"/api/v1/tasks/{task}").status_code for task in tasks} == {200}
        assert http.get("/readyz").status_code == 503
        ballast.unlink()
        assert {ended(http, task)["state"] for task in tasks} == {"completed"}
        assert ended(http, submit(http))["state"] == "completed"
        assert http.get("/readyz").status_code == 200


def test_a_store_that_becomes_read_only_is_waited_for(on_disk: Callable[..., OnDisk]):
    """Tasks are accepted and wait; none is failed for it, and no crash is counted."""
    service = on_disk("size=96m")
    with client(service) as http:
        assert ended(http, submit(http))["state"] == "completed"
        media = service.data / "media"
        service.inside(f"mount --bind {media} {media} && mount -o remount,bind,ro {media}")
        until(lambda: http.get("/readyz").status_code, lambda status: status == 503)
        assert "store" in http.get("/readyz").text
        task = submit(http)
        until(service.log.read_text, lambda log: f"of task {task} is retried" in log)
        service.inside(f"umount {media}")
        assert ended(http, task)["state"] == "completed"
        assert "crashed" not in service.log.read_text()


def test_a_read_only_folder_is_refused_at_the_start(on_disk: Callable[..., OnDisk], tmp_path: Path):
    """The service ends at once, says why in one sentence, and with an exit status that is not 0."""
    service = OnDisk(tmp_path / "folder", "ro,size=4m")
    done = subprocess.run(
        [*service.prefix, *FILMGATE, "serve", "--port", "0"],
        env=service.env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "cannot be used: Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_locked_ledger_is_waited_for_and_then_refused(start_service: Callable[..., RunningService]):
    """Another process writes: a submit waits for seconds, then is refused; queries do not notice; the work goes on."""
    service = start_service(engines=TABLE)
    with client(service) as http, closing(sqlite3.connect(service.data / "filmgate.db", timeout=5)) as other:
        task = submit(http, "[delay=1] [steps=4]")
        assert ended(http, submit(http))["state"] == "completed"
        other.isolation_level = None
        other.execute("BEGIN IMMEDIATE")
        answers: list[httpx2.Response] = []

        def send() -> None:
            with client(service) as second:
                answers.append(second.post("/api/v1/tasks", json={"prompt": "x"}))

        sender = threading.Thread(target=send)
        sender.start()
        slowest = 0.0
        while sender.is_alive():
            start = time.monotonic()
            assert http.get(f"/api/v1/tasks/{task}").status_code == 200
            slowest = max(slowest, time.monotonic() - start)
        assert slowest < 1
        (answer,) = answers
        assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
        other.execute("ROLLBACK")
        assert ended(http, task)["state"] == "completed"
        assert ended(http, submit(http))["state"] == "completed"
        assert http.get("/readyz").status_code == 200


_DECODING = """
import asyncio, sys
from pathlib import Path
from filmgate.adapters.decode import SandboxedTools
from filmgate.domain.errors import DecoderLost, Unavailable

async def main():
    tools = SandboxedTools()
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    work = tools.normalise_video if target.suffix == ".mp4" else tools.normalise_image
    try:
        await work(source, target)
    except Unavailable as error:
        assert not isinstance(error, DecoderLost), "it is counted as a crash"
        print(error)
    await tools.close()

asyncio.run(main())
"""


@pytest.mark.parametrize("kind", ["picture", "clip"])
def test_a_decoder_without_room_blames_nobody(tmp_path: Path, kind: str):
    """A full disk is neither a bad file nor a crash, though only the child that decodes meets it."""
    needs_disks()
    disk, source = tmp_path / "disk", tmp_path / "source"
    disk.mkdir()
    noise = Image.effect_noise((1280, 720), 120).convert("RGB")
    if kind == "picture":
        noise.save(source, "JPEG", quality=20)
    else:
        noise.save(source, "GIF")
    target = disk / ("target.mp4" if kind == "clip" else "target.png")
    mount = f'mount -t tmpfs -o size={source.stat().st_size // 1024 + 64}k none "$0" && exec "$@"'
    done = subprocess.run(
        [*ALONE, "sh", "-c", mount, str(disk), sys.executable, "-c", _DECODING, str(source), str(target)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "no room" in done.stdout


@pytest.mark.parametrize("damage", ["cut off", "changed"])
def test_a_damaged_file_is_not_served_as_if_it_were_whole(start_service: Callable[..., RunningService], damage: str):
    """A file that is not what was stored is noticed while it is sent, and nobody gets the whole of it."""
    service = start_service(engines=TABLE)
    with client(service) as http:
        video = http.get(ended(http, submit(http))["video"]["url"])
        assert video.status_code == 200
        (file,) = service.data.glob("media/*/video-*.mp4")
        file.chmod(0o600)
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data[:-1] if damage == "cut off" else data)
        try:
            status = http.get(str(video.url)).status_code
        except httpx2.TransportError:
            status = 0
        assert status in (0, 500)
        assert "is damaged" in service.log.read_text()
