"""The other end of a wire: what simulation and tests rely on."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agent.contract import Line, LinkLost, Misconfigured
from agent.wires.faults import Faults
from agent.wires.stage import PtyStage, TcpStage

SLOW = Line(2400)


class Two:
    """Answers every request with two answers."""

    def hear(self, data: bytes) -> Sequence[bytes]:
        return [b"one", b"two"]


@pytest.mark.parametrize("bench", [{"paced": SLOW, "spec": {"line": SLOW}}], indirect=True)
async def test_bytes_take_their_time_both_ways(bench: Any) -> None:
    clock = asyncio.get_running_loop().time
    await bench.ask()
    began = clock()
    await bench.ask()
    assert clock() - began >= SLOW.silence + 10 * SLOW.character


@pytest.mark.parametrize("bench", [{"paced": SLOW, "spec": {"line": SLOW}}], indirect=True)
async def test_a_request_is_heard_when_its_last_byte_has_arrived(bench: Any) -> None:
    clock = asyncio.get_running_loop().time
    async with bench.wire.turn() as turn:
        began = clock()
        with pytest.raises(LinkLost):
            await turn.ask(b"nobody?", lambda _: None, 0.01)
    assert clock() - began >= 7 * SLOW.character
    assert bench.device.heard == [b"nobody?"]


async def test_the_link_is_there_while_the_port_is_plugged_in(tmp_path: Path) -> None:
    link = tmp_path / "port"
    stage = PtyStage(link, [])
    await stage.start()
    assert link.is_char_device()
    await stage.unplug()
    assert not os.path.lexists(link)
    await stage.plug()
    assert link.is_char_device()
    await stage.stop()
    assert not os.path.lexists(link)


async def test_the_place_of_a_real_port_is_not_taken(tmp_path: Path) -> None:
    link = tmp_path / "port"
    link.symlink_to("/dev/null")
    with pytest.raises(Misconfigured, match="no simulated port"):
        await PtyStage(link, []).start()
    assert link.readlink() == Path("/dev/null")


async def test_a_link_that_a_killed_simulator_left_behind_is_taken_over(tmp_path: Path) -> None:
    link = tmp_path / "port"
    link.symlink_to("/dev/pts/99999")
    async with PtyStage(link, []):
        assert link.is_char_device()


async def test_every_simulator_on_a_wire_hears_every_request(tmp_path: Path) -> None:
    async with TcpStage("127.0.0.1", 0, [Two(), Two()]) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(b"?")
        assert await reader.readexactly(12) == b"onetwoonetwo"
        writer.close()
        await writer.wait_closed()


async def test_a_socket_keeps_its_port_when_it_comes_back(tmp_path: Path) -> None:
    async with TcpStage("127.0.0.1", 0, []) as stage:
        port = stage.port
        await stage.unplug()
        await stage.plug()
        assert stage.port == port


async def test_one_unit_of_several_may_be_silent(bench: Any) -> None:
    bench.stage.faults.silent = lambda answer: answer.startswith(b"pump")
    with pytest.raises(LinkLost):
        await bench.ask(timeout=0.05)
    bench.stage.faults.silent = None
    assert await bench.ask() == b"pump!"


async def test_a_late_answer_comes_after_all(bench: Any) -> None:
    bench.stage.faults.late, bench.stage.faults.late_by = 1.0, 0.1
    with pytest.raises(LinkLost):
        await bench.ask(timeout=0.02)
    async with bench.wire.turn() as turn:
        assert await turn.listen(0.3) == b"pump!"


def test_faults_damage_an_answer_as_told() -> None:
    answer = bytes(range(20))
    assert Faults().damage(answer) == answer
    assert Faults(truncate=4).damage(answer) == answer[:4]
    assert Faults(noise=3, random=Random(1)).damage(answer)[3:] == answer
    assert len(Faults(drop=1.0, random=Random(1)).damage(answer)) == 19
    flipped = Faults(flip=1.0, random=Random(1)).damage(answer)
    assert sum((a ^ b).bit_count() for a, b in zip(answer, flipped, strict=True)) == 1


def test_chances_are_drawn_for_each_answer() -> None:
    faults = Faults(late=0.5, late_by=lambda: 2.0, delay=0.25, random=Random(7))
    assert {faults.wait() for _ in range(50)} == {0.25, 2.25}
