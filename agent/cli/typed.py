"""What somebody types, while the event loop goes on."""

import asyncio
import os
import sys
import termios
import tty
from types import TracebackType
from typing import Any, Self


async def typed_line() -> str:
    """A line from the terminal; "" at its end."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sys.stdin, ready.set)
    try:
        await ready.wait()
        return sys.stdin.readline()
    finally:
        loop.remove_reader(sys.stdin)


class Keys:
    """Single keys without Enter, while the block runs."""

    def __init__(self) -> None:
        self._fd = sys.stdin.fileno()
        self._usual: list[Any] = termios.tcgetattr(self._fd)

    def __enter__(self) -> Self:
        tty.setcbreak(self._fd)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        termios.tcsetattr(self._fd, termios.TCSADRAIN, self._usual)

    async def key(self, timeout: float) -> str:
        """The next one, "" when none comes within so many seconds."""
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_reader(self._fd, ready.set)
        try:
            async with asyncio.timeout(timeout):
                await ready.wait()
            return os.read(self._fd, 64)[:1].decode("ascii", "replace")
        except TimeoutError:
            return ""
        finally:
            loop.remove_reader(self._fd)

    async def line(self, prompt: str) -> str:
        """A whole line, with the terminal's own editing."""
        termios.tcsetattr(self._fd, termios.TCSADRAIN, self._usual)
        print(prompt, end=" ", flush=True)
        try:
            return (await typed_line()).strip()
        finally:
            tty.setcbreak(self._fd)
