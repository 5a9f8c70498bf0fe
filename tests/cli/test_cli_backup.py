"""`filmgate backup` while a service is at work, and `filmgate restore`: nothing that was accepted is missing."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import apsw
import httpx2
import pytest

from tests.support.clips import play
from tests.support.processes import until
from tests.support.provider import account, in_front
from tests.support.service import FILMGATE, RunningService

Start = Callable[..., RunningService]

in_one_worker = pytest.mark.xdist_group("backup")
"""For tests that share one backup: where they are spread over workers, each worker makes one."""


class Load(threading.Thread):
    """Submits and deletes tasks until it is told to stop, and remembers what it was told; each third one it keeps."""

    def __init__(self, service: RunningService, seed: int) -> None:
        super().__init__()
        self.accepted: dict[str, float] = {}
        self.deleting: set[str] = set()
        self.over = threading.Event()
        self._service = service
        self._chance = random.Random(seed)

    def run(self) -> None:
        with httpx2.Client(base_url=self._service.url, headers=self._service.headers, timeout=30) as http:
            while not self.over.is_set():
                self._step(http)

    def _step(self, http: httpx2.Client) -> None:
        prompt = f"wave [delay={self._chance.choice((0, 0.2, 2))}]"
        body = {"prompt": prompt, "duration": 1, "resolution": "540p"}
        answer = http.post("/api/v1/tasks", json=body)
        assert answer.status_code == 201, answer.text
        self.accepted[answer.json()["id"]] = time.time()
        if self._chance.random() < 0.4 and len(self.accepted) > 1:
            victim = self._chance.choice([task for number, task in enumerate(self.accepted) if number % 3])
            self.deleting.add(victim)
            http.delete(f"/api/v1/tasks/{victim}")


def backed_up(service: RunningService, target: Path, *more: str) -> dict[str, object]:
    """Make a backup and give what is said of it."""
    done = service.run("backup", str(target), "--json", *more)
    assert done.returncode == 0, done.stderr
    said: dict[str, object] = json.loads(done.stdout)
    return said


def restored(service: RunningService, backup: Path, data: Path, *more: str) -> RunningService:
    """Restore a backup into a folder of its own, and give a service for it that does not run yet."""
    done = service.run("restore", str(backup), "--data", str(data), "--json", *more)
    assert done.returncode == 0, done.stderr
    twin = RunningService(data)
    twin.env |= {"FILMGATE_ENGINES": service.env["FILMGATE_ENGINES"]}
    return twin


@pytest.mark.timeout(240)
def test_a_backup_under_load_has_everything(start_service: Start, tmp_path: Path):
    """Whatever was accepted before the backup is in it with its files, goes on to one end, and its key works."""
    service = start_service(max_unfinished="0")
    loads = [Load(service, seed) for seed in range(3)]
    for load in loads:
        load.start()
    try:
        until(lambda: sum(len(load.accepted) for load in loads), lambda count: count >= 40, deadline=60)
        began = time.time()
        said = backed_up(service, tmp_path / "backup")
    finally:
        for load in loads:
            load.over.set()
            load.join(60)
    assert said["missing"] == []
    gone = set().union(*(load.deleting for load in loads))
    before = [task for load in loads for task, at in load.accepted.items() if at < began and task not in gone]
    assert len(before) >= 10
    twin = restored(service, tmp_path / "backup", tmp_path / "twin")
    try:
        twin.start()
        all_complete(twin, service.key, before)
    finally:
        assert twin.stop() == 0
    assert "Traceback" not in service.log.read_text() + twin.log.read_text()


def all_complete(service: RunningService, key: str, ids: list[str]) -> None:
    """Wait for the ends of tasks, with a key of the first service, and play what has come of each."""
    with httpx2.Client(base_url=service.url, headers={"Authorization": f"Bearer {key}"}, timeout=60) as http:
        played: set[str] = set()
        for task_id in ids:
            answer = http.get(f"/api/v1/tasks/{task_id}", params={"wait": "50"})
            assert answer.status_code == 200, answer.text
            assert answer.json()["state"] == "completed", answer.text
            video = http.get(f"/media/{answer.json()['video']['url'].partition('/media/')[2]}")
            assert video.status_code == 200
            if video.headers["etag"] not in played:
                assert play(video.content).frames == 25
                played.add(video.headers["etag"])


def submit(http: httpx2.Client, prompt: str) -> str:
    """Submit a short task and give its id."""
    answer = http.post("/api/v1/tasks", json={"prompt": prompt, "duration": 1, "resolution": "540p"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def state(http: httpx2.Client, task_id: str) -> str:
    """Return the state of a task."""
    return str(http.get(f"/api/v1/tasks/{task_id}").json()["state"])


@pytest.mark.timeout(180)
def test_a_submit_after_the_backup_is_not_paid_twice(start_service: Start, tmp_path: Path):
    """A task that waited in the backup and was submitted after it is found at its provider and not repeated."""
    provider = start_service()
    with in_front(tmp_path, {"far": account(provider, models=["*"], slots=1)}) as front:
        with httpx2.Client(base_url=front.url, headers=front.headers, timeout=60) as http:
            first, second = submit(http, "the first one [hang]"), submit(http, "the second one")
            until(lambda: state(http, first), lambda now: now == "processing")
            backed_up(front, tmp_path / "backup")
            http.post(f"/api/v1/tasks/{first}/cancel")
            until(lambda: state(http, second), lambda now: now == "completed", deadline=60)
        bought = tasks_of(provider)
        front.stop()
        twin = restored(front, tmp_path / "backup", tmp_path / "twin")
        try:
            twin.start()
            all_complete(twin, front.key, [second])
        finally:
            assert twin.stop() == 0
    assert tasks_of(provider) == bought


def tasks_of(service: RunningService) -> int:
    """Count the tasks that a service has accepted."""
    return int(httpx2.get(f"{service.url}/api/v1/tasks", headers=service.headers).json()["total"])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunningService, Path]:
    """A service that has ended, with a few completed tasks, and its backup."""
    folder = tmp_path_factory.mktemp("backup")
    service = RunningService(folder / "data").start()
    with httpx2.Client(base_url=service.url, headers=service.headers, timeout=60) as http:
        for task_id in [submit(http, f"wave {number}") for number in range(3)]:
            until(lambda task_id=task_id: state(http, task_id), lambda now: now == "completed")  # type: ignore[misc]
    backed_up(service, folder / "backup")
    assert service.stop() == 0
    return service, folder / "backup"


@in_one_worker
def test_a_backup_is_for_its_owner_only(made: tuple[RunningService, Path]):
    """Folders and the ledger in a backup may be read by nobody else."""
    _, backup = made
    assert backup.stat().st_mode & 0o777 == 0o700
    for name in ("filmgate.db", "first-key"):
        assert (backup / name).stat().st_mode & 0o777 == 0o600
    assert {path.name for path in backup.iterdir()} == {"filmgate.db", "first-key", "media", "backup.json"}


@in_one_worker
def test_nothing_is_overwritten(made: tuple[RunningService, Path], tmp_path: Path):
    """Neither a backup nor a data folder that is there is touched."""
    service, backup = made
    again = service.run("backup", str(backup))
    assert again.returncode == 1
    assert "is there already" in again.stderr
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "letter").write_text("to a friend")
    over = service.run("restore", str(backup), "--data", str(tmp_path / "data"))
    assert over.returncode == 1
    assert "is not empty" in over.stderr
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["letter"]


def no_ledger(backup: Path) -> None:
    (backup / "filmgate.db").unlink()


def another_ledger(backup: Path) -> None:
    with (backup / "filmgate.db").open("r+b") as file:
        file.seek(5000)
        file.write(b"x")


def no_file(backup: Path) -> None:
    next((backup / "media").rglob("*.mp4")).unlink()


def another_file(backup: Path) -> None:
    file = next((backup / "media").rglob("*.mp4"))
    data = file.read_bytes()
    file.unlink()
    file.write_bytes(data[:-1] + b"x")


def no_manifest(backup: Path) -> None:
    (backup / "backup.json").write_text("{")


@in_one_worker
@pytest.mark.parametrize("harm", [no_ledger, another_ledger, no_file, another_file, no_manifest])
def test_a_damaged_backup_is_not_restored(
    made: tuple[RunningService, Path], tmp_path: Path, harm: Callable[[Path], None]
):
    """What is missing or has changed in a backup is noticed before anything is put in place."""
    service, backup = made
    shutil.copytree(backup, tmp_path / "harmed")
    harm(tmp_path / "harmed")
    done = service.run("restore", str(tmp_path / "harmed"), "--data", str(tmp_path / "data"))
    assert done.returncode == 1
    assert done.stderr.startswith("filmgate: ")
    assert [path.name for path in tmp_path.iterdir()] == ["harmed"]


@in_one_worker
def test_numbers_of_changes_are_not_given_twice(made: tuple[RunningService, Path], tmp_path: Path):
    """Whoever had read of changes that a backup does not have is told of those after the restore."""
    service, backup = made
    restored(service, backup, tmp_path / "data")
    with_changes = apsw.Connection(str(tmp_path / "data" / "filmgate.db"))
    ((next_number, last),) = with_changes.execute(
        "SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'changes'), (SELECT max(number) FROM changes)"
    )
    with_changes.close()
    assert next_number > last + 1_000_000


@in_one_worker
def test_a_file_that_is_lost_is_named(made: tuple[RunningService, Path], tmp_path: Path):
    """A backup of a folder whose store has lost a file is made, and says which; it can be restored."""
    service, backup = made
    damaged = restored(service, backup, tmp_path / "data")
    lost = next((tmp_path / "data" / "media").rglob("*.mp4"))
    lost.unlink()
    said = backed_up(damaged, tmp_path / "second")
    assert said["missing"] == [lost.relative_to(tmp_path / "data" / "media").as_posix()]
    restored(damaged, tmp_path / "second", tmp_path / "third")


@in_one_worker
def test_a_ledger_that_is_damaged_is_not_backed_up(made: tuple[RunningService, Path], tmp_path: Path):
    """Pages that make no sense end the backup with one sentence, and nothing is left of it."""
    service, backup = made
    damaged = restored(service, backup, tmp_path / "data")
    ledger = tmp_path / "data" / "filmgate.db"
    with contextlib.closing(apsw.Connection(str(ledger))) as books:
        ((page,),) = books.execute("SELECT rootpage FROM sqlite_master WHERE name = 'media'")
        size = int(books.pragma("page_size"))
    with ledger.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    done = damaged.run("backup", str(tmp_path / "second"))
    assert done.returncode == 1
    assert done.stderr.startswith("filmgate: The ledger cannot be used now: ")
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@in_one_worker
def test_an_earlier_backup_on_another_disk_is_built_upon(made: tuple[RunningService, Path], tmp_path: Path):
    """Where files cannot be linked they are copied, and what an earlier backup has is linked from there."""
    service, backup = made
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    restored(service, backup, tmp_path / "data")
    service = RunningService(tmp_path / "data")
    folder = other / f"filmgate-{tmp_path.name}-{random.getrandbits(32):x}"
    folder.mkdir()
    try:
        backed_up(service, folder / "one")
        backed_up(service, folder / "two", "--earlier", str(folder / "one"))
        for file in (folder / "one" / "media").rglob("*.mp4"):
            assert file.samefile(folder / "two" / file.relative_to(folder / "one"))
        assert not list((tmp_path / "data").glob(".backup-*"))
        restored(service, folder / "two", tmp_path / "twin")
    finally:
        shutil.rmtree(folder)


def test_a_backup_that_is_killed_leaves_the_service_at_work(start_service: Start, tmp_path: Path):
    """Killed at any moment, a backup leaves nothing but a whole one under its name, and the service goes on writing."""
    service = start_service()
    with httpx2.Client(base_url=service.url, headers=service.headers, timeout=60) as http:
        for number in range(4):
            command = [*FILMGATE, "backup", str(tmp_path / "backup")]
            making = subprocess.Popen(command, env=service.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                making.wait(0.3 + 0.1 * number)  # not a wait for anything: the moment of the kill
            making.send_signal(signal.SIGKILL)
            making.wait(10)
            if (tmp_path / "backup").exists():
                restored(service, tmp_path / "backup", tmp_path / f"data-{number}")
                shutil.rmtree(tmp_path / "backup")
            submit(http, "wave")
    backed_up(service, tmp_path / "backup")
