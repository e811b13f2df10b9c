"""Listening to a wire beside those who take turns on it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol, Self

from agent.contract import LinkLost

KEPT = 65536  # bytes that a slow listener may fall behind; older ones go


class Spoken(Protocol):
    """The wire, as seen from here."""

    ears: "set[Overhearing]"


class Overhearing:
    """Implements `Ear`; an `async with` of it connects the wire."""

    def __init__(self, wire: Spoken, connect: Callable[[], Awaitable[None]]) -> None:
        self._wire, self._connect = wire, connect
        self._heard = bytearray()
        self._error: LinkLost | None = None
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._wire.ears.add(self)
        try:
            await self._connect()
        except BaseException:
            self._wire.ears.discard(self)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._wire.ears.discard(self)

    async def hear(self, seconds: float) -> bytes:
        if not self._news.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._news.wait()
        if self._heard:
            heard = bytes(self._heard)
            self._heard.clear()
            if self._error is None:
                self._news.clear()
            return heard
        if self._error is not None:
            raise self._error
        return b""

    def feed(self, data: bytes) -> None:
        self._heard += data
        del self._heard[:-KEPT]
        self._news.set()

    def fail(self, error: LinkLost) -> None:
        self._error = error
        self._news.set()
