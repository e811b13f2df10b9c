"""A command in a terminal of its own: what it shows, and what somebody types."""

import asyncio
import contextlib
import os
import pty
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Terminal:
    def __init__(self, process: asyncio.subprocess.Process, master: int) -> None:
        self.process, self._master = process, master
        self.text = ""

    async def until(self, words: str) -> None:
        """Waits until that was shown since the last keys."""
        while words not in self.text:
            with contextlib.suppress(BlockingIOError):
                self.text += os.read(self._master, 65536).decode(errors="replace")
            await asyncio.sleep(0.05)

    def type(self, keys: str) -> None:
        self.text = ""
        os.write(self._master, keys.encode())


@asynccontextmanager
async def in_terminal(*words: str) -> AsyncIterator[Terminal]:
    """Runs `fieldgate` with these words; it is killed at the end, if it is still there."""
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agent", *words), stdin=slave, stdout=slave, stderr=slave
    )
    try:
        yield Terminal(process, master)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(master)
        os.close(slave)
