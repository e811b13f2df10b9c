"""Runs a driver's child process: framed messages on its pipes, a heartbeat, a bound of memory.

A message is its length (4 bytes, big-endian) and that many bytes; length 0 is a heartbeat. The
child is started with nearly no environment and in a session of its own. That it ends with us, and
goes first when the kernel runs out of memory, is for the child to arrange: it sees its pipe close.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from agent.contract import ChildLimits, LinkLost

log = logging.getLogger(__name__)

HEAD = 4  # bytes
LOOK = 0.25  # s between two looks at its memory
ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "FIELDGATE_SHARE", "VIRTUAL_ENV")
STDERR_LINE = 300  # characters of its stderr that are logged at a time
STDERR_LINES = 50  # lines of it that are logged in all


class ChildProcess:
    """Implements `Child`."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, limits: ChildLimits) -> None:
        self._name, self._process, self._limits = name, process, limits
        self._spoke = False
        self._error: LinkLost | None = None
        self._tasks = [
            asyncio.create_task(self._watch_memory()),
            asyncio.create_task(self._log_stderr()),
        ]

    @classmethod
    async def start(
        cls, name: str, argv: Sequence[str], limits: ChildLimits, more: Mapping[str, str]
    ) -> "ChildProcess":
        """`argv` follows the interpreter, `more` goes into its environment."""
        kept = {key: os.environ[key] for key in ENVIRONMENT if key in os.environ}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *argv),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**kept, "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1", **more},
            start_new_session=True,
            limit=limits.longest + HEAD,
        )
        return cls(name, process, limits)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def send(self, message: bytes) -> None:
        to = self._process.stdin
        if to is None or len(message) > self._limits.longest:
            raise ValueError(f"{self._name}: a message of {len(message)} bytes is too long")
        try:
            to.write(len(message).to_bytes(HEAD, "big") + message)
            async with asyncio.timeout(self._limits.silence):
                await to.drain()
        except (OSError, TimeoutError) as error:
            raise await self._end("child_hung" if self._alive() else "child_died") from error

    async def receive(self) -> bytes:
        while True:
            message = await self._message()
            self._spoke = True
            if message:
                return message

    async def close(self) -> None:
        if self._alive():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        if self._process.stdin is not None:
            self._process.stdin.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._drained()
        await self._process.wait()

    async def _message(self) -> bytes:
        limit = self._limits.silence if self._spoke else self._limits.patience
        try:
            async with asyncio.timeout(limit):
                return await self._framed()
        except TimeoutError:
            raise await self._end("child_hung") from None
        except (asyncio.IncompleteReadError, OSError):
            raise await self._end("child_died") from None

    async def _framed(self) -> bytes:
        ours = self._process.stdout
        if ours is None:
            raise RuntimeError(f"{self._name} has no pipe")
        length = int.from_bytes(await ours.readexactly(HEAD), "big")
        if length > self._limits.longest:
            raise await self._end("child_garbage")
        return await ours.readexactly(length)

    def _alive(self) -> bool:
        return self._process.returncode is None

    async def _end(self, reason: str) -> LinkLost:
        """Kills it, and says why."""
        if reason == "child_died":  # the pipe closes a moment before the kernel tells of the end
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._process.wait()
        code = self._process.returncode
        await self.close()
        if self._error is not None:
            return self._error
        if reason == "child_died":
            return LinkLost(
                "{name}: its process ended ({how})",
                hint="it is started again; if that does not help: journalctl -u fieldgate",
                reason=reason,
                name=self._name,
                how=_how(code),
            )
        if reason == "child_hung":
            return LinkLost(
                "{name}: its process gave no sign of life for {seconds:g} s and was ended",
                hint="it is started again; if that does not help: journalctl -u fieldgate",
                reason=reason,
                name=self._name,
                seconds=self._limits.silence if self._spoke else self._limits.patience,
            )
        return LinkLost(
            "{name}: its process said what is no message and was ended",
            hint="it is started again; what it is connected to may be hostile",
            reason=reason,
            name=self._name,
        )

    async def _watch_memory(self) -> None:
        while (resident := _resident(self.pid)) is not None:
            await asyncio.sleep(LOOK)
            if resident > self._limits.memory:
                self._error = LinkLost(
                    "{name}: its process took {taken} MB of memory, more than {limit} MB, and was "
                    "ended",
                    hint="it is started again; if that happens often, take out a task of it",
                    reason="child_memory",
                    name=self._name,
                    taken=resident // 1_000_000,
                    limit=self._limits.memory // 1_000_000,
                )
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
                return

    async def _log_stderr(self) -> None:
        lines = self._process.stderr
        left = STDERR_LINES
        while lines is not None and (chunk := await lines.read(4096)):
            for line in chunk.decode(errors="replace").splitlines():
                if left > 0 and line.strip():
                    left -= 1
                    log.info("%s: %s", self._name, line[:STDERR_LINE])

    async def _drained(self) -> None:
        """What is left in the pipes, so that they can be closed."""
        for pipe in (self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1.0):
                    while pipe is not None and await pipe.read(65536):
                        pass


def _resident(pid: int) -> int | None:
    """Bytes; None when there is no such process."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _how(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"
