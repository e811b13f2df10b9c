"""Commands that are typed while devices are simulated."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from agent.contract import Misconfigured
from agent.i18n import hint, message, say
from agent.simulate.faulty import fault_typed
from agent.simulate.mischief import Mischief

HELP = "silence DEVICE 20s | noise=20 WIRE 1min | late=2s DEVICE | swap DEVICE | echo WIRE | unplug WIRE 10s | clear [NAME] | faults | quit"  # noqa: E501  one line on the terminal


class Typed:
    """Lines from a file descriptor, as they come. What has no lines to give is not listened to."""

    def __init__(self, take: Callable[[str], None], fd: int) -> None:
        self._take, self._fd = take, fd
        self._rest = b""

    def start(self) -> bool:
        try:
            asyncio.get_running_loop().add_reader(self._fd, self._readable)
        except (OSError, ValueError):  # /dev/null, a file
            return False
        return True

    def stop(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            asyncio.get_running_loop().remove_reader(self._fd)

    def _readable(self) -> None:
        data = b"" if _in_background(self._fd) else os.read(self._fd, 4096)
        if not data:
            self.stop()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line.decode(errors="replace").strip())


def _in_background(fd: int) -> bool:
    """Whether reading from that terminal would stop the process."""
    return os.isatty(fd) and os.tcgetpgrp(fd) != os.getpgrp()


class Commands:
    """`leave` is set by `quit`."""

    def __init__(self, mischief: Mischief, tell: Callable[[str], None]) -> None:
        self._mischief, self._tell = mischief, tell
        self._clearing: set[asyncio.Task[None]] = set()
        self.leave = asyncio.Event()

    def take(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word in {"quit", "exit"}:
            self.leave.set()
        elif word == "clear":
            task = asyncio.create_task(self._mischief.clear(rest.strip()))
            self._clearing.add(task)
            task.add_done_callback(self._clearing.discard)
        elif word == "faults":
            self._list()
        elif word in {"help", "?"}:
            self._tell(HELP)
        elif line:
            self._fault(line)

    def _fault(self, line: str) -> None:
        try:
            self._mischief.play(fault_typed(line))
        except Misconfigured as error:
            self._tell(message(error))
            self._tell(say("next: {hint}", hint=hint(error)))

    def _list(self) -> None:
        on = list(self._mischief.on)
        for fault in on:
            self._tell(say("{target}: {kind}", target=fault.target, kind=fault.kind))
        if not on:
            self._tell(say("nothing is wrong"))


@asynccontextmanager
async def commanded(
    mischief: Mischief, tell: Callable[[str], None], fd: int | None = None
) -> AsyncIterator[Commands]:
    """Takes what is typed until the `async with` ends."""
    commands = Commands(mischief, tell)
    typed = Typed(commands.take, sys.stdin.fileno() if fd is None else fd)
    typed.start()
    try:
        yield commands
    finally:
        typed.stop()
