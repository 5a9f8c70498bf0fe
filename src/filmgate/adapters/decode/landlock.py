"""The Linux Landlock interface: a process gives up the file system but for one folder, without any privilege.

It also gives up TCP and, since the sixth version, signals to others and abstract sockets.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1
# The rights that each version of the interface knows: files, then moving, truncating, device calls.
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_FILE_RIGHTS_NOW = (1 << 16) - 1
_EXECUTE = 1
_READING = 1 << 2 | 1 << 3
_TCP_SINCE, _TCP_RIGHTS = 4, 3
_SCOPES = 3

SCOPES_SINCE = 6
"""The version since which signals to others and abstract sockets are refused."""


def stay_in(folder: str, *, reading: Iterable[str]) -> int:
    """Keep this process, which must have no other thread, inside `folder` for good.

    Below the folders `reading` it can still read; it can start no program. Returns the version of the interface, 0
    where the kernel has none.
    """
    if sys.platform != "linux":
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    version = int(libc.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG))
    if version < 1:
        return 0
    rights = _FILE_RIGHTS.get(version, _FILE_RIGHTS_NOW)
    refused = [rights]
    if version >= _TCP_SINCE:
        refused.append(_TCP_RIGHTS)
    if version >= SCOPES_SINCE:
        refused.append(_SCOPES)
    handled = struct.pack(f"={len(refused)}Q", *refused)
    rules = _check(libc.syscall(_CREATE_RULESET, handled, len(handled), 0))
    for place, allowed in ((folder, rights & ~_EXECUTE), *((path, _READING) for path in reading)):
        descriptor = os.open(place, os.O_PATH | os.O_DIRECTORY)
        rule = struct.pack("=Qi", allowed, descriptor)
        _check(libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, rule, 0))
        os.close(descriptor)
    _check(libc.syscall(_RESTRICT_SELF, rules, 0))
    os.close(rules)
    return version


def _check(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "landlock refused a rule")
    return result
