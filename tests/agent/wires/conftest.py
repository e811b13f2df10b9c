"""A line of text as protocol: b"name?" is answered with b"name!" by who is called so."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from agent.contract import Line, LinkLost
from agent.status import Board
from agent.wires import Wires, WireSpec
from agent.wires.faults import Faults
from agent.wires.stage import PtyStage, TcpStage

FAST = Line(115200)


class Named:
    """Answers to its name, and to `*`, which is a broadcast, not at all."""

    def __init__(self, name: str) -> None:
        self.name = name.encode()
        self.heard: list[bytes] = []
        self._buffer = b""

    def hear(self, data: bytes) -> Sequence[bytes]:
        self.heard.append(data)
        self._buffer += data
        *requests, self._buffer = self._buffer.split(b"?")
        return [self.name + b"!" for request in requests if request == self.name]


def answer(heard: bytearray) -> bytes | None:
    return bytes(heard) if heard.endswith(b"!") else None


class Bench:
    """One serial wire `bus` and what hangs on it."""

    def __init__(self, stage: PtyStage, wires: Wires, board: Board, device: Named) -> None:
        self.stage, self.wires, self.board, self.device = stage, wires, board, device
        self.wire = wires.wire("bus")
        self.status = board.wire("bus")

    async def ask(self, request: bytes = b"pump?", timeout: float = 2.0) -> bytes:
        async with self.wire.turn() as turn:
            return await turn.ask(request, answer, timeout)


@pytest.fixture
def until() -> Callable[[Callable[[], Any]], Awaitable[None]]:
    async def wait(condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.005)

    return wait


@pytest.fixture
def port(tmp_path: Path) -> Path:
    return tmp_path / "by-id" / "usb-adapter"


@pytest.fixture
async def bench(port: Path, request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """Options by `@pytest.mark.parametrize("bench", [{…}], indirect=True)`: line (paced), spec."""
    options = getattr(request, "param", {})
    board, device = Board(), Named("pump")
    spec = WireSpec("bus", port=str(port), **{"line": FAST, **options.get("spec", {})})
    async with (
        PtyStage(port, [device], options.get("paced"), Faults()) as stage,
        Wires([spec], board) as wires,
    ):
        yield Bench(stage, wires, board, device)


class Peer:
    """One wire `bus` behind a socket."""

    def __init__(self, stage: TcpStage, wires: Wires, board: Board) -> None:
        self.stage, self.wires, self.board = stage, wires, board
        self.wire = wires.wire("bus")
        self.status = board.wire("bus")

    async def ask(self, request: bytes = b"pump?", timeout: float = 2.0) -> bytes:
        async with self.wire.turn() as turn:
            return await turn.ask(request, answer, timeout)

    async def lost(self, timeout: float = 2.0) -> LinkLost:
        with pytest.raises(LinkLost) as caught:
            await self.ask(timeout=timeout)
        return caught.value


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    board = Board()
    async with TcpStage("127.0.0.1", 0, [Named("pump")]) as stage:
        spec = WireSpec("bus", host="127.0.0.1", tcp_port=stage.port, framing="tcp")
        async with Wires([spec], board) as wires:
            yield Peer(stage, wires, board)
