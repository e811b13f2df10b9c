"""One answer on its way in."""

import asyncio
from collections.abc import Callable

from agent.contract import Accept


def nothing(heard: bytearray) -> bytes | None:  # noqa: ARG001  an Accept
    """Accepts no answer."""
    return None


class Hearing:
    """`answer` is set as soon as `accept` finds it, or fails with what `accept` raises."""

    def __init__(self, accept: Accept, echo: bytes = b"") -> None:
        """`echo`: these bytes must be heard first; they, and what comes before, are dropped."""
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.heard = 0  # bytes, echo included
        self._accept, self._echo = accept, echo
        self._buffer = bytearray()
        self._used = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def echo_missing(self) -> bool:
        return bool(self._echo)

    @property
    def noise(self) -> int:
        """Bytes that were neither echo nor answer."""
        return self.heard - self._used

    def feed(self, data: bytes) -> None:
        self.heard += len(data)
        self._buffer += data
        if self.answer.done() or not self._after_echo() or not self._buffer:
            return
        try:
            answer = self._accept(self._buffer)
        except Exception as error:  # noqa: BLE001  belongs to the task that asked
            self.answer.set_exception(error)
            return
        if answer is not None:
            self._used += len(answer)
            self.answer.set_result(answer)

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)

    def finish(self) -> None:
        """What has been heard is all there will be."""
        if not self.answer.done():
            self._used += len(self._buffer)
            self.answer.set_result(bytes(self._buffer))

    def set_timer(self, when: float, call: Callable[["Hearing"], None]) -> None:
        """At loop time `when`, unless `end` comes first; replaces the one before."""
        self._timer = asyncio.get_running_loop().call_at(when, call, self)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.answer.done() and not self.answer.cancelled():
            self.answer.exception()  # seen, even when the asker was cancelled meanwhile

    def _after_echo(self) -> bool:
        if not self._echo:
            return True
        at = self._buffer.find(self._echo)
        if at < 0:
            return False
        self._used += len(self._echo)
        del self._buffer[: at + len(self._echo)]
        self._echo = b""
        return True
