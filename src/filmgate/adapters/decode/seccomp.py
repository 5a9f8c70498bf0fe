"""The system calls that a decoder has no use for are refused by the kernel: a filter made with libseccomp.

libseccomp knows the numbers of every architecture and refuses calls of another one (i386, x32). It is bound here, and
not by a package, because the few functions that are needed take fewer lines than looking for a library takes a package:
`ctypes.util.find_library` starts a compiler or `ldconfig`, which a small container has not.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import struct
import sys

_ALLOW = 0x7FFF0000
_KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000
_ATTRIBUTE_BAD_ARCHITECTURE, _ATTRIBUTE_OPTIMIZE = 2, 8
_NOT_EQUAL, _MASKED_EQUAL = 1, 7
_UNKNOWN_NAME = -1
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_INSTRUCTION = struct.Struct("=HBBI")
_BPF_JUMP = 5
# More than any kernel gives a process, so that it stands for nothing else in the program.
_OWN_PROCESS = 0x7FFFFFF1
_INT = 0xFFFFFFFF
_CLONE_THREAD = 0x00010000
_F_SETOWN, _F_SETSIG, _F_SETOWN_EX = 8, 10, 15
_PR_SET_PDEATHSIG = 1

_DENIED = {
    "sockets": "socket socketpair connect bind listen accept accept4 sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg",
    "signals to others": "tkill pidfd_open pidfd_getfd pidfd_send_signal",
    "other processes": "ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp migrate_pages "
    "move_pages setpriority ioprio_set perf_event_open",
    "new processes": "execve execveat fork vfork",
    # Landlock refuses to open a file, and leaves these to whoever owns it.
    "modes, owners, attributes, times, lengths of files": "chmod fchmod fchmodat fchmodat2 chown fchown lchown "
    "fchownat setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat utime utimes "
    "utimensat futimesat truncate file_setattr",
    "watching files": "inotify_init inotify_init1 inotify_add_watch fanotify_init fanotify_mark name_to_handle_at "
    "open_by_handle_at",
    "shared objects": "shmget shmat shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl mq_open "
    "mq_unlink",
    "namespaces and mounts": "unshare setns mount umount umount2 pivot_root chroot open_tree open_tree_attr move_mount "
    "fsopen fsconfig fsmount fspick mount_setattr statmount listmount",
    "large interfaces of the kernel": "io_uring_setup io_uring_enter io_uring_register bpf userfaultfd keyctl add_key "
    "request_key seccomp",
    "the machine": "init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff acct "
    "quotactl quotactl_fd settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname syslog vhangup "
    "iopl ioperm modify_ldt personality nfsservctl lookup_dcookie",
}
# Newer than the libraries in use, for which these have no name yet. They have one number on every architecture.
_NUMBERS = {
    "mount_setattr": 442,
    "quotactl_fd": 443,
    "process_mrelease": 448,
    "fchmodat2": 452,
    "statmount": 457,
    "listmount": 458,
    "setxattrat": 463,
    "removexattrat": 466,
    "open_tree_attr": 467,
    "file_setattr": 469,
}
# Calls that are newer than this module look as if the kernel did not have them. So does clone3, whose flags a filter
# cannot read: the C library starts its threads with clone instead.
_NOT_KNOWN_HERE = range(470, 512)


class _Condition(ctypes.Structure):
    """What an argument of a call is compared with (scmp_arg_cmp)."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


class _Program(ctypes.Structure):
    """A filter as the kernel takes it (sock_fprog)."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


# An int is compared in its lower half, as the kernel reads it: what lies above is whatever the caller put there.
_CONDITIONAL: tuple[tuple[str, _Condition], ...] = (
    ("clone", _Condition(0, _MASKED_EQUAL, _CLONE_THREAD, 0)),
    *(
        (name, _Condition(0, _NOT_EQUAL, _OWN_PROCESS, 0))
        for name in ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")
    ),
    *(
        (name, _Condition(0, _NOT_EQUAL, 0, 0))
        for name in ("prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr")
    ),
    *(("fcntl", _Condition(1, _MASKED_EQUAL, _INT, command)) for command in (_F_SETOWN, _F_SETSIG, _F_SETOWN_EX)),
    ("prctl", _Condition(0, _MASKED_EQUAL, _INT, _PR_SET_PDEATHSIG)),
)


def deny_calls() -> None:
    """Deny this process the system calls that no decoder needs. Raises OSError where it cannot be done.

    The process must have one thread, and have given up gaining privileges.
    """
    code = b"".join(
        _INSTRUCTION.pack(
            operation, true, false, os.getpid() if operation & 7 == _BPF_JUMP and k == _OWN_PROCESS else k
        )
        for operation, true, false, k in _INSTRUCTION.iter_unpack(compile_filter())
    )
    program = _Program(len(code) // _INSTRUCTION.size, code)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the kernel takes no filter of system calls")


@functools.cache
def compile_filter() -> bytes:
    """Make the filter, once for all children of a process. Raises OSError without libseccomp."""
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, "only Linux filters system calls")
    library = _library()
    context = library.seccomp_init(_ALLOW)
    if not context:
        raise OSError(errno.ENOSYS, "libseccomp does not know this machine")
    try:
        _check(library.seccomp_attr_set(context, _ATTRIBUTE_BAD_ARCHITECTURE, _KILL_PROCESS))
        # A binary tree, if the library is new enough: the kernel asks a filter about every number when it takes it.
        library.seccomp_attr_set(context, _ATTRIBUTE_OPTIMIZE, 2)
        for name in " ".join(_DENIED.values()).split():
            _add(library, context, _number(library, name), errno.EPERM)
        for name, condition in _CONDITIONAL:
            _add(library, context, _number(library, name), errno.EPERM, condition)
        for number in (_number(library, "clone3"), *_NOT_KNOWN_HERE):
            _add(library, context, number, errno.ENOSYS)
        with os.fdopen(os.memfd_create("filter"), "rb") as file:
            _check(library.seccomp_export_bpf(context, file.fileno()))
            file.seek(0)
            return file.read()
    finally:
        library.seccomp_release(context)


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_attr_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Condition)
    ]  # fmt: skip
    library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    library.seccomp_release.restype = None
    return library


def _number(library: ctypes.CDLL, name: str) -> int:
    """Return the number of a call; one that this architecture lacks has a negative one, for which rules do nothing."""
    number = int(library.seccomp_syscall_resolve_name(name.encode()))
    if number == _UNKNOWN_NAME:
        if name not in _NUMBERS:
            raise OSError(errno.ENOSYS, f"libseccomp does not know {name}")
        return _NUMBERS[name]
    return number


def _add(library: ctypes.CDLL, context: int, number: int, error: int, *conditions: _Condition) -> None:
    array = (_Condition * len(conditions))(*conditions)
    _check(library.seccomp_rule_add_array(context, _ERRNO | error, number, len(conditions), array))


def _check(result: int) -> None:
    if result < 0:
        raise OSError(-result, "libseccomp refused a rule")
