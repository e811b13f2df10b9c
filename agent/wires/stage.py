"""The other end of a wire, for simulation: simulators behind a pseudo-terminal or a socket.

With a `line`, bytes take the time that they would take on it, both ways: a request has been heard
when its last byte would have arrived, and an answer begins 3.5 characters later. With `lines`,
each simulator is set to a line of its own: at another it hears garbage, and is heard as garbage.
"""

import asyncio
import contextlib
import os
import pty
import tty
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Self, cast

from agent.contract import Line, Misconfigured, Simulator, Talker
from agent.wires.alarms import Alarms
from agent.wires.faults import Faults
from agent.wires.spoken import misheard, spoken_on

PACKET = 0.008  # s of bytes that a USB adapter delivers at once


class Responder:
    """Hears requests and sends the simulators' answers, one client's; never blocks.

    Two answers that overlap in time are mixed, as on a real line.
    """

    def __init__(
        self,
        simulators: Sequence[Simulator],
        line: Line | None,
        faults: Faults,
        send: Callable[[bytes], None],
        lines: Mapping[Simulator, Line] | None = None,
        spoken: Callable[[], Line] = Line,
    ) -> None:
        """`lines`: of simulators that are set to one; `spoken` tells at which the wire is used."""
        self._simulators, self._line, self._faults = simulators, line, faults
        self._send, self._lines, self._spoken = send, lines or {}, spoken
        self._time = asyncio.get_running_loop().time
        self._alarms = Alarms()
        self._character = line.character if line else 0.0
        self._busy_until = 0.0
        for simulator in simulators:
            if isinstance(simulator, Talker):
                self._alarms.call_at(self._time(), partial(self._speak, simulator))

    def stop(self) -> None:
        self._alarms.close()

    def _speak(self, talker: Talker) -> None:
        said, pause = talker.speak()
        now = begin = self._time()
        for frame in said:
            if not self._faults.dead and not self._faults.silences(frame):
                self._answer(frame, begin, self._lines.get(talker))
            begin += len(frame) * self._character
        self._alarms.call_at(now + pause, partial(self._speak, talker))

    def arrived(self, data: bytes) -> None:
        now = self._time()
        said = self._spoken() if self._lines else None
        character = said.character if said and self._line else self._character
        heard = max(now, self._busy_until) + len(data) * character
        self._busy_until = heard
        self._at(heard, partial(self._hear, data, heard, said))

    def _hear(self, data: bytes, at: float, said: Line | None) -> None:
        if self._faults.echo:
            self._send(data)
        if self._faults.dead:
            return
        for simulator in self._simulators:
            own = self._lines.get(simulator)
            for answer in simulator.hear(misheard(data, said, own) if said and own else data):
                if not self._faults.silences(answer):
                    self._answer(answer, at, own)

    def _answer(self, answer: bytes, heard: float, own: Line | None) -> None:
        """`own`: the line that who answers is set to."""
        line = (own or self._line) if self._line else None
        character = line.character if line else 0.0
        begin = heard + max(line.silence if line else 0.0, self._faults.wait(answer))
        out = self._faults.damage(answer)
        step = max(1, round(PACKET / character)) if character else len(out)
        for first in range(0, len(out), max(1, step)):
            piece = out[first : first + step]
            end = begin + (first + len(piece)) * character
            self._at(end, partial(self._pass_on, piece, own))

    def _pass_on(self, piece: bytes, own: Line | None) -> None:
        self._send(misheard(piece, own, self._spoken()) if own else piece)

    def _at(self, when: float, call: Callable[[], None]) -> None:
        if when > self._time():
            self._alarms.call_at(when, call)
        else:
            call()


class PtyStage:
    """A serial port that is reached by the symlink `link`, like /dev/serial/by-id/…"""

    def __init__(
        self,
        link: Path,
        simulators: Sequence[Simulator],
        line: Line | None = None,
        faults: Faults | None = None,
        lines: Mapping[Simulator, Line] | None = None,
    ) -> None:
        self.link = link
        self.faults = faults or Faults()
        self._simulators, self._line, self._lines = simulators, line, lines
        self._ends: tuple[int, int] | None = None
        self._responder: Responder | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        await self.plug()

    async def stop(self) -> None:
        await self.unplug()

    async def plug(self) -> None:
        """A new pseudo-terminal under the same link. Raises Misconfigured when the link's place
        is taken by something else."""
        if self._ends is not None:
            return
        master, slave = pty.openpty()  # without an open slave, reading the master is EIO
        self._ends = master, slave
        tty.setraw(slave)
        os.set_blocking(master, False)
        self._responder = Responder(
            self._simulators,
            self._line,
            self.faults,
            self._send,
            self._lines,
            partial(spoken_on, slave),
        )
        asyncio.get_running_loop().add_reader(master, self._readable)
        _link(self.link, os.ttyname(slave))

    async def unplug(self) -> None:
        """The port vanishes; who has it open is told so by the kernel."""
        if self._ends is None:
            return
        ends, self._ends = self._ends, None
        if self._responder is not None:
            self._responder.stop()
        asyncio.get_running_loop().remove_reader(ends[0])
        self.link.unlink(missing_ok=True)
        for end in reversed(ends):
            os.close(end)

    def _readable(self) -> None:
        if self._ends is not None and self._responder is not None:
            with contextlib.suppress(BlockingIOError):
                self._responder.arrived(os.read(self._ends[0], 4096))

    def _send(self, data: bytes) -> None:
        # A full terminal is one that nobody reads: the bytes are lost, as on a line.
        if self._ends is not None:
            with contextlib.suppress(BlockingIOError):
                os.write(self._ends[0], data)


class TcpStage:
    """A socket; `port` 0 takes a free one, which `port` names after `start`."""

    def __init__(
        self,
        host: str,
        port: int,
        simulators: Sequence[Simulator],
        line: Line | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.host, self.port = host, port
        self.faults = faults or Faults()
        self._simulators, self._line = simulators, line
        self._server: asyncio.Server | None = None
        self._clients: set[_Client] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        await self.plug()

    async def stop(self) -> None:
        await self.unplug()

    async def plug(self) -> None:
        if self._server is not None:
            return
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._client, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def unplug(self) -> None:
        """Refuses connections and breaks those that stand."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        await self.hang_up()
        await server.wait_closed()

    async def hang_up(self) -> None:
        """Breaks the connections; new ones are taken."""
        clients = tuple(self._clients)
        for client in clients:
            client.abort()
        for client in clients:
            await client.closed.wait()

    def _client(self) -> "_Client":
        return _Client(self._clients, self._responder)

    def _responder(self, send: Callable[[bytes], None]) -> Responder:
        return Responder(self._simulators, self._line, self.faults, send)


class _Client(asyncio.Protocol):
    def __init__(
        self,
        clients: "set[_Client]",
        responder: Callable[[Callable[[bytes], None]], Responder],
    ) -> None:
        self.closed = asyncio.Event()
        self._clients = clients
        self._responder = responder(self._send)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._clients.add(self)

    def data_received(self, data: bytes) -> None:
        self._responder.arrived(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  named by asyncio
        self._responder.stop()
        self._clients.discard(self)
        self.closed.set()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


def _link(link: Path, target: str) -> None:
    """Replaces the link in one step, unless what stands there is not a simulated port."""
    if os.path.lexists(link) and not os.path.realpath(link).startswith("/dev/pts/"):
        raise Misconfigured(
            "{path} is there already, and it is no simulated port",
            hint="choose another path; a simulator never takes the place of a real port",
            path=link,
        )
    link.parent.mkdir(parents=True, exist_ok=True)
    new = link.with_name(f"{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)
