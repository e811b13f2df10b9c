"""A device that is asked by UDP datagrams instead of on a wire."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from agent.contract import Accept, Line, LinkLost, Turn
from drivers.serial_line.udp import Peer, UdpEar


class UdpWire:
    """Implements what the driver needs of `Wire`. A datagram is an answer, or none."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._lock = asyncio.Lock()
        self._ear: UdpEar | None = None

    def turn(
        self,
        line: Line | None = None,  # noqa: ARG002  there is none
        guard: float = 0.0,  # noqa: ARG002  nobody else is on it
    ) -> AbstractAsyncContextManager[Turn]:
        return self._turn()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[Turn]:
        """Raises LinkLost while there is no way to the peer."""
        async with self._lock:
            if self._ear is None:
                self._ear = await UdpEar.to(self._peer)
            yield _Conversation(self._ear)

    def close(self) -> None:
        """Twice is once."""
        ear, self._ear = self._ear, None
        if ear is not None:
            ear.close()


class _Conversation:
    def __init__(self, ear: UdpEar) -> None:
        self._ear = ear

    async def ask(self, request: bytes, accept: Accept, timeout: float) -> bytes:
        """What came before the request is no answer to it."""
        self._ear.forget()
        self._ear.tell(request)
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout
        while (left := until - loop.time()) > 0:
            heard = bytearray(await self._ear.hear(left))
            if heard and (answer := accept(heard)) is not None:
                return answer
        raise LinkLost(
            "no answer within {timeout:g} s",
            hint="check the device's power, its address, baud and parity, then A and B",
            timeout=timeout,
        )

    async def tell(self, request: bytes) -> None:
        self._ear.tell(request)

    async def listen(self, seconds: float) -> bytes:
        return await self._ear.hear(seconds)
