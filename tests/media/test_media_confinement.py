"""What code could do that takes over a decoder: tried inside the real one, with all layers and without some."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.media.painting import MakeClip
from tests.media.test_media_sandbox import children, helpers, until

from filmgate.adapters.decode import SandboxedTools
from filmgate.adapters.decode.messages import SandboxLayer
from filmgate.domain.settings import Settings
from filmgate.ops.doctor.findings import Level
from filmgate.ops.doctor.sandbox import SandboxExamination, examine_sandbox, sandbox_findings

_FILTER = """
import ctypes, os, sys
seccomp = ctypes.CDLL("libseccomp.so.2")
seccomp.seccomp_init.restype = ctypes.c_void_p
context = ctypes.c_void_p(seccomp.seccomp_init(0x7FFF0000))
number = seccomp.seccomp_syscall_resolve_name({call!r})
assert seccomp.seccomp_rule_add_array(context, 0x00050000 | {error}, number, 0, None) == 0
assert seccomp.seccomp_load(context) == 0
os.execv(sys.executable, [sys.executable, "-m", "filmgate", *sys.argv[1:]])
"""
"""Starts Filmgate on a kernel that lacks a call, or in a container that refuses it."""

_HOLES = """
from filmgate.adapters.decode import landlock, namespaces, seccomp
def without(*names):
    denied = " ".join(seccomp._DENIED.values()).split()
    seccomp._DENIED = {"all": " ".join(name for name in denied if name not in names)}
    seccomp._CONDITIONAL = tuple(rule for rule in seccomp._CONDITIONAL if rule[0] not in names)
def keep_root():
    namespaces.enter_root = lambda folder: folder
def refuse():
    raise OSError("not here")
find = seccomp._number
def let_clone3():
    seccomp._number = lambda library, name: 480 if name == "clone3" else find(library, name)
"""


pytestmark = pytest.mark.xdist_group("confinement")


async def examined(folder: Path) -> SandboxExamination:
    """Let a decoder try everything, with a ledger in a data folder."""
    data = folder / "data"
    data.mkdir()
    (data / "filmgate.db").write_bytes(b"a secret")
    return await examine_sandbox(Settings(data=data))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> SandboxExamination:
    """Return what comes of the attempts with every layer that this system has."""
    return asyncio.run(examined(tmp_path_factory.mktemp("whole")))


@pytest.fixture
def every_layer(whole: SandboxExamination) -> None:
    """Skip the test where this system lacks a layer."""
    if whole.missing:
        pytest.skip(f"this system has no {', '.join(whole.missing)}")


def planted(monkeypatch: pytest.MonkeyPatch, folder: Path, hole: str) -> None:
    """Let each helper that starts from now on run some code first."""
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(_HOLES + hole)
    monkeypatch.setenv("PYTHONPATH", str(site))


def test_everything_is_refused_that_an_attacker_would_try(whole: SandboxExamination):
    """Nothing is possible from inside a decoder, and it has what it needs."""
    assert set(whole.report.needs.values()) == {"works"}
    if whole.missing:
        pytest.skip(f"this system has no {', '.join(whole.missing)}")
    assert {name: said for name, said in whole.report.walls.items() if not said.startswith("refused ")} == {}
    (finding,) = sandbox_findings(whole)
    assert finding.level is Level.OK


@pytest.mark.parametrize(
    ("walls", "hole"),
    [
        (
            {"stat data", "set times of ledger", "unix socket", "truncate ledger"},
            ("keep_root(); without('utime', 'utimes', 'utimensat', 'socket', 'connect', 'truncate');"
            "landlock._FILE_RIGHTS_NOW = landlock._FILE_RIGHTS[2]"),
        ),
        ({"read ledger", "list data", "stat data"}, "keep_root(); landlock.stay_in = lambda *_, **__: 7"),
        ({"kill the service", "signal by thread"}, "landlock._SCOPES = 1; without('kill', 'tgkill')"),
        (
            {
                "chmod own file", "socket pair", "signal by a file", "limit the service", "fork", "fork by clone3",
                "exec", "outlive the service", "io_uring",
            },
            ("without('chmod', 'fchmodat', 'socketpair', 'fcntl', 'prlimit64', 'fork', 'vfork', 'clone', 'execve',"
            "'prctl', 'io_uring_setup'); let_clone3(); landlock._EXECUTE = 0; namespaces._NO_PROGRAMS = 0"),
        ),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("every_layer")
async def test_a_hole_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, walls: set[str], hole: str):
    """The attempts are real: a wall that is taken away is said to be open, and is a problem."""
    planted(monkeypatch, tmp_path, hole)
    examination = await examined(tmp_path)
    assert walls <= set(examination.open_walls)
    assert Level.PROBLEM in {finding.level for finding in sandbox_findings(examination)}
    assert set(examination.report.needs.values()) == {"works"}


@pytest.mark.parametrize(
    ("layer", "hole", "opened"),
    [
        (SandboxLayer.MOUNTS, "namespaces.build_root = refuse", {"stat data"}),
        (SandboxLayer.NETWORK, "namespaces.leave_network = lambda: False", {"stat data"}),
        (SandboxLayer.LANDLOCK, "landlock.stay_in = lambda *_, **__: 0", set()),
        (SandboxLayer.SCOPES, "landlock.SCOPES_SINCE = 99", set()),
    ],
)
@pytest.mark.usefixtures("every_layer")
async def test_a_layer_that_is_missing_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layer: SandboxLayer, hole: str, opened: set[str]
):
    """Each layer holds by itself: without one, the others refuse what it would have, and the doctor warns."""
    planted(monkeypatch, tmp_path, hole)
    examination = await examined(tmp_path)
    assert layer in examination.missing
    assert set(examination.open_walls) <= opened
    levels = [finding.level for finding in sandbox_findings(examination)]
    assert Level.WARNING in levels
    assert Level.PROBLEM not in levels


@pytest.mark.usefixtures("every_layer")
async def test_a_decoder_without_the_filter_is_still_kept_from_files_and_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Namespaces and Landlock alone keep it from the data, the network, sockets, and signals to others."""
    planted(monkeypatch, tmp_path, "seccomp.compile_filter = refuse")
    examination = await examined(tmp_path)
    assert examination.missing == [SandboxLayer.SECCOMP]
    held = {"read ledger", "list data", "stat data", "write ledger", "chmod ledger", "remove ledger", "exec"}
    held |= {"tcp", "unix socket", "abstract socket", "stop the service", "kill the service", "signal by thread"}
    held |= {"trace the service", "read memory of the service", "mount"}
    assert held <= examination.report.walls.keys()
    assert held & set(examination.open_walls) == set()


def doctor(*command: str, wrapper: list[str] | None = None) -> tuple[dict[str, Any], int]:
    """Run `filmgate doctor --sandbox`, started as given; gives what it says and its exit code."""
    start = wrapper or [sys.executable, "-m", "filmgate"]
    done = subprocess.run(
        [*start, "doctor", "--sandbox", "--json", *command], capture_output=True, text=True, timeout=120, check=False
    )
    return json.loads(done.stdout), done.returncode


def warned(report: dict[str, Any]) -> list[str]:
    """List what the doctor warns of; each warning says what to do."""
    warnings = [finding for finding in report["findings"] if finding["level"] == "warning"]
    assert all(finding["why"] and finding["do"] for finding in warnings)
    assert report["warnings"] == len(warnings)
    return [finding["found"] for finding in warnings]


def test_the_doctor_says_it_for_programs(tmp_path: Path):
    """The report has an entry for every attempt, every need and every layer."""
    report, code = doctor("--data", str(tmp_path))
    assert code == 0
    assert report["needs"]["threads"] == "works"
    assert report["layers"].keys() == {layer.value for layer in SandboxLayer}
    opened = {name for name, said in report["sandbox"].items() if not said.startswith("refused ")}
    if "missing" not in report["layers"].values():
        assert opened == set()
        assert report["warnings"] == 0


def test_the_doctor_says_it_for_people(tmp_path: Path):
    """Every attempt has a line, then comes what it means."""
    done = subprocess.run(
        [sys.executable, "-m", "filmgate", "doctor", "--sandbox", "--data", str(tmp_path)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert any(line.split() == ["read", "/etc/passwd", "refused", "FileNotFoundError"] for line in lines) or (
        "missing" in done.stdout
    )
    assert any("sandbox:" in line for line in lines)
    assert lines[-1].startswith("problems: 0")


@pytest.mark.parametrize(
    ("call", "error", "layers"),
    [
        ("landlock_create_ruleset", 38, {SandboxLayer.LANDLOCK, SandboxLayer.SCOPES}),
        ("unshare", 1, {SandboxLayer.NETWORK, SandboxLayer.MOUNTS}),
        ("fsopen", 38, {SandboxLayer.MOUNTS}),
    ],
)
@pytest.mark.usefixtures("every_layer")
def test_what_the_kernel_lacks_is_a_warning(tmp_path: Path, call: str, error: int, layers: set[SandboxLayer]):
    """On a kernel that lacks a call, or where a container refuses it, the doctor names the layer."""
    script = _FILTER.format(call=call.encode(), error=error)
    report, code = doctor("--data", str(tmp_path), wrapper=[sys.executable, "-c", script])
    assert {layer for layer, state in report["layers"].items() if state == "missing"} == layers
    assert {f"decoders run without {layer}" for layer in layers} <= set(warned(report))
    assert code == 0


def test_an_absent_libseccomp_is_a_warning(tmp_path: Path):
    """Where the library is not to be loaded, the doctor says what to install, and what a decoder could do."""
    found = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False).stdout
    library = next((line.rpartition(" => ")[2] for line in found.splitlines() if "libseccomp.so.2 " in line), None)
    hide = f'mount --bind /dev/null "{library}" && exec "$0" "$@"'
    wrapper = ["unshare", "-rm", "sh", "-c", hide]
    if library is None or not shutil.which("unshare") or subprocess.run([*wrapper, "true"], check=False).returncode:
        pytest.skip("a library cannot be hidden here")
    report, code = doctor("--data", str(tmp_path), wrapper=[*wrapper, sys.executable, "-m", "filmgate"])
    assert report["layers"]["seccomp"] == "missing"
    assert "decoders run without seccomp" in warned(report)
    assert "libseccomp2" in json.dumps(report["findings"])
    assert report["sandbox"]["socket pair"] == "POSSIBLE"
    assert code == 0


async def test_a_decoder_uses_threads(tools: SandboxedTools, tmp_path: Path, make_clip: MakeClip):
    """The filter lets FFmpeg start its threads: a clip is written anew by several."""
    noise = [Image.effect_noise((960, 540), 90).convert("RGB") for _ in range(4)]
    clip = make_clip("long.mp4", lambda number: noise[number % 4], 12, rate=1)
    task = asyncio.create_task(tools.normalise_video(clip, tmp_path / "out.mp4"))
    [helper] = await asyncio.to_thread(until, lambda: helpers(os.getpid()))
    [child] = await asyncio.to_thread(until, lambda: children(helper))
    await asyncio.to_thread(until, lambda: len(list(Path(f"/proc/{child}/task").iterdir())) > 1)
    assert (await task).frames == 12 * 24


async def test_a_missing_layer_is_logged_once_and_files_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """The service goes on with the layers that there are, and says once which are not."""
    planted(
        monkeypatch, tmp_path,
        "namespaces.build_root = seccomp.compile_filter = refuse; landlock.stay_in = lambda *_, **__: 0",
    )  # fmt: skip
    tools = SandboxedTools()
    Image.new("RGB", (8, 8)).save(tmp_path / "a", "PNG")
    with caplog.at_level(logging.WARNING, "filmgate"):
        for number in range(2):
            await tools.normalise_image(tmp_path / "a", tmp_path / f"b{number}")
    await tools.close()
    (said,) = [record.getMessage() for record in caplog.records]
    assert "mount namespace" in said
    assert "Landlock" in said
    assert "seccomp" in said


async def test_a_file_of_another_user_is_decoded(tools: SandboxedTools, tmp_path: Path):
    """Where the service is root, it may open a file that its decoders, which have no privilege, may not."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    Image.new("RGB", (8, 8)).save(tmp_path / "a", "PNG")
    (tmp_path / "a").chmod(0o600)
    os.chown(tmp_path / "a", 12345, 12345)
    assert (await tools.normalise_image(tmp_path / "a", tmp_path / "b")).width == 8
