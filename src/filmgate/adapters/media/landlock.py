"""The Linux Landlock interface: a process gives up the file system but for one folder, without any privilege."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1
# The rights that each version of the interface knows: files, then moving, truncating; TCP since the fourth.
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1}
_FILE_RIGHTS_NOW = (1 << 15) - 1
_READING = 1 << 2 | 1 << 3
_TCP_RIGHTS = 3


def stay_in(folder: str, *, reading: Iterable[str]) -> bool:
    """Keep this process, which must have no other thread, inside `folder` for good; False where the kernel cannot.

    Below the folders `reading` it can still read.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    if version < 1:
        return False
    rights = _FILE_RIGHTS.get(version, _FILE_RIGHTS_NOW)
    handled = struct.pack("=QQ", rights, _TCP_RIGHTS) if version >= 4 else struct.pack("=Q", rights)
    rules = _checked(libc.syscall(_CREATE_RULESET, handled, len(handled), 0))
    for place, allowed in ((folder, rights), *((path, _READING) for path in reading)):
        descriptor = os.open(place, os.O_PATH | os.O_DIRECTORY)
        rule = struct.pack("=Qi", allowed, descriptor)
        _checked(libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, rule, 0))
        os.close(descriptor)
    _checked(libc.syscall(_RESTRICT_SELF, rules, 0))
    os.close(rules)
    return True


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "landlock refused a rule")
    return result
