"""A wire behind a socket."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agent.contract import Line, LinkLost
from agent.status import Board
from agent.wires import Wires, WireSpec
from agent.wires.peer import Backoff
from agent.wires.stage import TcpStage
from agent.wires.troubles import peer_trouble

Until = Callable[[Callable[[], Any]], Awaitable[None]]


async def test_a_request_is_answered(peer: Any) -> None:
    assert await peer.ask() == b"pump!"
    assert (peer.status.state, peer.status.opened) == ("open", 1)


async def test_a_connection_that_was_closed_meanwhile_is_made_anew(peer: Any, until: Until) -> None:
    for opened in range(1, 4):
        assert await peer.ask() == b"pump!"
        assert peer.status.opened == opened
        await peer.stage.hang_up()
        await until(lambda: peer.status.state == "closed")


async def test_a_connection_that_breaks_ends_the_request_at_once(peer: Any) -> None:
    await peer.ask()
    peer.stage.faults.dead = True
    task = asyncio.create_task(peer.lost(timeout=50.0))
    await asyncio.sleep(0.05)
    await peer.stage.hang_up()
    assert (await task).reason == "closed"


async def test_a_peer_that_is_not_there_is_left_alone_for_a_while(peer: Any, until: Until) -> None:
    await peer.ask()
    await peer.stage.unplug()
    await until(lambda: peer.status.state == "closed")
    refused = await peer.lost()
    assert refused.reason == "no_peer"
    assert "refuses" in str(refused)
    assert peer.status.state == "lost"
    await peer.stage.plug()
    waiting = await peer.lost()
    assert 0 < waiting.retry_after <= refused.retry_after <= 1
    await asyncio.sleep(waiting.retry_after)
    assert await peer.ask() == b"pump!"


async def test_a_peer_that_only_hangs_up_is_not_hammered() -> None:
    taken = 0

    def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        taken += 1
        writer.transport.abort()

    board = Board()
    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        spec = WireSpec("bus", host="127.0.0.1", tcp_port=server.sockets[0].getsockname()[1])
        async with Wires([spec], board) as wires:
            for _ in range(20):
                with pytest.raises(LinkLost):
                    await speak(wires)
                await asyncio.sleep(0.01)
    assert taken == 1


async def test_a_peer_that_swallows_requests_is_dialled_anew(peer: Any) -> None:
    await peer.ask()
    peer.stage.faults.dead = True
    for _ in range(3):
        assert (await peer.lost(timeout=0.02)).reason == "timeout"
    peer.stage.faults.dead = False
    assert await peer.ask() == b"pump!"
    assert peer.status.opened == 2


async def test_a_line_behind_a_converter_has_its_silence() -> None:
    line, board = Line(2400), Board()
    seen: list[tuple[str, float]] = []
    async with TcpStage("127.0.0.1", 0, [Echo()]) as stage:
        spec = WireSpec("bus", host="127.0.0.1", tcp_port=stage.port, framing="rtu", line=line)
        async with Wires([spec], board) as wires:
            clock = asyncio.get_running_loop().time
            wires.taps("bus").add(lambda way, _: seen.append((way, clock())))
            await speak(wires)
            await speak(wires)
    assert [way for way, _ in seen] == ["tx", "rx", "tx", "rx"]
    assert seen[2][1] - seen[1][1] >= line.silence


def test_a_peer_that_does_not_take_the_connection_in_time_is_told() -> None:
    error = peer_trouble("10.0.0.5", 502, TimeoutError(), retry_after=3.0)
    assert str(error) == "10.0.0.5:502 cannot be reached: TimeoutError"
    assert "ping 10.0.0.5" in error.hint
    assert error.retry_after == 3.0


def test_a_backoff_grows_to_its_bound_and_is_forgotten_with_success() -> None:
    backoff = Backoff(1.0, 60.0, draw=lambda: 1.0)
    delays = []
    for _ in range(9):
        backoff.tried(100.0)
        delays.append(backoff.remaining(100.0))
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    backoff.proven()
    assert backoff.remaining(100.0) == 0


def test_a_backoff_has_jitter() -> None:
    backoff = Backoff(1.0, 60.0, draw=lambda: 0.0)
    backoff.tried(0.0)
    assert backoff.remaining(0.0) == 0.5


class Echo:
    def hear(self, data: bytes) -> list[bytes]:
        return [data]


async def speak(wires: Wires) -> bytes:
    async with wires.wire("bus").turn() as turn:
        return await turn.ask(b"?", lambda heard: bytes(heard) or None, 2.0)


async def test_a_peer_that_stays_away_is_complained_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    board = Board()
    async with Wires([WireSpec("w", host="127.0.0.1", tcp_port=9, framing="tcp")], board) as wires:
        for _ in range(3):
            with pytest.raises(LinkLost):
                async with wires.wire("w").turn():
                    pass
    assert [r.levelname for r in caplog.records if r.levelname == "WARNING"] == ["WARNING"]
    assert "refuses" in board.wires["w"].error
