"""The other end of devices that speak UDP: simulators behind a socket, a datagram a frame."""

import asyncio
from collections.abc import Sequence
from typing import Self, cast

from agent.contract import Simulator
from agent.wires.faults import Faults
from agent.wires.stage import Responder

Address = tuple[str, int]


class UdpStage(asyncio.DatagramProtocol):
    """Answers at `own`, as a device that is asked; or speaks to `peer`, as one that speaks
    unasked, and hears what comes back. Port 0 of `own` takes a free one."""

    def __init__(
        self,
        simulators: Sequence[Simulator],
        own: Address,
        peer: Address | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.own, self.peer = own, peer
        self.faults = faults or Faults()
        self._simulators = simulators
        self._transport: asyncio.DatagramTransport | None = None
        self._responder: Responder | None = None
        self._last = peer
        self._closed = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.plug()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.unplug()

    async def plug(self) -> None:
        if self._transport is not None:
            return
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=self.own)

    async def unplug(self) -> None:
        """Nothing is heard or said."""
        if self._responder is not None:
            self._responder.stop()
        if self._transport is not None:
            self._transport.abort()
            await self._closed.wait()
        self._transport = self._responder = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self._closed.clear()
        self.own = transport.get_extra_info("sockname")[:2]
        self._responder = Responder(self._simulators, None, self.faults, self._send)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if self.peer is None:
            self._last = addr
        if self._responder is not None:
            self._responder.arrived(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  named by asyncio
        self._closed.set()

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there yet: as good as lost on the way."""

    def _send(self, data: bytes) -> None:
        if self._transport is not None and self._last is not None:
            self._transport.sendto(data, self._last)
