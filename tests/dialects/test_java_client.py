"""Java's own HTTP client as it is by default, against a real service: it offers HTTP/2 with every request."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from tests.support.clips import play
from tests.support.service import RunningService, clean_env
from tests.support.unreliable import Mishap, unreliable

PROGRAM = Path(__file__).parents[1] / "java/Generate.java"

Answers = dict[str, tuple[int, str]]
Accepted = Callable[[], int]


@pytest.fixture(scope="module")
def java() -> str:
    """The path of a `java` that runs a source file, which takes the compiler of a JDK."""
    found = shutil.which("java")
    if found is None:
        pytest.skip("java is not installed (apt install openjdk-17-jdk-headless)")
    modules = subprocess.run([found, "--list-modules"], capture_output=True, text=True, timeout=60, check=False)
    if "jdk.compiler" not in modules.stdout:
        pytest.skip("only a Java runtime is installed, no JDK (apt install openjdk-17-jdk-headless)")
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a picture of about 1 MB."""
    Image.effect_noise((1024, 1024), 80).save(tmp_path / "large.png")
    return tmp_path


def test_java_from_prompts_to_files(java: str, service: RunningService, folder: Path, http: httpx2.Client):
    """It makes videos in two dialects, sends large pictures in three ways, and reads what is refused."""
    saw = run(java, service.url, service.key, folder, "everything")
    videos_are_there(saw, folder)
    for way in ("known", "chunked", "expected"):
        made = http.get(f"/api/v1/tasks/{told(saw, f'large.{way}')['id']}?wait=50").json()
        assert (made["state"], made["operation"]) == ("completed", "generate"), way
    assert [task["prompt"] for task in told(saw, "at_once")] == [f"number {number}" for number in range(4)]
    refused = {name.partition(".")[2]: status for name, (status, _) in saw.items() if name.startswith("refused")}
    assert refused == {"bad": 400, "gone": 404, "key": 401, "unread": 401}
    assert "duration" in saw["refused.bad"][1]
    assert "API key" in saw["refused.key"][1]


def test_java_behind_an_unreliable_proxy(java: str, service: RunningService, folder: Path, accepted: Accepted):
    """A busy server, a lost answer to a submit and one to a query cost it nothing: it asks again, one task is made."""
    gateway, dream_machine = "/luma/generations", "/dream-machine/v1/generations"
    mishaps = (
        Mishap("POST", gateway, 503),
        Mishap("POST", gateway, "lost"),
        Mishap("GET", f"{gateway}/[^/]+", 429),
        Mishap("POST", dream_machine, "lost"),
        Mishap("GET", f"{dream_machine}/[^/]+", "lost"),
    )
    before = accepted()
    with unreliable(service.url, *mishaps) as proxy:
        saw = run(java, proxy.url, service.key, folder, "videos")
    assert all(headers["Upgrade"] == "h2c" for method, path, headers in proxy.requests if path.startswith(gateway))
    videos_are_there(saw, folder)
    assert accepted() == before + 2


def videos_are_there(saw: Answers, folder: Path) -> None:
    """Check both videos, from their submits to their files."""
    for name, size in {"gateway": (1360, 752), "dream_machine": (960, 540)}.items():
        submitted, ended = told(saw, f"{name}.submitted"), told(saw, f"{name}.ended")
        assert (ended["id"], ended["state"]) == (submitted["id"], "completed")
        assert saw[f"{name}.file"] == (200, "video/mp4")
        assert play((folder / f"{name}.mp4").read_bytes())[:2] == size


def told(saw: Answers, name: str) -> Any:
    """Read an answer, which is a success."""
    status, body = saw[name]
    assert status in (200, 201), body
    return json.loads(body)


def run(java: str, url: str, key: str, folder: Path, what: str) -> Answers:
    """Run the program and return what it saw."""
    command = [java, "-XX:TieredStopAtLevel=1", str(PROGRAM), url, key, str(folder), what]
    done = subprocess.run(command, env=clean_env(), capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    saw = {}
    for line in io.StringIO(done.stdout):
        name, status, body = line.rstrip("\n").split(" ", 2)
        saw[name] = (int(status), body)
    return saw
