"""What each extra installs: how large it is, and that it does its work with nothing else."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path

import httpx2
import pytest

from filmgate.adapters.engines.scripted.clip import clip
from tests.packages.environments import Environment, build_wheel, constraints
from tests.support.clips import play
from tests.support.service import RunningService

SCRIPTED = json.dumps({"scripted": {"type": "scripted", "models": ["*"]}})
MEDIA = ("av", "cv2", "moderngl", "numpy", "pi_heif")
SERVER = ("apsw", "fastapi", "mcp", "pydantic_settings", "uvicorn", "uvloop", "aiodns", "prometheus_client", "PIL")
PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
CLIP = f"data:video/mp4;base64,{base64.b64encode(clip(64, 48, 25)).decode()}"
HEIC = "data:image/heic;base64,AAAAGGZ0eXBoZWljAAAAAG1pZjFoZWlj"

pytestmark = pytest.mark.xdist_group("packages")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside the checkout."""
    return tmp_path_factory.mktemp("packages")


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    """The wheel of this checkout."""
    return build_wheel(folder)


@pytest.fixture(scope="module")
def locked(folder: Path) -> Path:
    """The versions that are tested."""
    return constraints(folder)


def run(environment: Environment, variables: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the environment outside the checkout."""
    name, *arguments = command
    return subprocess.run(
        [str(environment.folder / "bin" / name), *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(environment.folder), **variables},
        cwd=environment.folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def serving(environment: Environment, variables: dict[str, str], **options: str) -> RunningService:
    """Return a service that the environment runs, with what it may import."""
    service = RunningService(environment.folder / "data", **options)
    service.env |= variables
    service.program = [environment.python, "-m", "filmgate"]
    return service


def test_the_client_alone(folder: Path, wheel: Path, locked: Path, service: RunningService):
    """Three libraries are enough to make a video: at most 8 MB, without the command line's."""
    installed = Environment(folder / "client", "httpx2", "msgspec", "stamina", locked=locked)
    installed.install("--no-deps", str(wheel))
    assert installed.megabytes <= 8
    program = (
        "import sys\nfrom filmgate.client import Filmgate\n"
        "with Filmgate(*sys.argv[1:3]) as filmgate:\n"
        "    task = filmgate.wait(filmgate.submit('a lighthouse', duration=1), timeout=60)\n"
        "    print(task.state, filmgate.download(task, 'clip.mp4').stat().st_size > 500)\n"
    )
    forbidden = installed.forbid("typer", "rich", "pydantic", *SERVER, *MEDIA)
    done = run(installed, forbidden, "python", "-c", program, service.url, service.key)
    assert (done.returncode, done.stdout) == (0, "completed True\n"), done.stderr


def test_the_command_line(folder: Path, wheel: Path, locked: Path, service: RunningService):
    """`pip install filmgate` has the client and the commands, at most 25 MB; others name the extra they need."""
    installed = Environment(folder / "cli", str(wheel), locked=locked)
    assert installed.megabytes <= 25
    asked = installed.forbid("pydantic", *SERVER, *MEDIA) | {
        "FILMGATE_URL": service.url,
        "FILMGATE_API_KEY": service.key,
    }
    done = run(installed, asked, "filmgate", "generate", "a lighthouse", "--duration", "1", "-o", "clip.mp4")
    assert done.returncode == 0, done.stderr
    assert play((installed.folder / "clip.mp4").read_bytes()).frames == 25
    for command in (["serve"], ["keys", "list"], ["doctor"], ["backup", "here"]):
        done = run(installed, asked, "filmgate", *command)
        assert (done.returncode, done.stdout) == (1, "")
        assert "pip install 'filmgate[server]'" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_the_stand_in(folder: Path, wheel: Path, locked: Path):
    """`filmgate[server]` serves every dialect and reads pictures, at most 95 MB, without any codec."""
    installed = Environment(folder / "server", f"{wheel}[server]", locked=locked)
    assert installed.megabytes <= 95
    stand_in = serving(installed, installed.forbid(*MEDIA), engines=SCRIPTED)
    stand_in.start()
    try:
        with httpx2.Client(base_url=stand_in.url, headers=stand_in.headers, timeout=60) as http:
            sent = {"prompt": "a lighthouse", "duration": 1, "start": {"image": PIXEL}}
            task = http.post("/api/v1/tasks", json=sent).raise_for_status().json()
            task = http.get(f"/api/v1/tasks/{task['id']}", params={"wait": 30}).json()
            assert task["state"] == "completed", task
            assert play(http.get(task["video"]["url"]).content).frames == 25
            for start in ({"image": HEIC}, {"video": CLIP}):
                refused = http.post("/api/v1/tasks", json=sent | {"start": start})
                assert refused.status_code == 400
                assert "pip install 'filmgate[providers]'" in refused.json()["error"]["message"]
    finally:
        assert stand_in.stop() == 0
    assert "Traceback" not in stand_in.log.read_text()


def test_the_stand_in_without_an_engine(folder: Path, wheel: Path, locked: Path):
    """Where the studio is not installed, the start says in one sentence what installs it and what else can be done."""
    installed = Environment(folder / "bare", f"{wheel}[server]", locked=locked)
    done = run(installed, installed.forbid(*MEDIA), "filmgate", "serve", "--port", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install 'filmgate[studio]'" in done.stderr
    assert "Or configure another engine" in done.stderr


def test_everything(folder: Path, wheel: Path, locked: Path):
    """`filmgate[all]` makes a video of the studio's own, run by a tool that installs and runs it in one go."""
    installed = Environment(folder / "all", f"{wheel}[all]", locked=locked)
    studio = serving(installed, {}, engines=json.dumps({"studio": {"type": "studio", "models": ["*"]}}))
    studio.start()
    try:
        with httpx2.Client(base_url=studio.url, headers=studio.headers, timeout=90) as http:
            sent = {"prompt": "a lighthouse", "duration": 1, "resolution": "540p"}
            task = http.post("/api/v1/tasks", json=sent).raise_for_status().json()
            while task["state"] not in ("completed", "failed"):
                task = http.get(f"/api/v1/tasks/{task['id']}", params={"wait": 30}).json()
            assert task["state"] == "completed", task
    finally:
        assert studio.stop() == 0
