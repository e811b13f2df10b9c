"""A device that is set to another line hears garbage, and is heard as garbage."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import get_args

import pytest

from agent.contract import Line, LinkLost, Parity
from agent.status import Board
from agent.wires import Wires, WireSpec
from agent.wires.spoken import misheard, understood
from agent.wires.stage import PtyStage

LINES = [
    Line(2400),
    Line(4800),
    Line(9600),
    Line(9600, "even"),
    Line(9600, "odd"),
    Line(19200, "even"),
    Line(38400),
    Line(115200),
]
PARITIES: tuple[Parity, ...] = get_args(Parity)
REQUEST = bytes.fromhex("010300000001840a")


class Pump:
    def __init__(self) -> None:
        self._heard = b""

    def hear(self, data: bytes) -> Sequence[bytes]:
        self._heard = (self._heard + data)[-5:]
        return [b"pump!"] if self._heard == b"pump?" else []


def answer(heard: bytearray) -> bytes | None:
    return b"pump!" if b"pump!" in heard else None


@pytest.mark.parametrize("said", LINES)
@pytest.mark.parametrize("heard", LINES)
def test_only_the_same_line_is_understood(said: Line, heard: Line) -> None:
    assert (misheard(REQUEST, said, heard) == REQUEST) == (said == heard)


def test_one_stop_bit_or_two_is_all_the_same() -> None:
    assert understood(Line(9600, "none", 2), Line(9600))
    assert misheard(REQUEST, Line(9600), Line(9600, "none", 2)) == REQUEST


def test_a_quicker_sender_is_heard_as_fewer_characters_a_slower_one_as_more() -> None:
    data = Random(1).randbytes(200)
    assert len(misheard(data, Line(38400), Line(9600))) < 100
    assert len(misheard(data, Line(2400), Line(9600))) > 200


@pytest.mark.parametrize("parity", ["none", "even", "odd"])
async def test_a_device_answers_at_the_line_that_it_is_set_to(port: Path, parity: Parity) -> None:
    device, own = Pump(), Line(4800, parity)
    stage = PtyStage(port, [device], lines={device: own})
    async with stage, Wires([WireSpec("bus", port=str(port))], Board()) as wires:
        for line in (Line(9600), own, *(Line(4800, p) for p in PARITIES), own):
            async with wires.wire("bus").turn(line) as turn:
                if line == own:
                    assert await turn.ask(b"pump?", answer, 2.0) == b"pump!"
                    continue
                with pytest.raises(LinkLost):
                    await turn.ask(b"pump?", answer, 0.05)


async def test_a_paced_wire_takes_the_time_of_the_line_that_is_spoken(port: Path) -> None:
    device, slow = Pump(), Line(1200)
    stage = PtyStage(port, [device], Line(), lines={device: slow})
    clock = asyncio.get_running_loop().time
    async with (
        stage,
        Wires([WireSpec("bus", port=str(port))], Board()) as wires,
        wires.wire("bus").turn(slow) as turn,
    ):
        began = clock()
        await turn.ask(b"pump?", answer, 2.0)
    assert clock() - began >= 10 * slow.character
