"""Linux namespaces: a network with nothing in it, and a file system that holds only what a decoder needs."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import struct
import sys
from pathlib import Path

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_MS_REC, _MS_PRIVATE = 1 << 14, 1 << 18
_MNT_DETACH = 2
# These calls have one number on every architecture.
_OPEN_TREE, _MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT, _MOUNT_SETATTR = 428, 429, 430, 431, 432, 442
_CLOSE_ON_EXEC = 1
_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_OPEN_TREE_CLONE, _OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
_MOVE_FROM_DESCRIPTOR = 4
_SET_STRING, _CREATE = 1, 6
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_PROGRAMS = 1, 2, 4, 8
_CAPABILITIES_V3 = 0x20080522
_BOX = "filmgate-file"


def leave_network() -> bool:
    """Move into a network namespace that has nothing in it; False where the system does not let us.

    It belongs to a user namespace, in which this process keeps its user and group, and may make a root of its own.
    """
    if sys.platform != "linux":
        return False
    user, group = os.geteuid(), os.getegid()
    if _libc().unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return False
    # Without these the root stays what it is: files made in a new one would belong to nobody.
    with contextlib.suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return True


@functools.cache
def readable_folders() -> tuple[str, ...]:
    """List the folders of Python: the decoders load some of their modules only when they meet what these are for."""
    return tuple(path for path in sys.path if path and Path(path).is_dir())


def build_root() -> None:
    """Build the root of the children, with Python's own folders to be read, and make it the current folder.

    It is mounted on top of the root that this process goes on seeing. Raises OSError where the system lets us not.
    """
    if sys.platform != "linux" or not hasattr(_libc(), "pivot_root"):
        raise OSError(errno.ENOSYS, "this system has no mount namespaces, or its C library does not reach them")
    # What is written and what it means: a part of the path may be a link that will not be there.
    written = {os.path.abspath(path) for path in readable_folders()}  # noqa: PTH100 - links are kept in these
    places = sorted(written | {os.path.realpath(path) for path in written})
    _check(_libc().unshare(_CLONE_NEWNS))
    _check(_libc().mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None))
    with contextlib.ExitStack() as opened:
        trees: list[tuple[str, int]] = []
        for place in places:
            if not any(place.startswith(f"{above}/") for above, _ in trees):
                trees.append((place, _copy_tree(place, _READ_ONLY | _NO_SUID | _NO_DEVICES, opened)))
        root = _make_tmpfs(opened)
        _move_mount(root, "/")
        os.fchdir(root)
        for place, tree in trees:
            target = place.lstrip("/")
            Path(target).mkdir(parents=True)
            _move_mount(tree, target)
        Path(_BOX).mkdir()
        _set_attributes(_AT_FDCWD, b".", _READ_ONLY, 0)


def enter_root(folder: str) -> str:
    """Move into the root that is the current folder, with `folder` in it; return where that is then.

    All else is not there to be seen. Raises OSError where the system lets us not.
    """
    _check(_libc().unshare(_CLONE_NEWNS))
    with contextlib.ExitStack() as opened:
        _move_mount(_copy_tree(folder, _NO_SUID | _NO_DEVICES | _NO_PROGRAMS, opened), _BOX)
    _check(_libc().pivot_root(b".", b"."))
    # The old root lies on top of the new one.
    _check(_libc().umount2(b".", _MNT_DETACH))
    return f"/{_BOX}"


def drop_capabilities() -> None:
    """Drop the capabilities of this process as the owner of its namespaces, or as root."""
    if sys.platform == "linux":
        header = struct.pack("=Ii", _CAPABILITIES_V3, 0)
        _check(_libc().capset(header, bytes(24)))


def _make_tmpfs(opened: contextlib.ExitStack) -> int:
    context = _check(_libc().syscall(_FSOPEN, b"tmpfs", _CLOSE_ON_EXEC))
    opened.callback(os.close, context)
    for option, value in ((b"size", b"1m"), (b"mode", b"700")):
        _check(_libc().syscall(_FSCONFIG, context, _SET_STRING, option, value, 0))
    _check(_libc().syscall(_FSCONFIG, context, _CREATE, None, None, 0))
    root = _check(_libc().syscall(_FSMOUNT, context, _CLOSE_ON_EXEC, _NO_SUID | _NO_DEVICES | _NO_PROGRAMS))
    opened.callback(os.close, root)
    return root


def _copy_tree(path: str, attributes: int, opened: contextlib.ExitStack) -> int:
    """Open a copy of the mounts at a path that can be moved elsewhere."""
    flags = _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC | _AT_RECURSIVE
    tree = _check(_libc().syscall(_OPEN_TREE, _AT_FDCWD, os.fsencode(path), flags))
    opened.callback(os.close, tree)
    _set_attributes(tree, b"", attributes, _AT_EMPTY_PATH | _AT_RECURSIVE)
    return tree


def _move_mount(tree: int, target: str) -> None:
    _check(_libc().syscall(_MOVE_MOUNT, tree, b"", _AT_FDCWD, os.fsencode(target), _MOVE_FROM_DESCRIPTOR))


def _set_attributes(folder: int, path: bytes, attributes: int, flags: int) -> None:
    change = struct.pack("=QQQQ", attributes, 0, 0, 0)
    _check(_libc().syscall(_MOUNT_SETATTR, folder, path, flags, change, len(change)))


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "the system allows no namespace or mount of our own")
    return result
