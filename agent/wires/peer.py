"""A wire behind a socket: Modbus TCP, or a converter that carries a serial line."""

import asyncio
import random
from collections.abc import Callable
from typing import cast

from agent.contract import Line
from agent.wires.connection import Connection, Ear
from agent.wires.troubles import peer_closed, peer_trouble, peer_waits

CONNECT = 5.0  # s until a connection stands, or has failed


class Backoff:
    """When a peer may be dialled again: at once after a connection that was of use, else later
    each time, so that a peer that only accepts and hangs up is not hammered."""

    def __init__(self, first: float, longest: float, draw: Callable[[], float]) -> None:
        """Seconds; `draw` gives 0…1."""
        self._first, self._longest, self._draw = first, longest, draw
        self._tries = 0
        self._not_before = 0.0

    def remaining(self, now: float) -> float:
        return max(0.0, self._not_before - now)

    def tried(self, now: float) -> None:
        delay = min(self._longest, self._first * 2.0 ** min(self._tries, 16))
        self._tries += 1
        self._not_before = now + delay * (0.5 + self._draw() / 2)

    def proven(self) -> None:
        self._tries, self._not_before = 0, 0.0


class PeerDialer:
    def __init__(self, host: str, port: int, first: float = 1.0, longest: float = 60.0) -> None:
        self._host, self._port = host, port
        self._backoff = Backoff(first, longest, random.random)

    async def dial(self, line: Line, ear: Ear) -> Connection:  # noqa: ARG002  the far end has its own
        loop = asyncio.get_running_loop()
        if (wait := self._backoff.remaining(loop.time())) > 0:
            raise peer_waits(self._host, self._port, wait)
        self._backoff.tried(loop.time())
        try:
            async with asyncio.timeout(CONNECT):
                _, peer = await loop.create_connection(
                    lambda: Peer(self._host, self._port, ear, self._backoff),
                    self._host,
                    self._port,
                )
        except (OSError, TimeoutError) as error:
            wait = self._backoff.remaining(loop.time())
            raise peer_trouble(self._host, self._port, error, wait) from error
        return peer


class Peer(asyncio.Protocol):
    def __init__(self, host: str, port: int, ear: Ear, backoff: Backoff) -> None:
        self._host, self._port, self._ear, self._backoff = host, port, ear, backoff
        self._transport: asyncio.Transport | None = None
        self._closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._backoff.proven()
        self._ear.heard(self, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  named by asyncio
        self._closed.set()
        self._ear.gone(self, peer_closed(self._host, self._port))

    def send(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            raise peer_closed(self._host, self._port)
        self._transport.write(data)

    def set_line(self, line: Line) -> None:
        """The line is behind the converter, which has settings of its own."""

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def closed(self) -> None:
        await self._closed.wait()
