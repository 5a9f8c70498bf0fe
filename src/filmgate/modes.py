"""Permissions of the files that the service writes: its own user, its group where an admin allows it, nobody else.

The service sets its umask once, at the start, so a file is private whoever makes it. `secure` does the same for what
an earlier version, another umask or an orchestrator's volume has left.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

_OTHERS = 0o007
_GROUP = 0o070

_group = False


def restrict(*, group: bool) -> None:
    """Set the umask of this process: no access for others, and none for the group unless `group`."""
    global _group  # noqa: PLW0603 - like the umask itself, which is the process's
    _group = group
    os.umask(_OTHERS if group else _OTHERS | _GROUP)


def folder_mode() -> int:
    """Return the mode of a new folder."""
    return 0o770 if _group else 0o700


def file_mode() -> int:
    """Return the mode of a new file."""
    return 0o660 if _group else 0o600


def frozen_mode() -> int:
    """Return the mode of a file that is never changed again."""
    return 0o440 if _group else 0o400


def secure(folder: Path) -> int:
    """Take the access of others from a data folder, and return how many entries this user could not change.

    Below a folder that others cannot enter nothing has to be changed, so only the first level is visited. All levels
    are where a folder cannot be closed, as with a volume that belongs to root, and where the group is let in for the
    first time. Raises OSError if the folder cannot be listed.
    """
    return _secure(folder, every=_group and not folder.stat().st_mode & _GROUP)


def _secure(folder: Path, *, every: bool) -> int:
    failed = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                # Inside first: whoever is killed here finds the folder as it was, and begins again.
                if every or not _can_close(Path(entry.path)):
                    with contextlib.suppress(FileNotFoundError):
                        failed += _secure(Path(entry.path), every=every)
                        continue
            elif not entry.is_file(follow_symlinks=False):
                continue
            failed += not _apply(Path(entry.path))
    return failed + (not _apply(folder))


def _can_close(folder: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        found = folder.lstat()
        return found.st_uid == os.geteuid() or not found.st_mode & _OTHERS
    return True


def _apply(path: Path) -> bool:
    """Return a path the access it should have; True if others have none afterwards."""
    try:
        # By a descriptor that follows no link: in a folder that others may write, a name can change its meaning.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        return error.errno != errno.EACCES or not path.lstat().st_mode & _OTHERS
    try:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        shared = mode | (mode & 0o700) >> 3 if _group else mode & ~_GROUP
        wanted = shared & ~_OTHERS
        if wanted != mode:
            os.fchmod(descriptor, wanted)
    except PermissionError:
        return not mode & _OTHERS
    finally:
        os.close(descriptor)
    return True
