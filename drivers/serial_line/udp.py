"""Frames that travel as UDP datagrams instead of over a wire."""

import asyncio
import contextlib
import errno
from typing import Self, cast

from agent.contract import LinkLost, Misconfigured

KEPT = 256  # datagrams that a slow listener may fall behind
LONGEST = 2048  # bytes; a longer one is none of ours

Peer = tuple[str, int]


class UdpEar(asyncio.DatagramProtocol):
    """Implements `Ear`: a datagram at a time. An `async with` of it takes a port of ours; `to`
    makes one that hears a single peer."""

    def __init__(self, address: Peer) -> None:
        self.address = address  # with port 0: the one that was taken
        self._datagrams: asyncio.Queue[tuple[bytes, Peer]] = asyncio.Queue(KEPT)
        self._transport: asyncio.DatagramTransport | None = None
        self._last: Peer | None = None
        self._connected = False

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_datagram_endpoint(lambda: self, local_addr=self.address)
        except OSError as error:
            raise _trouble(self.address, error) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        await asyncio.sleep(0)  # the loop frees the port in its next round

    @classmethod
    async def to(cls, peer: Peer) -> Self:
        """Raises LinkLost."""
        ear = cls(peer)
        loop = asyncio.get_running_loop()
        try:
            await loop.create_datagram_endpoint(lambda: ear, remote_addr=peer)
        except OSError as error:
            raise _no_way(peer, error) from error
        return ear

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def forget(self) -> None:
        """What was not heard yet."""
        while not self._datagrams.empty():
            self._datagrams.get_nowait()

    async def hear(self, seconds: float) -> bytes:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                data, self._last = await self._datagrams.get()
                return data
        return b""

    def tell(self, data: bytes) -> None:
        """To the peer, or to whom the last datagram came from."""
        if self._transport is not None and (self._connected or self._last is not None):
            self._transport.sendto(data, None if self._connected else self._last)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self._connected = self._transport.get_extra_info("peername") is not None
        self.address = self._transport.get_extra_info("sockname")[:2]

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there."""

    def datagram_received(self, data: bytes, addr: Peer) -> None:
        if len(data) > LONGEST:
            return
        if self._datagrams.full():
            self._datagrams.get_nowait()
        self._datagrams.put_nowait((data, addr))


def _trouble(address: Peer, error: OSError) -> LinkLost | Misconfigured:
    if error.errno in {errno.EADDRNOTAVAIL, errno.EACCES, errno.EADDRINUSE}:
        return LinkLost(
            "udp://{host}:{port} cannot be listened on: {why}",
            hint="`listen:` names an address of this machine and a port that no program uses: "
            "ip addr; ss -ulpn",
            reason="no_port",
            host=address[0],
            port=address[1],
            why=error.strerror or error,
        )
    return Misconfigured(
        "udp://{host}:{port} is no address to listen on: {why}",
        hint="correct `listen:`; udp://0.0.0.0:5000 listens on all addresses",
        host=address[0],
        port=address[1],
        why=error.strerror or error,
    )


def _no_way(peer: Peer, error: OSError) -> LinkLost:
    return LinkLost(
        "{host}:{port} cannot be reached: {error}",
        hint="check power, network cable and address: ping {host}",
        reason="no_peer",
        host=peer[0],
        port=peer[1],
        error=str(error) or type(error).__name__,
    )
