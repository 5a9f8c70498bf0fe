"""`filmgate doctor`: what is sound is said to be sound, and each harm is found, whether the service runs or not."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import apsw
import httpx2
import pytest

from filmgate.app.requirements import TESTED_PYTHONS
from filmgate.domain.settings import Settings
from filmgate.ops.doctor.installation import packages, python
from filmgate.ops.doctor.process import Running
from tests.support.processes import until
from tests.support.provider import account
from tests.support.service import ENGINES, RunningService
from tests.support.sites import DEATHS, Decoders, lacking

Start = Callable[..., RunningService]
Findings = dict[str, list[dict[str, str]]]

in_one_worker = pytest.mark.xdist_group("doctor")
"""For tests that share one data folder: where they are spread over workers, each worker makes one."""


def examined(service: RunningService, *more: str, **env: str) -> tuple[Findings, int]:
    """Run the doctor; gives what was found that is not good, by check, and the exit code."""
    done = service.run("doctor", "--json", *more, **env)
    report: dict[str, Any] = json.loads(done.stdout)
    found: Findings = {}
    for finding in report["findings"]:
        # Which packages are installed is the matter of whoever runs the tests.
        if finding["level"] != "ok" and finding["check"] != "packages":
            assert finding["found"]
            assert finding["why"]
            assert finding["do"]
            found.setdefault(finding["check"], []).append(finding)
    problems = [each for each in report["findings"] if each["level"] == "problem"]
    assert report["problems"] == len(problems)
    assert done.returncode == (1 if problems else 0)
    return found, report["problems"]


def completed(service: RunningService) -> Path:
    """Complete a task and return its video in the store."""
    with httpx2.Client(base_url=service.url, headers=service.headers, timeout=60) as http:
        body = {"prompt": "wave", "duration": 1, "resolution": "540p"}
        task_id = http.post("/api/v1/tasks", json=body).json()["id"]
        http.get(f"/api/v1/tasks/{task_id}", params={"wait": "50"})
    return next((service.data / "media" / task_id).glob("*.mp4"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a service that has completed a task and has ended."""
    service = RunningService(tmp_path_factory.mktemp("doctor") / "data").start()
    completed(service)
    assert service.stop() == 0
    return service.data


@pytest.fixture
def stopped(made: Path, tmp_path: Path) -> RunningService:
    """A service with a completed task that does not run any more, and no engine that takes long to look at."""
    shutil.copytree(made, tmp_path / "data")
    return RunningService(tmp_path / "data", engines=json.dumps({"scripted": ENGINES["scripted"]}))


def test_a_sound_installation_is_sound(start_service: Start):
    """Running or not, nothing is found that belongs to the data folder, the ledger, its files or its work."""
    service = start_service()
    completed(service)
    for _ in range(2):
        found, _problems = examined(service)
        assert not {"data folder", "ledger", "files", "work", "service", "webhooks", "clock"} & found.keys(), found
        service.stop()


def test_packages_are_compared_with_what_is_locked_for_this_python(tmp_path: Path):
    """What a lock has for other Pythons and systems is passed over; another version, and none at all, are told."""
    lock = tmp_path / "service.lock"
    installed = metadata.version("numpy")

    def said(*requirements: str) -> tuple[str, str]:
        lock.write_text("".join(f"{each} \\\n    --hash=sha256:{'0' * 64}\n" for each in requirements))
        (finding,) = packages(Settings(), Running(None), lock=lock)
        return finding.level, finding.found

    numpy, newer = f"numpy=={installed} ; python_full_version >= '3'", "numpy==0.1 ; python_full_version >= '99'"
    elsewhere = "no-such-package==1 ; sys_platform == 'nowhere'"
    assert said(numpy, newer, elsewhere) == ("ok", "all that is needed is installed")
    assert said("numpy==0.1 ; python_full_version >= '3'", newer) == (
        "warning",
        f"not as locked: numpy is {installed} (needed: ==0.1)",
    )
    assert said(numpy, "no-such-package==1") == (
        "warning",
        "not as locked: no-such-package is not installed (needed: ==1)",
    )


@in_one_worker
def test_it_is_said_in_words_too(stopped: RunningService):
    """Without --json each finding is a line, with why and what to do where something is wrong."""
    stopped.data.chmod(0o755)
    said = stopped.run("doctor", "--offline").stdout
    assert "ok       ledger: " in said
    assert "warning  data folder: " in said
    assert f"         do:  chmod 700 {stopped.data}" in said


@in_one_worker
def test_lost_and_foreign_files_are_named(stopped: RunningService):
    """A file that is gone, one of another size, and one that nobody names are found."""
    video = next((stopped.data / "media").rglob("*.mp4"))
    stray = video.with_name("stray.mp4")
    stray.write_bytes(b"x" * 100)
    os.utime(stray, (time.time() - 7200,) * 2)
    still = next((stopped.data / "media").rglob("*.jpg"))
    still.chmod(0o644)
    still.write_bytes(b"")
    video.unlink()
    found, problems = examined(stopped)
    told = " ".join(each["found"] for each in found["files"])
    assert f"{video.name} is missing" in told
    assert f"{still.name} has 0 bytes" in told
    assert stray.name in told
    assert problems >= 1


@in_one_worker
def test_a_damaged_ledger_is_found(stopped: RunningService):
    """Pages that make no sense are said to be damage, with what to do."""
    ledger = stopped.data / "filmgate.db"
    data = bytearray(ledger.read_bytes())
    data[8192:40_960] = b"\xff" * 32_768
    ledger.write_bytes(data)
    found, problems = examined(stopped)
    assert found["ledger"][0]["level"] == "problem"
    assert "filmgate restore" in found["ledger"][0]["do"]
    assert problems >= 1


@in_one_worker
def test_a_newer_schema_is_found(stopped: RunningService):
    """A ledger of a later version is named as such."""
    ledger = apsw.Connection(str(stopped.data / "filmgate.db"))
    ledger.pragma("user_version", 999)
    ledger.close()
    found, _ = examined(stopped)
    assert "schema 999" in found["ledger"][0]["found"]


@in_one_worker
def test_settings_that_do_not_fit_are_found(stopped: RunningService):
    """A service that nobody could call, a key that is refused, and an engine that is gone are problems."""
    found, _ = examined(
        stopped,
        FILMGATE_HOST="0.0.0.0",
        FILMGATE_ADMIN_KEY="short",
        FILMGATE_ENGINES=json.dumps({"far": {"type": "dream_machine", "key_env": "NO_SUCH_KEY", "models": ["*"]}}),
    )
    assert found["address"][0]["level"] == "problem"
    assert found["admin key"][0]["level"] == "problem"
    assert "NO_SUCH_KEY" in found["engine far"][0]["found"]


@in_one_worker
def test_a_port_that_is_taken_is_found(stopped: RunningService):
    """Another program at the service's port is a problem while the service does not run."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        found, _ = examined(stopped, FILMGATE_PORT=str(other.getsockname()[1]))
    assert "another program" in found["service"][0]["found"]


def test_tasks_of_an_engine_that_is_gone_are_found(start_service: Start):
    """Unfinished tasks whose engine is not configured any more are counted."""
    service = start_service(grace="0")
    httpx2.post(f"{service.url}/api/v1/tasks", json={"prompt": "[hang]"}, headers=service.headers)
    service.stop()
    found, _ = examined(service, FILMGATE_ENGINES=json.dumps({"studio": ENGINES["studio"]}))
    assert "1 unfinished tasks are of the engine scripted" in found["work"][0]["found"]


def test_providers_are_asked_without_a_submit(start_service: Start, tmp_path: Path):
    """A provider that answers is good; a wrong key and a wrong address are problems. Nobody gets a task."""
    provider = start_service()
    wrong = tmp_path / "key"
    wrong.write_text("fg_wrong\n")
    front = RunningService(tmp_path / "front")
    front.env["FILMGATE_ENGINES"] = json.dumps(
        {
            "good": account(provider),
            "refused": account(provider, key_file=str(wrong)),
            "gone": account(provider, base_url="http://127.0.0.1:1/dream-machine/v1"),
        }
    )
    found, _ = examined(front)
    assert "engine good" not in found
    assert "/dream-machine/v1: " in found["engine refused"][0]["found"]
    assert "127.0.0.1:1/" in found["engine gone"][0]["found"]
    tasks = httpx2.get(f"{provider.url}/api/v1/tasks", headers=provider.headers).json()
    assert tasks["total"] == 0
    found, _ = examined(front, "--offline")
    assert not {"engine refused", "engine gone"} & found.keys()


def test_submits_and_work_that_wait_are_found(start_service: Start):
    """Work that is due for long while the service runs, and submits without an outcome, are told."""
    service = start_service(grace="0")
    httpx2.post(f"{service.url}/api/v1/tasks", json={"prompt": "[hang]"}, headers=service.headers)
    ledger = apsw.Connection(str(service.data / "filmgate.db"))
    ledger.set_busy_timeout(5000)

    def hangs() -> bool:
        return bool(ledger.execute("SELECT 1 FROM tasks WHERE stage = 'follow'").fetchall())

    until(hangs, bool)
    # As it is when an engine has stopped taking work: a queue that nobody works off.
    ledger.execute("UPDATE due SET queue = 'nobody', not_before = not_before - 7200 WHERE kind = 'expire'")
    ledger.execute("UPDATE due SET not_before = unixepoch() - 7200 WHERE kind = 'expire'")
    ledger.execute("UPDATE tasks SET stage = 'submit_unknown', deadline_at = unixepoch() - 7200")
    ledger.close()
    found, _ = examined(service)
    told = " ".join(each["found"] for each in found["work"])
    assert "of the queue nobody have been due for 120 minutes" in told
    assert "of 1 tasks nobody knows" in told
    assert "1 tasks should have ended" in told


@pytest.mark.parametrize("how", DEATHS)
def test_decoders_that_do_not_work_are_found(tmp_path: Path, how: str):
    """A clip goes the whole way from the encoder to its stills: whatever becomes of the decoders, it is a problem."""
    service = RunningService(tmp_path / "data", engines=json.dumps({"studio": ENGINES["studio"]}))
    Decoders(service, tmp_path).die(how)
    found, _ = examined(service, "--offline")
    for check in ("clips", "engine studio"):
        (finding,) = found[check]
        assert finding["level"] == "problem"
        assert "cannot be post-processed" in finding["found"]
    if how == "meets another library":
        assert "unexpected keyword argument" in found["clips"][0]["found"]


def test_libraries_that_are_missing_are_found(tmp_path: Path):
    """The doctor goes on without them, and names what to install."""
    service = RunningService(tmp_path / "data")
    lacking(service, tmp_path, "av", "cv2")
    found, _ = examined(service, "--offline")
    assert "av, opencv-python-headless." in found["libraries"][0]["found"]
    assert "pip install 'filmgate[studio]'" in found["libraries"][0]["found"]
    assert {"clips", "engine studio"} <= found.keys()


def test_a_python_that_is_not_tested_is_a_warning(monkeypatch: pytest.MonkeyPatch):
    """It is named, with those that are tested; one that is too old is a problem."""

    def said() -> tuple[str, str]:
        (finding,) = python(Settings(), Running(None))
        return finding.level, finding.why

    monkeypatch.setattr("sys.version_info", (3, 13, 5))
    assert said() == ("ok", "")
    monkeypatch.setattr("sys.version_info", (3, 99, 0))
    level, why = said()
    assert (level, "is tested with Python 3.11 and 3.13" in why) == ("warning", True)
    monkeypatch.setattr("sys.version_info", (3, 10, 0))
    assert said()[0] == "problem"


def test_the_classifiers_name_the_pythons_that_are_tested():
    """What the package says of itself, and what the service says at its start, is one list."""
    words = metadata.metadata("filmgate").get_all("Classifier") or []
    named = [word.rpartition(" ")[2] for word in words if word.startswith("Programming Language :: Python :: 3.")]
    assert named == [".".join(map(str, version)) for version in TESTED_PYTHONS]
