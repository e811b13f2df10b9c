"""Shuts this process in: it parses bytes from any camera on the network, so it may be taken over.

Landlock (landlock(7)) takes away every file but the source's own, and every TCP port but the
camera's; seccomp (seccomp(2)) every socket that is no TCP, and starting other programs. Neither
can be undone. Threads that run already are not shut in: call it before any is started, but after
all that is needed has been imported and loaded.
"""

import contextlib
import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _PR_SET_DUMPABLE, _PR_SET_PDEATHSIG = 38, 22, 4, 1
_SECCOMP_MODE_FILTER = 2
_SIGKILL = 9

# landlock(7): one number for all machines
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_RULE_PATH, _RULE_PORT = 1, 2
_FS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # how many kinds of access there are
_READ_FILE, _READ_DIR, _WRITE_FILE, _IOCTL_DEV = 1 << 2, 1 << 3, 1 << 1, 1 << 15
_CONNECT_TCP, _BIND_TCP = 1 << 1, 1 << 0
_SCOPE_ABSTRACT_UNIX, _SCOPE_SIGNAL = 1 << 0, 1 << 1

# seccomp: (architecture, numbers) of the calls that are refused, or looked at
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SOCKET = {"x86_64": 41, "aarch64": 198}
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3 = 435
_REFUSED = {
    # fork, vfork, execve, ptrace, kill, tkill, bind, listen, process_vm_readv, process_vm_writev
    "x86_64": (57, 58, 59, 101, 62, 200, 49, 50, 310, 311),
    "aarch64": (221, 117, 129, 130, 200, 201, 270, 271),
}
# execveat, bpf, perf_event_open, userfaultfd, open_by_handle_at, keyctl, add_key, request_key,
# mount, io_uring_setup
_REFUSED_MORE = {
    "x86_64": (322, 321, 298, 323, 304, 250, 248, 249, 165, 425),
    "aarch64": (281, 280, 241, 282, 265, 219, 217, 218, 40, 425),
}
_CLONE_THREAD = 0x00010000
_AF_INET, _AF_INET6, _SOCK_STREAM, _SOCK_TYPE = 2, 10, 1, 0xF

_X32 = 0x40000000  # numbers from here on are of a second table of x86-64

_LD, _JEQ, _JGE, _JSET, _AND, _RET = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06  # classic BPF
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000


@dataclass(frozen=True, slots=True)
class Room:
    """What is left: files and folders to read, devices to read and write, a TCP port."""

    read: tuple[Path, ...] = ()
    devices: tuple[Path, ...] = ()
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Confinement:
    """What the kernel granted. `files` and `ports`: Landlock; `calls`: seccomp."""

    files: bool
    ports: bool
    calls: bool

    @property
    def whole(self) -> bool:
        return self.files and self.ports and self.calls


def confine(room: Room) -> Confinement:
    """Raises OSError when the kernel has what is needed but refuses it."""
    libc = ctypes.CDLL(None, use_errno=True)
    _prctl(libc, _PR_SET_NO_NEW_PRIVS, 1)
    abi = _landlock_abi(libc)
    if abi > 0:
        _landlock(libc, abi, room)
    calls = platform.machine() in _AUDIT_ARCH
    if calls:
        _seccomp(libc, platform.machine())
    return Confinement(files=abi > 0, ports=abi >= 4, calls=calls)


def die_with_parent() -> None:
    """When the parent ends, so does this process; and the kernel takes it first when memory is
    short."""
    _prctl(ctypes.CDLL(None, use_errno=True), _PR_SET_PDEATHSIG, _SIGKILL)
    with contextlib.suppress(OSError):  # some containers do not let a process lower itself
        Path("/proc/self/oom_score_adj").write_text("800", encoding="ascii")


def _prctl(libc: ctypes.CDLL, option: int, value: int, more: object = 0) -> None:
    if libc.prctl(option, value, more, 0, 0):
        raise _error("prctl")


def _landlock_abi(libc: ctypes.CDLL) -> int:
    """0 where the kernel has none."""
    return max(0, int(libc.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)))


def _landlock(libc: ctypes.CDLL, abi: int, room: Room) -> None:
    files = (1 << _FS_BY_ABI[min(abi, 5)]) - 1
    ports = _CONNECT_TCP | _BIND_TCP if abi >= 4 else 0
    scope = _SCOPE_ABSTRACT_UNIX | _SCOPE_SIGNAL if abi >= 6 else 0
    attributes = struct.pack("QQQ", files, ports, scope)[: 8 if abi < 4 else 16 if abi < 6 else 24]
    rules = libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    if rules < 0:
        raise _error("landlock_create_ruleset")
    try:
        for path, access in _paths(room, files):
            _allow_path(libc, rules, path, access)
        if ports and room.port is not None:
            rule = struct.pack("QQ", _CONNECT_TCP, room.port)
            if libc.syscall(_ADD_RULE, rules, _RULE_PORT, rule, 0):
                raise _error("landlock_add_rule")
        if libc.syscall(_RESTRICT_SELF, rules, 0):
            raise _error("landlock_restrict_self")
    finally:
        os.close(rules)


def _paths(room: Room, handled: int) -> Iterator[tuple[Path, int]]:
    for path in room.read:
        yield path, _READ_FILE | (_READ_DIR if path.is_dir() else 0)
    for path in room.devices:
        yield path, (_READ_FILE | _WRITE_FILE | _IOCTL_DEV) & handled


def _allow_path(libc: ctypes.CDLL, rules: int, path: Path, access: int) -> None:
    """What is not there now will never be open to it, even when it appears."""
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        rule = struct.pack("=Qi", access, opened)
        if libc.syscall(_ADD_RULE, rules, _RULE_PATH, rule, 0):
            raise _error("landlock_add_rule")
    finally:
        os.close(opened)


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _seccomp(libc: ctypes.CDLL, machine: str) -> None:
    code = b"".join(program(machine))
    fprog = _Program(len(code) // 8, code)
    _prctl(libc, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(fprog))


def program(machine: str) -> list[bytes]:
    """The filter, as classic BPF: calls of another architecture end the process, refused ones are
    EPERM, clone3 is ENOSYS (so that the C library falls back to clone, whose flags can be seen),
    clone makes threads only, and socket makes TCP sockets only."""
    refused = (*_REFUSED[machine], *_REFUSED_MORE[machine])
    return [
        _step(_LD, 4),  # the architecture
        _step(_JEQ, _AUDIT_ARCH[machine], 1, 0),
        _step(_RET, _KILL),
        _step(_LD, 0),  # the number of the call
        _step(_JGE, _X32, 0, 1),
        _step(_RET, _KILL),
        *_when(_CLONE3, [_step(_RET, _ERRNO | errno.ENOSYS)]),
        *(step for number in refused for step in _when(number, [_refuse()])),
        *_when(_CLONE[machine], _only_threads()),
        *_when(_SOCKET[machine], _only_tcp()),
        _step(_RET, _ALLOW),
    ]


def _only_threads() -> list[bytes]:
    return [
        _step(_LD, 16),  # the flags
        _step(_JSET, _CLONE_THREAD, 1, 0),
        _refuse(),
        _step(_RET, _ALLOW),
    ]


def _only_tcp() -> list[bytes]:
    return [
        _step(_LD, 16),  # the family
        _step(_JEQ, _AF_INET, 2, 0),
        _step(_JEQ, _AF_INET6, 1, 0),
        _refuse(),
        _step(_LD, 24),  # the type, less its flags
        _step(_AND, _SOCK_TYPE),
        _step(_JEQ, _SOCK_STREAM, 1, 0),
        _refuse(),
        _step(_RET, _ALLOW),
    ]


def _when(number: int, steps: Sequence[bytes]) -> list[bytes]:
    """If the call is this one, do that."""
    return [_step(_JEQ, number, 0, len(steps)), *steps]


def _refuse() -> bytes:
    return _step(_RET, _ERRNO | errno.EPERM)


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    """struct sock_filter."""
    return struct.pack("HBBI", code, then, otherwise, value)


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")
