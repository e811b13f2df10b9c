"""A wire for a command: through the running service where it has that wire, else opened here.

The service goes on polling between the exchanges; the command never holds the wire for longer
than one of them.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from agent.contract import Accept, Ear, Line, LinkLost, Turn, Wire
from agent.control.client import NO_SERVICE, ask, ask_once
from agent.status import Board
from agent.wires import Wires, WireSpec
from agent.wires.lending import Exchange
from agent.wires.owner import Tap, no_answer

PATIENCE = 60.0  # s: others may have to finish first


@dataclass(frozen=True, slots=True)
class Lent:
    """`shared`: the service polls its devices on it, too. `taps` see every byte. `line`: the
    settings that the wire has unless a turn asks for others."""

    wire: Wire
    shared: bool
    taps: set[Tap]
    line: Line


@asynccontextmanager
async def borrow(spec: WireSpec, socket: Path) -> AsyncIterator[Lent]:
    """`socket` is the service's.

    Raises LinkLost when the port is not there or another program has it, Misconfigured when this
    user may not ask the service.
    """
    theirs = await asyncio.to_thread(_in_service, spec, socket)
    if theirs is not None:
        wire = LentWire(str(theirs["name"]), spec.framing, socket)
        yield Lent(wire, shared=True, taps=wire.taps, line=Line(**theirs["line"]))
        return
    async with Wires([spec], Board()) as wires:
        taps = wires.taps(spec.name)
        yield Lent(wires.wire(spec.name), shared=False, taps=taps, line=spec.line)


def _in_service(spec: WireSpec, socket: Path) -> Mapping[str, Any] | None:
    try:
        answer = ask_once(socket, {"do": "wires"})
    except LinkLost as error:
        if error.reason == NO_SERVICE:
            return None
        raise
    return next((theirs for theirs in answer["wires"] if _same(spec, theirs)), None)


def _same(spec: WireSpec, theirs: Mapping[str, Any]) -> bool:
    if spec.port is not None and theirs["port"] is not None:
        return Path(spec.port).resolve() == Path(theirs["port"]).resolve()
    return (spec.port, spec.host, spec.tcp_port) == (None, theirs["host"], theirs["tcp_port"])


@dataclass(slots=True)
class LentWire:
    """Implements `Wire` with the service's exchanges. A turn holds the wire for one of them only:
    between two requests of a turn the service may have asked its own devices."""

    name: str
    framing: Literal["rtu", "tcp"]
    socket: Path
    taps: set[Tap] = field(default_factory=set)

    @asynccontextmanager
    async def turn(self, line: Line | None = None, guard: float = 0.0) -> AsyncIterator[Turn]:
        yield _LentTurn(self, line, guard)

    def overhear(self, line: Line | None = None) -> AbstractAsyncContextManager[Ear]:
        """At the wire's own settings, whatever `line` says: it is the service's wire."""
        del line
        return _overhearing(self)

    async def exchange(self, asked: Exchange) -> bytes:
        request = {"do": "exchange", "wire": self.name, **asked.to_json()}
        answer = await asyncio.to_thread(ask_once, self.socket, request, PATIENCE)
        heard = bytes.fromhex(answer["heard"])
        self.show("tx", asked.request)
        self.show("rx", heard)
        return heard

    def show(self, direction: Literal["tx", "rx"], data: bytes) -> None:
        for tap in tuple(self.taps) if data else ():
            tap(direction, data)


@dataclass(frozen=True, slots=True)
class _LentTurn:
    wire: LentWire
    line: Line | None
    guard: float

    async def ask(self, request: bytes, accept: Accept, timeout: float) -> bytes:
        heard = await self.wire.exchange(Exchange(request, timeout, self.line, self.guard))
        answer = accept(bytearray(heard)) if heard else None
        if answer is None:
            raise no_answer(len(heard), timeout)
        return answer

    async def tell(self, request: bytes) -> None:
        await self.wire.exchange(Exchange(request, 0.0, self.line, self.guard, gap=0.0))

    async def listen(self, seconds: float) -> bytes:
        return await self.wire.exchange(Exchange(b"", seconds, self.line, self.guard))


@asynccontextmanager
async def _overhearing(wire: LentWire) -> AsyncIterator[Ear]:
    answers = ask(wire.socket, {"do": "overhear", "wire": wire.name}, PATIENCE)
    ear = _LentEar(wire, answers)
    try:
        yield ear
    finally:
        await ear.close()


class _LentEar:
    def __init__(self, wire: LentWire, answers: Iterator[dict[str, Any]]) -> None:
        self._wire, self._answers = wire, answers
        self._next: asyncio.Task[bytes] | None = None

    async def hear(self, seconds: float) -> bytes:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            if self._next is None:
                self._next = loop.create_task(asyncio.to_thread(self._line))
            done, _ = await asyncio.wait([self._next], timeout=max(end - loop.time(), 0.0))
            if not done:
                return b""
            heard, self._next = self._next.result(), None
            if heard or loop.time() >= end:
                self._wire.show("rx", heard)
                return heard

    def _line(self) -> bytes:
        for answer in self._answers:
            return bytes.fromhex(answer["heard"])
        raise LinkLost("the service stopped listening", hint="systemctl status fieldgate")

    async def close(self) -> None:
        """A line comes every second, so the thread is soon free."""
        if self._next is not None:
            await asyncio.wait([self._next])
