"""The local store keeps whole files and nothing else."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.media.painting import names

from filmgate.adapters.store import LocalStore
from filmgate.domain.errors import Unavailable


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """Return a store whose folder does not exist yet."""
    return LocalStore(tmp_path / "media")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on another file system."""
    shared_memory = Path("/dev/shm")
    if not shared_memory.is_dir() or shared_memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    folder = Path(tempfile.mkdtemp(dir=shared_memory))
    yield folder
    shutil.rmtree(folder)


def written(path: Path, content: bytes = b"film") -> Path:
    """Write a file to be put."""
    path.write_bytes(content)
    return path


async def content(store: LocalStore, key: str, start: int = 0, stop: int = 2**40) -> list[bytes]:
    """Read the pieces of a file."""
    return [piece async for piece in store.read(key, start, stop)]


async def test_put_takes_the_file_over(store: LocalStore, tmp_path: Path):
    """What was put can be read, and its source is gone."""
    source = written(tmp_path / "a")
    await store.put("task/video-1.mp4", source)
    assert await content(store, "task/video-1.mp4") == [b"film"]
    assert not source.exists()
    assert (tmp_path / "media/task/video-1.mp4").stat().st_mode & 0o777 == 0o400


async def test_put_from_another_file_system(store: LocalStore, tmp_path: Path, elsewhere: Path):
    """A file that cannot be renamed into place is copied, and no temporary name stays."""
    source = written(elsewhere / "a", b"x" * 700_000)
    await store.put("task/a", source)
    assert b"".join(await content(store, "task/a")) == b"x" * 700_000
    assert not source.exists()
    assert names(tmp_path / "media/task") == ["a"]


async def test_put_again_replaces_whole(store: LocalStore, tmp_path: Path):
    """A put that is repeated after a crash succeeds."""
    for text in (b"one", b"two"):
        await store.put("t/a", written(tmp_path / "a", text))
    assert await content(store, "t/a") == [b"two"]


async def test_put_of_nothing(store: LocalStore, tmp_path: Path):
    """A source that does not exist is an error and leaves no file."""
    with pytest.raises(FileNotFoundError):
        await store.put("t/a", tmp_path / "nothing")
    assert await store.keys("t") == []


@pytest.mark.parametrize(
    "key",
    [
        *("", "/", "/etc/passwd", "../a", "a/../b", "a/./b", "a//b", "a/", ".hidden", "a/.hidden", "a\\b", "a b", "ä"),
        *("a\n", "a\0b", "..", "a/..", "%2e%2e/a", "~/a", "x" * 300),
    ],
)
async def test_keys_cannot_leave_the_folder(store: LocalStore, tmp_path: Path, key: str):
    """A key that is no plain path of plain names is refused by every method."""
    source = written(tmp_path / "a")
    with pytest.raises(ValueError, match="not a key"):
        await store.put(key, source)
    with pytest.raises(ValueError, match="not a key"):
        await store.get(key, tmp_path / "b")
    with pytest.raises(ValueError, match="not a key"):
        await content(store, key)
    with pytest.raises(ValueError, match="not a key"):
        await store.remove(key)
    assert source.exists()


async def test_get_is_read_only_and_outlives_removal(store: LocalStore, tmp_path: Path):
    """A file that was got stays after the store removed it, and replaces what was at its place."""
    await store.put("t/a", written(tmp_path / "a"))
    target = written(tmp_path / "there", b"old")
    await store.get("t/a", target)
    await store.get("t/a", target)
    await store.remove("t/a")
    assert target.read_bytes() == b"film"
    assert target.stat().st_mode & 0o222 == 0
    assert names(tmp_path) == ["media", "there"]


async def test_get_to_another_file_system(store: LocalStore, tmp_path: Path, elsewhere: Path):
    """A file that cannot be linked is copied, read-only."""
    await store.put("t/a", written(tmp_path / "a"))
    await store.get("t/a", elsewhere / "b")
    assert (elsewhere / "b").read_bytes() == b"film"
    assert (elsewhere / "b").stat().st_mode & 0o222 == 0


async def test_missing_files(store: LocalStore, tmp_path: Path):
    """A key without a file raises on reading and is no error on removing."""
    with pytest.raises(FileNotFoundError):
        await store.get("t/a", tmp_path / "b")
    with pytest.raises(FileNotFoundError):
        await anext(store.read("t/a", 0, 10))
    await store.remove("t/a")


@pytest.mark.parametrize(("start", "stop"), [(0, 5), (3, 3), (262_143, 262_145), (0, 900_000), (699_999, 900_000)])
async def test_read_gives_exactly_the_range(store: LocalStore, tmp_path: Path, start: int, stop: int):
    """Ranges come in pieces of at most 256 KiB and end with the file."""
    data = os.urandom(700_000)
    await store.put("t/a", written(tmp_path / "a", data))
    pieces = await content(store, "t/a", start, stop)
    assert b"".join(pieces) == data[start:stop]
    assert all(len(piece) <= 256 * 1024 for piece in pieces)


async def test_keys_lists_below_a_prefix(store: LocalStore, tmp_path: Path):
    """Only keys below the prefix are listed, never its namesakes or unfinished files."""
    for key in ("t1/b", "t1/a", "t10/c", "t1/deep/d"):
        await store.put(key, written(tmp_path / "a"))
    written(tmp_path / "media/t1/.1234.part")
    assert await store.keys("t1") == ["t1/a", "t1/b", "t1/deep/d"]
    assert await store.keys("") == ["t1/a", "t1/b", "t1/deep/d", "t10/c"]
    assert await store.keys("t2") == []


async def test_remove_takes_empty_folders_along(store: LocalStore, tmp_path: Path):
    """The last file of a task takes the task's folder with it."""
    for key in ("t/a", "t/b"):
        await store.put(key, written(tmp_path / "a"))
    await store.remove("t/a")
    assert await store.keys("t") == ["t/b"]
    await store.remove("t/b")
    assert names(tmp_path / "media") == []


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Let threads take turns far more often than they do by themselves."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("hasty_threads")
async def test_puts_and_removes_side_by_side(store: LocalStore, tmp_path: Path):
    """A folder that vanishes because it is empty does not fail a put into it."""

    async def come_and_go(name: str) -> None:
        for _ in range(100):
            await store.put(f"t/u/{name}", written(tmp_path / name))
            await store.remove(f"t/u/{name}")

    await asyncio.gather(*(come_and_go(name) for name in "abcd"))
    assert await store.keys("") == []


async def test_ready(store: LocalStore, tmp_path: Path):
    """A store that can be written is ready, and the test leaves nothing there."""
    await store.ready()
    assert names(tmp_path / "media") == []


async def test_not_ready_on_a_file(tmp_path: Path):
    """A store whose folder cannot be made is unavailable."""
    with pytest.raises(Unavailable, match="cannot be written"):
        await LocalStore(written(tmp_path / "file") / "media").ready()


async def test_not_ready_when_full(tmp_path: Path):
    """A store with less room than its reserve is unavailable."""
    with pytest.raises(Unavailable, match="almost full"):
        await LocalStore(tmp_path, reserve=2**62).ready()


_PUTTER = """
import asyncio, sys
from pathlib import Path
from filmgate.adapters.store import LocalStore
async def main():
    store, folder = LocalStore(Path(sys.argv[1]) / "media"), Path(sys.argv[1])
    for number in range(100_000):
        source = folder / "source"
        source.write_bytes(bytes([number % 256]) * 200_000)
        await store.put(f"t/{number}", source)
        print(number, flush=True)
asyncio.run(main())
"""


def put_until_killed(folder: Path) -> list[bytes]:
    """Put files in another process and kill it; gives the numbers it had reported by then."""
    with subprocess.Popen([sys.executable, "-c", _PUTTER, str(folder)], stdout=subprocess.PIPE) as putter:
        lines = [putter.stdout.readline() for _ in range(20)]
        putter.send_signal(signal.SIGKILL)
    return lines


async def test_kill_during_puts_leaves_only_whole_files(tmp_path: Path):
    """Whatever moment the process is killed at, every key holds a whole file, and all that were reported are there."""
    lines = await asyncio.to_thread(put_until_killed, tmp_path)
    store = LocalStore(tmp_path / "media")
    keys = await store.keys("t")
    assert {f"t/{int(line)}" for line in lines} <= set(keys)
    for key in keys:
        whole = b"".join(await content(store, key))
        assert whole == bytes([int(key[2:]) % 256]) * 200_000
