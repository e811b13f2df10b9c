"""A wire is heard by devices that speak unasked, beside those that are asked on it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from agent.contract import Ear, Line, LinkLost
from agent.status import Board
from agent.wires import Wires, WireSpec
from agent.wires.stage import PtyStage


class Chatterbox:
    """Answers `?` with `!`, and says `tick` by itself."""

    def hear(self, data: bytes) -> Sequence[bytes]:
        return [b"!"] * data.count(b"?")

    def speak(self) -> tuple[Sequence[bytes], float]:
        return [b"tick"], 0.02


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[PtyStage]:
    async with PtyStage(tmp_path / "port", [Chatterbox()]) as stage:
        yield stage


async def to_the_end(ear: Ear) -> None:
    async with asyncio.timeout(10):
        while True:
            await ear.hear(1.0)


def wires(stage: PtyStage, board: Board) -> Wires:
    return Wires([WireSpec("bus", port=str(stage.link), line=Line(115200))], board)


async def test_what_is_said_unasked_is_heard_whole(stage: PtyStage) -> None:
    board = Board()
    async with wires(stage, board) as bus, bus.wire("bus").overhear() as ear:
        heard = b""
        async with asyncio.timeout(10):
            while len(heard) < 40:
                heard += await ear.hear(1.0)
        assert heard.startswith(b"tick" * 10)
        assert board.wire("bus").noise == 0


async def test_answers_to_others_are_overheard_and_reach_them(stage: PtyStage) -> None:
    async with wires(stage, Board()) as bus, bus.wire("bus").overhear() as ear:
        async with bus.wire("bus").turn() as turn:
            answer = await turn.ask(b"?", lambda heard: b"!" if b"!" in heard else None, 2.0)
        assert answer == b"!"
        heard = b""
        async with asyncio.timeout(10):
            while b"!" not in heard or b"tick" not in heard:
                heard += await ear.hear(1.0)


async def test_silence_is_no_bytes(stage: PtyStage) -> None:
    stage.faults.dead = True
    async with wires(stage, Board()) as bus, bus.wire("bus").overhear() as ear:
        await ear.hear(0.1)
        assert await ear.hear(0.01) == b""


async def test_a_pulled_adapter_is_told_after_what_was_heard_of_it(stage: PtyStage) -> None:
    async with wires(stage, Board()) as bus:
        async with bus.wire("bus").overhear() as ear:
            async with asyncio.timeout(10):
                while not await ear.hear(1.0):
                    pass
            await stage.unplug()
            with pytest.raises(LinkLost) as caught:
                await to_the_end(ear)
            assert caught.value.reason == "no_port"
        with pytest.raises(LinkLost):
            async with bus.wire("bus").overhear():
                pass
        await stage.plug()
        async with bus.wire("bus").overhear() as ear, asyncio.timeout(10):
            while not await ear.hear(1.0):
                pass
