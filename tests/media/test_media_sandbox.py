"""Foreign files are opened by processes that are limited, alone, and gone when the service is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from tests.media.painting import MakeClip, brightening, names

from filmgate.adapters.decode import SandboxedTools
from filmgate.adapters.decode.messages import ChildLimits, SandboxOperation
from filmgate.adapters.decode.sandbox import Sandbox, regular_file
from filmgate.adapters.process import die_with
from filmgate.domain.errors import DecoderCrashed, DecoderLost, InvalidMedia, Unavailable

_MIB = 1024 * 1024
_LIMITS = ChildLimits(memory=3072 * _MIB, cpu=60, wall=60, file=256 * _MIB)


def children(pid: int) -> list[int]:
    """List the living children of a process."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                state, parent = (entry / "stat").read_text().rpartition(") ")[2].split()[:2]
                if int(parent) == pid and state not in "ZX":
                    found.append(int(entry.name))
    return found


def helpers(pid: int) -> list[int]:
    """List the helper processes of a process."""
    return [child for child in children(pid) if b"decode.zygote" in Path(f"/proc/{child}/cmdline").read_bytes()]


def alive(pid: int) -> bool:
    """Return whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def until(condition: Callable[[], object], seconds: float = 20.0) -> object:
    """Wait for a condition, under a deadline; gives what it gave."""
    end = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < end, "the condition was not met in time"
        time.sleep(0.005)
    return result


@pytest.fixture
def long_clip(make_clip: MakeClip) -> Path:
    """Return a clip that takes seconds to re-encode."""
    noise = [Image.effect_noise((960, 540), 90).convert("RGB") for _ in range(4)]
    return make_clip("long.mp4", lambda number: noise[number % 4], 55, rate=1)


async def test_nothing_runs_before_the_first_file(tools: SandboxedTools, box: Path):
    """Making the tools starts no process, the first file starts one, close ends it."""
    assert helpers(os.getpid()) == []
    Image.new("RGB", (4, 4)).save(box / "a", "PNG")
    await tools.normalise_image(box / "a", box / "b")
    [helper] = helpers(os.getpid())
    await tools.close()
    assert not alive(helper)
    with pytest.raises(Unavailable):
        await tools.normalise_image(box / "a", box / "b")


def test_start_is_not_slowed_down():
    """The service itself never loads the decoders."""
    code = "import sys, filmgate.adapters.decode\nsys.exit(bool({'av', 'PIL', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


async def test_closing_in_the_middle_of_a_file(tools: SandboxedTools, box: Path, long_clip: Path):
    """Whoever waits for a file when the service stops is told so, and no process stays."""
    task = asyncio.create_task(tools.normalise_video(long_clip, box / "out.mp4"))
    [helper] = await asyncio.to_thread(until, lambda: helpers(os.getpid()))
    [child] = await asyncio.to_thread(until, lambda: children(helper))
    await tools.close()
    with pytest.raises(Unavailable):
        await task
    assert not alive(helper)
    assert not alive(child)


async def test_first_files_share_one_helper(tools: SandboxedTools, box: Path):
    """Files that come at once do not each start a helper."""
    Image.new("RGB", (4, 4)).save(box / "a", "PNG")
    await asyncio.gather(*(tools.normalise_image(box / "a", box / f"b{number}") for number in range(8)))
    assert len(helpers(os.getpid())) == 1
    assert len(names(box)) == 9


async def test_relative_paths(tools: SandboxedTools, box: Path, monkeypatch: pytest.MonkeyPatch):
    """A data folder given relative to the current one works like any other."""
    Image.new("RGB", (4, 4)).save(box / "a", "PNG")
    monkeypatch.chdir(box)
    await tools.normalise_image(Path("a"), Path("b"))
    assert names(box) == ["a", "b"]


async def test_no_more_children_than_allowed(box: Path, long_clip: Path):
    """With one slot, one child runs at a time."""
    tools = SandboxedTools(concurrency=1)
    running = [asyncio.create_task(tools.normalise_video(long_clip, box / f"{number}.mp4")) for number in range(2)]
    [helper] = await asyncio.to_thread(until, lambda: helpers(os.getpid()))
    await asyncio.to_thread(until, lambda: children(helper))
    seen = {len(children(helper)) for _ in range(50)}
    assert seen <= {0, 1}
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await tools.close()


async def test_cancelling_kills_the_child(tools: SandboxedTools, box: Path, long_clip: Path):
    """A caller that gives up takes the child and its folder along; the helper lives on."""
    task = asyncio.create_task(tools.normalise_video(long_clip, box / "out.mp4"))
    [helper] = await asyncio.to_thread(until, lambda: helpers(os.getpid()))
    [child] = await asyncio.to_thread(until, lambda: children(helper))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(child)
    assert names(box) == []
    Image.new("RGB", (4, 4)).save(box / "a", "PNG")
    await tools.normalise_image(box / "a", box / "b")
    assert helpers(os.getpid()) == [helper]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"wall": 1}, "takes longer"), ({"cpu": 1}, "takes longer"), ({"memory": 300 * _MIB}, "memory|damaged")],
)
async def test_limits_hold(box: Path, long_clip: Path, change: dict[str, int], sentence: str):
    """Too much time, work or memory ends the child with a sentence for the user."""
    limits = ChildLimits(**{"memory": _LIMITS.memory, "cpu": 60, "wall": 60, "file": _LIMITS.file} | change)
    sandbox = Sandbox()
    with pytest.raises(InvalidMedia, match=sentence):
        async with sandbox.perform(SandboxOperation.CLIP, long_clip, box, limits):
            pytest.fail("the limits did not hold")
    await sandbox.close()


async def test_killed_child_is_not_the_files_fault(tools: SandboxedTools, box: Path, long_clip: Path):
    """A child that the system kills is replaced once; the second time the caller is told to try again."""
    task = asyncio.create_task(tools.normalise_video(long_clip, box / "out.mp4"))
    [helper] = await asyncio.to_thread(until, lambda: helpers(os.getpid()))
    [first] = await asyncio.to_thread(until, lambda: children(helper))
    os.kill(first, signal.SIGKILL)
    [second] = await asyncio.to_thread(until, lambda: [child for child in children(helper) if child != first])
    os.kill(second, signal.SIGKILL)
    with pytest.raises(DecoderLost):
        await task


async def test_crashing_child_is_the_files_fault(tools: SandboxedTools, box: Path, long_clip: Path):
    """A child that dies by its own doing is not tried again."""
    task = asyncio.create_task(tools.normalise_video(long_clip, box / "out.mp4"))
    [helper] = await asyncio.to_thread(until, lambda: helpers(os.getpid()))
    [child] = await asyncio.to_thread(until, lambda: children(helper))
    os.kill(child, signal.SIGSEGV)
    with pytest.raises(DecoderCrashed):
        await task


async def test_stopping_the_helper_is_left_to_the_service(tools: SandboxedTools, box: Path, make_clip: MakeClip):
    """A signal to stop that goes to all processes of the service does not cut off a file in the middle."""
    noise = Image.effect_noise((960, 540), 90).convert("RGB")
    clip = make_clip("a.mp4", lambda number: noise, 5, rate=1)
    task = asyncio.create_task(tools.normalise_video(clip, box / "out.mp4"))
    [helper] = await asyncio.to_thread(until, lambda: helpers(os.getpid()))
    [child] = await asyncio.to_thread(until, lambda: children(helper))
    for pid in (helper, child):
        os.kill(pid, signal.SIGTERM)
    assert (await task).frames == 5 * 24
    assert helpers(os.getpid()) == [helper]


async def test_killed_helper_is_replaced(tools: SandboxedTools, box: Path, make_clip: MakeClip):
    """A helper that dies takes its children with it, and the work is done by a new one."""
    noise = Image.effect_noise((960, 540), 90).convert("RGB")
    clip = make_clip("a.mp4", lambda number: noise, 5, rate=1)
    task = asyncio.create_task(tools.normalise_video(clip, box / "out.mp4"))
    [helper] = await asyncio.to_thread(until, lambda: helpers(os.getpid()))
    [child] = await asyncio.to_thread(until, lambda: children(helper))
    os.kill(helper, signal.SIGKILL)
    assert (await task).frames == 5 * 24
    await asyncio.to_thread(until, lambda: not alive(child))
    assert helpers(os.getpid()) != [helper]


_SERVICE = """
import asyncio, sys
from pathlib import Path
from filmgate.adapters.decode import SandboxedTools
asyncio.run(SandboxedTools().normalise_video(Path(sys.argv[1]), Path(sys.argv[2])))
"""


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_survives_the_service(box: Path, long_clip: Path, tmp_path: Path, kill: signal.Signals):
    """When the service dies in the middle of a file, the helper and its child die with it."""
    target = tmp_path / "elsewhere"
    target.mkdir()
    command = [sys.executable, "-W", "error", "-c", _SERVICE, str(long_clip), str(target / "out.mp4")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as service:
        [helper] = until(lambda: helpers(service.pid))
        [child] = until(lambda: children(helper))
        service.send_signal(kill)
    until(lambda: not alive(helper) and not alive(child), 10)


async def test_child_is_alone(tools: SandboxedTools, box: Path, long_clip: Path, monkeypatch: pytest.MonkeyPatch):
    """A child inherits no descriptor, no secret of the environment and no file but its own."""
    monkeypatch.setenv("FILMGATE_API_KEY", "a secret")
    task = asyncio.create_task(tools.normalise_video(long_clip, box / "out.mp4"))
    [helper] = await asyncio.to_thread(until, lambda: helpers(os.getpid()))
    [child] = await asyncio.to_thread(until, lambda: children(helper))
    place = Path(f"/proc/{child}")
    opened = await asyncio.to_thread(until, lambda: opened_files(place))
    folder = place / "cwd"
    # Where /dev is not in its root, the device has no other name.
    assert opened - {"/null"} | {"/dev/null"} == {
        "/dev/null",
        *(f"{folder.readlink()}/{name}" for name in names(folder)),
    }
    [private] = [name for name in names(box) if name.startswith(".decode-")]
    assert same(folder, box / private)
    assert b"a secret" not in (place / "environ").read_bytes()
    assert set(names(folder)) == {"source", "clip.mp4"}
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def same(path: Path, other: Path) -> bool:
    """Return whether two paths lead to one folder."""
    return path.samefile(other)


def opened_files(place: Path) -> set[str] | None:
    """Return what a process has open, once it is at work."""
    opened = {str(descriptor.readlink()) for descriptor in (place / "fd").iterdir()}
    return opened if f"{(place / 'cwd').readlink()}/clip.mp4" in opened else None


@pytest.mark.parametrize("attempt", ["read", "write", "network", "memory", "file", "descriptors", "core"])
def test_confined_process(tmp_path: Path, attempt: str):
    """What a decoder taken over by a file could try fails."""
    box = tmp_path / "box"
    box.mkdir()
    (tmp_path / "secret").write_text("secret")
    script = f"""
import os, resource, socket, sys
from filmgate.adapters.decode.confine import confine, leave_network
from filmgate.adapters.decode.landlock import stay_in
from filmgate.adapters.decode.messages import ChildLimits
alone = leave_network()
os.chdir({str(box)!r})
confine(ChildLimits(memory=500 * 2**20, cpu=5, wall=5, file=1000), {str(box)!r})
open("mine", "wb").write(b"x" * 1000)
attempt = {attempt!r}
try:
    if attempt == "read":
        open("../secret").read()
    elif attempt == "write":
        open("../other", "w")
    elif attempt == "network":
        socket.create_connection(("127.0.0.1", 9), timeout=1)
    elif attempt == "memory":
        bytearray(600 * 2**20)
    elif attempt == "file":
        open("large", "wb", buffering=0).write(b"x" * 1001) == 1001 or sys.exit("OSError")
    elif attempt == "descriptors":
        held = [open("mine") for _ in range(40)]
    elif attempt == "core":
        assert resource.getrlimit(resource.RLIMIT_CORE) != (0, 0)
except (OSError, MemoryError, AssertionError) as error:
    sys.exit(type(error).__name__)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    refused = {
        "read": ["FileNotFoundError", "PermissionError"],
        "write": ["OSError", "PermissionError"],
        "network": ["OSError", "PermissionError", "ConnectionRefusedError"],
        "memory": ["MemoryError"],
        "file": ["OSError"],
        "descriptors": ["OSError"],
        "core": ["AssertionError"],
    }
    if attempt in ("read", "write") and not _has_landlock():
        pytest.skip("this kernel has no Landlock")
    assert done.stderr.strip() in refused[attempt]


def _has_landlock() -> bool:
    code = "import sys\nfrom filmgate.adapters.decode.landlock import stay_in\nsys.exit(not stay_in('/', reading=[]))"
    return subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_links_left_by_a_child_are_refused(tmp_path: Path):
    """A result that is a link would have us read or publish a file of somebody else's."""
    (tmp_path / "out").symlink_to("/etc/passwd")
    with pytest.raises(InvalidMedia):
        regular_file(tmp_path / "out")


def test_orphan_leaves_at_once():
    """A process that asks to die with a parent it no longer has ends."""
    pid = os.fork()
    if pid == 0:
        die_with(1 if os.getppid() != 1 else 2)
        os._exit(77)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1


async def test_equal_clips_are_developed_once(tools: SandboxedTools, make_clip: MakeClip, box: Path):
    """The same bytes give the same stills without another child, in each caller's folder."""
    clip = make_clip("a.mp4", brightening, 24)
    first = await tools.develop(clip, box)
    [helper] = helpers(os.getpid())
    os.kill(helper, signal.SIGSTOP)
    other = box / "other"
    other.mkdir()
    async with asyncio.timeout(60):
        second = await tools.develop(clip, other)
    os.kill(helper, signal.SIGCONT)
    assert second.clip == first.clip
    assert second.thumbnail == other / "thumbnail.jpg"
    assert second.thumbnail.read_bytes() == first.thumbnail.read_bytes()
    assert second.last_frame.read_bytes() == first.last_frame.read_bytes()


async def test_remembered_stills_are_bounded(make_clip: MakeClip, box: Path):
    """A cache without room forgets, and the clip is decoded again."""
    tools = SandboxedTools(cache_bytes=0)
    clip = make_clip("a.mp4", brightening, 24)
    assert (await tools.develop(clip, box)) == (await tools.develop(clip, box))
    await tools.close()


async def test_refused_clips_are_not_remembered(tools: SandboxedTools, box: Path):
    """A refusal is found anew every time."""
    (box / "a").write_bytes(b"nothing")
    for _ in range(2):
        with pytest.raises(InvalidMedia):
            await tools.develop(box / "a", box)
