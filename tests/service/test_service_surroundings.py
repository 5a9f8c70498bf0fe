"""Surroundings that are promised: under each the service starts, makes videos, and answers the command line."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.service import FILMGATE, RunningService, clean_env

_CHECKOUT = Path(__file__).parents[2]
_PROMPT = "Ein Leuchtturm, İstanbul ☀"
_ALONE = ["unshare", "--user", "--map-root-user", "--mount"]
_NO_NETWORK = """
import fcntl, os, socket, struct, sys
with open("/proc/sys/net/ipv6/conf/all/disable_ipv6", "w") as disable:
    disable.write("1")
with socket.socket() as any_socket:
    up = struct.pack("16sh", b"lo", 1)
    fcntl.ioctl(any_socket, 0x8914, up)
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Surroundings:
    """A service, how to start it, and how to run a command next to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.service = RunningService(folder / "data")
        self.beside: list[str] = []

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line in the same surroundings."""
        env = self.service.env | {"FILMGATE_URL": self.service.url}
        command = [*self.beside, *FILMGATE, *arguments]
        return subprocess.run(command, env=env, capture_output=True, encoding="utf-8", timeout=120, check=False)


def umask(mask: str) -> Callable[[Surroundings], None]:
    """Make files with fewer or more rights than usual."""

    def surround(around: Surroundings) -> None:
        around.beside = around.service.prefix = ["sh", "-c", f'umask {mask} && exec "$@"', "sh"]

    return surround


def environment(**names: str | None) -> Callable[[Surroundings], None]:
    """Set or unset variables."""

    def surround(around: Surroundings) -> None:
        for name, value in names.items():
            around.service.env.pop(name, None)
            if value is not None:
                around.service.env[name] = value

    return surround


def read_only_home(around: Surroundings) -> None:
    """Provide a home in which nothing can be written, not even by root."""
    home = around.folder / "home"
    home.mkdir()
    around.service.env["HOME"] = str(home)
    mounted(around, f"mount -t tmpfs -o ro none '{home}'")


def no_opengl(around: Surroundings) -> None:
    """Hide the libraries of OpenGL, where there are any."""
    found = sorted({str(each.resolve()) for each in Path("/usr/lib").rglob("lib*GL*.so*")})
    mounted(around, "; ".join(["true", *(f"mount --bind /dev/null '{each}'" for each in found)]))


def mounted(around: Surroundings, command: str) -> None:
    """Start the service and all commands after a command that mounts something for them alone."""
    tried = subprocess.run([*_ALONE, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {os.fsdecode(tried.stderr).strip()}")
    around.beside = around.service.prefix = [*_ALONE, "sh", "-c", f'{command} && exec "$@"', "sh"]


def no_ipv6(around: Surroundings) -> None:
    """Take a network of its own, in which no address is of version 6."""
    tried = subprocess.run(["unshare", "--user", "--map-root-user", "--net", "true"], capture_output=True, check=False)
    if tried.returncode != 0 or not Path("/proc/sys/net/ipv6").exists():
        pytest.skip(f"no network can be made here: {os.fsdecode(tried.stderr).strip()}")
    around.service.prefix = ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-c", _NO_NETWORK]


def spaces(around: Surroundings) -> None:
    """Keep the data in a folder with spaces and letters of other alphabets in its name."""
    around.service = RunningService(around.folder / "my data" / "größer  'quoted' $HOME")
    around.service.data.parent.mkdir()


SURROUNDINGS: dict[str, Callable[[Surroundings], None]] = {
    "no OpenGL": no_opengl,
    "umask 077": umask("077"),
    "umask 000": umask("000"),
    "a read-only home": read_only_home,
    "a home that does not exist": environment(HOME="/nonexistent/home"),
    "no home": environment(HOME=None, XDG_CACHE_HOME=None),
    "no IPv6": no_ipv6,
    "the locale C": environment(LC_ALL="C", LANG="C"),
    "a Turkish locale": environment(LC_ALL="tr_TR.UTF-8", LANGUAGE="tr"),
    "the time zone of Kathmandu": environment(TZ="Asia/Kathmandu"),
    "a path with spaces": spaces,
}


@pytest.fixture(params=SURROUNDINGS)
def around(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Surroundings]:
    """A service that runs in each of the surroundings."""
    made = Surroundings(tmp_path)
    SURROUNDINGS[request.param](made)
    made.service.start()
    if request.param == "no IPv6":
        assert made.service.process is not None
        enter = ["nsenter", "--target", str(made.service.process.pid), "--user", "--preserve-credentials", "--net"]
        made.beside = enter
    yield made
    assert made.service.stop() == 0
    assert "Traceback" not in made.service.log.read_text(errors="replace")


def open_to_others(folder: Path) -> list[str]:
    """List the files below a folder that others than their owner have any access to."""
    found = []
    for each in folder.rglob("*"):
        # What is being written may have its name no more.
        with contextlib.suppress(FileNotFoundError):
            if each.lstat().st_mode & 0o077:
                found.append(str(each.relative_to(folder)))
    return found


@pytest.mark.parametrize("model", ["scripted", "studio"])
def test_videos_are_made(around: Surroundings, model: str):
    """A task on each engine of this machine completes; its words, its time and its file are what they should be."""
    before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=5)
    file = around.folder / "a video.mp4"
    size = ("--duration", "1", "--resolution", "540p")
    made = around.run("generate", _PROMPT, "--model", model, *size, "--wait", "-o", str(file), "--json")
    assert made.returncode == 0, made.stderr
    task = json.loads(made.stdout)
    assert (task["state"], task["prompt"], task["engine"]) == ("completed", _PROMPT, model)
    assert before < datetime.datetime.fromisoformat(task["created_at"]) < before + datetime.timedelta(minutes=5)
    assert file.stat().st_size == task["video"]["bytes"]
    assert around.service.data.stat().st_mode & 0o777 == 0o700
    assert (around.service.data / "first-key").stat().st_mode & 0o777 == 0o600
    assert open_to_others(around.service.data) == []
    shown = around.run("get", task["id"])
    assert shown.returncode == 0, shown.stderr
    if model == "studio":
        examined = around.run("doctor", "--offline")
        assert (examined.returncode, "problems: 0" in examined.stdout) == (0, True), examined.stdout


@pytest.mark.timeout(900)
def test_a_checkout_below_a_path_with_spaces(tmp_path: Path):
    """`make run` installs there, starts the service, makes a video, and prints queries that work as they stand."""
    if shutil.which("git") is None:
        pytest.skip("git is not here: what belongs to the checkout is not known")
    checkout = tmp_path / "my films" / "the film gate"
    checkout.mkdir(parents=True)
    listed = subprocess.run(["git", "-C", str(_CHECKOUT), "ls-files", "-z"], capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("this is no checkout of git: what belongs to it is not known")
    for name in os.fsdecode(listed.stdout).rstrip("\0").split("\0"):
        if (_CHECKOUT / name).is_file() and not name.startswith("tests/"):
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(_CHECKOUT / name, checkout / name)
    env = clean_env() | {"FILMGATE_PORT": str(free_port())}
    env.pop("VIRTUAL_ENV", None)
    made = subprocess.run(
        ["make", "run", "ONCE=1", f"PYTHON={sys.executable}"],
        cwd=checkout, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout[-2000:] + made.stderr[-4000:]
    assert "1360x752, 121 frames" in made.stdout
    assert (checkout / "filmgate-data" / "first-video.mp4").stat().st_size > 10_000


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
