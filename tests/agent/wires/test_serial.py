"""One serial port, one owner; on pseudo-terminals."""

import asyncio
import os
import termios
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from serial import Serial

from agent.contract import Line, LinkLost, Misconfigured, Turn
from agent.wires import owner
from agent.wires.troubles import port_trouble

Until = Callable[[Callable[[], Any]], Awaitable[None]]

PACED = Line(9600)


def answer(heard: bytearray) -> bytes | None:
    return bytes(heard) if heard.endswith(b"!") else None


def line_speed(port: Path) -> int:
    fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
    try:
        return int(termios.tcgetattr(fd)[4])
    finally:
        os.close(fd)


async def test_a_request_is_answered(bench: Any) -> None:
    assert await bench.ask() == b"pump!"
    assert (bench.status.state, bench.status.turns, bench.status.opened) == ("open", 1, 1)


async def test_turns_are_given_in_the_order_of_asking(bench: Any) -> None:
    order: list[int] = []

    async def take(number: int) -> None:
        async with bench.wire.turn() as turn:
            await turn.ask(b"pump?", answer, 2.0)
            order.append(number)

    await asyncio.gather(*(take(number) for number in range(20)))
    assert order == list(range(20))


async def sent_and_heard(bench: Any, guard: float = 0.0) -> list[tuple[str, float]]:
    seen: list[tuple[str, float]] = []
    bench.wires.taps("bus").add(
        lambda way, _: seen.append((way, asyncio.get_running_loop().time()))
    )
    for _ in range(5):
        async with bench.wire.turn(guard=guard) as turn:
            await turn.ask(b"pump?", answer, 2.0)
    return seen


def shortest_pause(seen: list[tuple[str, float]]) -> float:
    return min(
        later - earlier
        for (was, earlier), (now, later) in pairwise(seen)
        if (was, now) == ("rx", "tx")
    )


@pytest.mark.parametrize("bench", [{"spec": {"line": PACED}}], indirect=True)
async def test_the_wire_is_silent_for_3_5_characters_before_a_request(bench: Any) -> None:
    assert shortest_pause(await sent_and_heard(bench)) >= PACED.silence


async def test_a_slow_device_gets_a_longer_silence(bench: Any) -> None:
    assert shortest_pause(await sent_and_heard(bench, guard=0.03)) >= 0.03


@pytest.mark.parametrize("bench", [{"spec": {"guard": 0.02}}], indirect=True)
async def test_a_slow_wire_has_a_guard_of_its_own(bench: Any) -> None:
    assert shortest_pause(await sent_and_heard(bench)) >= 0.02


async def test_two_requests_of_one_turn_keep_their_distance(bench: Any) -> None:
    seen: list[tuple[str, float]] = []
    bench.wires.taps("bus").add(
        lambda way, _: seen.append((way, asyncio.get_running_loop().time()))
    )
    async with bench.wire.turn(guard=0.02) as turn:
        await turn.ask(b"pump?", answer, 2.0)
        await turn.ask(b"pump?", answer, 2.0)
    assert shortest_pause(seen) >= 0.02


async def test_line_settings_are_those_of_the_turn(bench: Any, port: Path) -> None:
    async with bench.wire.turn(Line(4800)) as turn:
        assert await turn.ask(b"pump?", answer, 2.0) == b"pump!"
        assert line_speed(port) == termios.B4800
    async with bench.wire.turn() as turn:
        assert await turn.ask(b"pump?", answer, 2.0) == b"pump!"
        assert line_speed(port) == termios.B115200


async def test_simulated_ports_do_without_the_parity_that_they_cannot_have(bench: Any) -> None:
    for line in (Line(9600, "even"), Line(9600, "odd", 2), Line(9600)):
        async with bench.wire.turn(line) as turn:
            assert await turn.ask(b"pump?", answer, 2.0) == b"pump!"


@pytest.mark.parametrize("bench", [{"spec": {"echo": True}}], indirect=True)
async def test_an_echo_is_not_an_answer(bench: Any) -> None:
    bench.stage.faults.echo = True

    def ends(heard: bytearray) -> bytes | None:
        return bytes(heard) if heard.endswith((b"!", b"?")) else None

    async with bench.wire.turn() as turn:
        assert await turn.ask(b"pump?", ends, 2.0) == b"pump!"
    assert bench.status.noise == 0


@pytest.mark.parametrize("bench", [{"spec": {"echo": True}}], indirect=True)
async def test_an_adapter_that_does_not_echo_is_told(bench: Any) -> None:
    with pytest.raises(LinkLost, match="not echoed") as caught:
        await bench.ask(timeout=0.05)
    assert caught.value.reason == "no_echo"


async def test_silence_loses_the_link_and_the_time_is_counted(bench: Any) -> None:
    with pytest.raises(LinkLost, match=r"no answer within 0\.05 s") as caught:
        await bench.ask(b"nobody?", timeout=0.05)
    assert caught.value.reason == "timeout"
    assert bench.status.lost >= 0.05
    assert bench.status.state == "open"


async def test_bytes_that_are_no_answer_are_told_from_silence(bench: Any) -> None:
    bench.stage.faults.truncate = 3
    with pytest.raises(LinkLost, match="only 3 bytes that are none"):
        await bench.ask(timeout=0.05)
    assert bench.status.noise == 3


async def test_what_was_heard_between_two_turns_is_no_answer(bench: Any, until: Until) -> None:
    bench.stage.faults.delay = 0.1
    with pytest.raises(LinkLost):
        await bench.ask(timeout=0.02)
    await until(lambda: bench.status.noise == len(b"pump!"))
    bench.stage.faults.delay = 0.0
    assert await bench.ask() == b"pump!"
    assert bench.status.noise == len(b"pump!")


async def test_a_cancelled_request_leaves_no_answer_to_the_next(bench: Any, until: Until) -> None:
    bench.stage.faults.delay = 0.1
    task = asyncio.create_task(bench.ask(timeout=0.3))
    await until(lambda: bench.device.heard)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    bench.stage.faults.delay = 0.0
    heard: list[bytes] = []

    def note(data: bytearray) -> bytes | None:
        heard.append(bytes(data))
        return bytes(data) if data.endswith(b"!") else None

    async with bench.wire.turn() as turn:
        await turn.ask(b"pump?", note, 2.0)
    assert heard[-1] == b"pump!"
    assert bench.status.noise == len(b"pump!")


@pytest.mark.parametrize(
    "bench", [{"paced": Line(300), "spec": {"line": Line(300)}}], indirect=True
)
async def test_an_answer_that_has_begun_may_end_after_the_timeout(bench: Any) -> None:
    """Five characters take 167 ms at 300 baud, and begin after 117 ms."""
    assert await bench.ask(timeout=0.2) == b"pump!"


async def test_the_driver_may_give_an_answer_up(bench: Any) -> None:
    def proof(heard: bytearray) -> bytes | None:
        raise LinkLost("the answer of another unit", reason="foreign")

    async with bench.wire.turn() as turn:
        with pytest.raises(LinkLost, match="another unit"):
            await turn.ask(b"pump?", proof, 2.0)


async def test_a_bug_in_a_driver_reaches_the_driver(bench: Any) -> None:
    def bug(heard: bytearray) -> bytes | None:
        raise ZeroDivisionError

    async with bench.wire.turn() as turn:
        with pytest.raises(ZeroDivisionError):
            await turn.ask(b"pump?", bug, 2.0)
    assert await bench.ask() == b"pump!"


async def test_a_broadcast_waits_for_nobody(bench: Any) -> None:
    async with bench.wire.turn() as turn:
        await turn.tell(b"*?")
    assert await bench.ask() == b"pump!"
    assert b"".join(bench.device.heard) == b"*?pump?"


async def test_listening_returns_what_is_said_unasked(bench: Any) -> None:
    bench.stage.faults.delay = 0.05
    async with bench.wire.turn() as turn:
        await turn.tell(b"pump?")
        assert await turn.listen(0.2) == b"pump!"


async def test_taps_see_both_directions(bench: Any) -> None:
    seen: list[tuple[str, bytes]] = []
    bench.wires.taps("bus").add(lambda way, data: seen.append((way, data)))
    await bench.ask()
    assert b"".join(data for way, data in seen if way == "tx") == b"pump?"
    assert b"".join(data for way, data in seen if way == "rx") == b"pump!"


async def test_a_cable_pulled_ends_the_request_at_once(bench: Any, until: Until) -> None:
    bench.stage.faults.dead = True
    task = asyncio.create_task(bench.ask(timeout=50.0))
    await until(lambda: bench.device.heard or bench.status.turns)
    await asyncio.sleep(0.02)
    await bench.stage.unplug()
    with pytest.raises(LinkLost) as caught:
        await task
    assert caught.value.reason == "no_port"
    assert bench.status.state == "lost"


async def test_a_replugged_cable_works_at_once(bench: Any, port: Path, until: Until) -> None:
    for _ in range(3):
        assert await bench.ask() == b"pump!"
        before = port.readlink()
        await bench.stage.unplug()
        await until(lambda: bench.status.state == "lost")
        with pytest.raises(LinkLost) as caught:
            await bench.ask()
        assert caught.value.reason == "no_port"
        await bench.stage.plug()
        assert port.readlink().parent == before.parent
    assert await bench.ask() == b"pump!"
    assert bench.status.opened == 4
    assert bench.status.error == ""


async def test_it_complains_once_when_a_port_goes_and_says_when_it_is_back(
    bench: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="agent.wires.owner")
    await bench.ask()
    await bench.stage.unplug()
    for _ in range(5):
        with pytest.raises(LinkLost):
            await bench.ask()
    await bench.stage.plug()
    await bench.ask()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert caplog.messages[1] == "bus: is back"


async def test_a_port_that_another_program_holds_is_told(bench: Any, port: Path) -> None:
    with Serial(str(port), exclusive=True), pytest.raises(LinkLost, match="another program"):
        await bench.ask()
    assert await bench.ask() == b"pump!"


async def test_no_other_program_gets_the_port_that_we_hold(bench: Any, port: Path) -> None:
    await bench.ask()
    with pytest.raises(OSError, match="lock"):
        Serial(str(port), exclusive=True)


async def test_a_missing_permission_names_the_group_to_join(port: Path) -> None:
    error = port_trouble(str(port), PermissionError(13, "Permission denied"))
    assert isinstance(error, LinkLost)
    assert "usermod -aG dialout" in error.hint


async def test_a_file_is_not_a_port(bench: Any, port: Path) -> None:
    await bench.stage.unplug()
    port.write_text("readings")
    with pytest.raises(Misconfigured, match="not a serial port"):
        await bench.ask()


async def test_a_wire_that_never_falls_silent_is_given_up(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, "BABBLE", 0.1)
    await bench.ask()

    async def babble() -> None:
        while True:
            bench.stage._send(b"~")
            await asyncio.sleep(0.001)

    talker = asyncio.create_task(babble())
    with pytest.raises(LinkLost, match="does not fall silent"):
        async with bench.wire.turn(guard=1.0):
            pass
    talker.cancel()
    await asyncio.gather(talker, return_exceptions=True)
    assert await bench.ask() == b"pump!"


async def test_a_closed_wire_stays_closed(bench: Any) -> None:
    await bench.ask()
    await bench.wires.__aexit__(None, None, None)
    with pytest.raises(LinkLost, match="is closed"):
        await bench.ask()
    assert bench.status.state == "closed"


async def test_a_turn_that_was_refused_does_not_hold_the_wire(bench: Any) -> None:
    await bench.stage.unplug()
    for _ in range(3):
        with pytest.raises(LinkLost):
            await bench.ask()
    turn: Turn
    await bench.stage.plug()
    async with bench.wire.turn() as turn:
        assert await turn.ask(b"pump?", answer, 2.0) == b"pump!"
