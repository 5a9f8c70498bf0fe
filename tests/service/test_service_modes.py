"""Who may open the files of a service, whatever the umask and the folder that it was given."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from filmgate import modes
from tests.support.files import below
from tests.support.service import FILMGATE, RunningService

from .conftest import client, ended, submit

PRIVATE, SHARED = 0o077, 0o007


def entries(data: Path) -> Iterator[Path]:
    """Yield a folder and all that is in it."""
    yield data
    yield from below(data)


def mode(path: Path) -> int:
    """Return the permissions of an entry, none for one that has gone."""
    try:
        return stat.S_IMODE(path.lstat().st_mode)
    except FileNotFoundError:
        return 0


def open_to(data: Path, mask: int) -> dict[str, str]:
    """List what in a folder gives any access of a mask, with its mode."""
    found = {str(path.relative_to(data)): mode(path) for path in entries(data)}
    return {name: oct(given) for name, given in found.items() if given & mask}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    """Return a service that is not started yet, and end it."""
    running = RunningService(tmp_path / "data")
    try:
        yield running
    finally:
        running.stop()


def use(service: RunningService) -> None:
    """Make a task, so that there are files of every sort."""
    with client(service) as http:
        assert ended(http, submit(http, "a task with files"))["state"] == "completed"


@pytest.mark.parametrize("umask", ["000", "022", "277"])
def test_others_have_no_access_whatever_the_umask(service: RunningService, tmp_path: Path, umask: str):
    """A folder that all may enter is closed at the start, and nothing in it is ever open."""
    data = service.data
    data.mkdir()
    data.chmod(0o777)
    (data / "old").mkdir()
    (data / "old").chmod(0o777)
    service.prefix = ["sh", "-c", f'umask {umask}; exec "$0" "$@"']
    use(service.start())
    assert open_to(data, PRIVATE) == {}
    backup = tmp_path / "backup"
    command = [*FILMGATE, "backup", str(backup), "--data", str(data)]
    subprocess.run(command, env=service.env, check=True, capture_output=True, umask=0)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o700
    assert open_to(backup / "media", PRIVATE) == {}


def test_the_group_has_access_where_an_admin_allows_it(service: RunningService):
    """The option opens a private folder to its group once, keeps it open, and never lets others in."""
    data = service.data
    use(service.start())
    assert open_to(data, PRIVATE) == {}
    assert service.stop() == 0
    service.env["FILMGATE_GROUP_ACCESS"] = "true"
    use(service.start())
    assert open_to(data, SHARED) == {}
    assert service.stop() == 0
    unshared = [path for path in entries(data) if not path.stat().st_mode & 0o040]
    assert unshared == []
    assert all(path.stat().st_mode & 0o070 == 0o070 for path in entries(data) if path.is_dir())


def test_a_link_is_not_followed(tmp_path: Path):
    """What a link in the folder leads to keeps its permissions."""
    outside, data = tmp_path / "outside", tmp_path / "data"
    outside.touch(mode=0o644)
    outside.chmod(0o644)
    data.mkdir(mode=0o755)
    (data / "link").symlink_to(outside)
    assert modes.secure(data) == 0
    assert stat.S_IMODE(outside.stat().st_mode) == 0o644
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_below_a_folder_that_cannot_be_closed_all_is():
    """In a volume that belongs to root what is the service's own is made private at every depth."""
    with tempfile.TemporaryDirectory() as volume:
        data = Path(volume)
        data.chmod(0o777)
        own = data / "media" / "task"
        own.mkdir(parents=True)
        for path in (own, own.parent):
            path.chmod(0o755)
        file = own.parent / "video.mp4"
        file.touch()
        file.chmod(0o444)
        for path in (own, file):
            os.chown(path, 65_534, 65_534)
        child = os.fork()
        if child == 0:
            os.setgroups([])
            os.setgid(65_534)
            os.setuid(65_534)
            os._exit(modes.secure(data))
        # The volume itself, and the folder in it that root made.
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
        assert stat.S_IMODE(own.stat().st_mode) == 0o700
        assert stat.S_IMODE(file.stat().st_mode) & PRIVATE == 0
