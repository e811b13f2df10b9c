"""A child process that crashes, hangs, eats memory or lies costs its parent nothing."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest

from agent.child import ChildProcess
from agent.contract import ChildLimits, LinkLost

FRAMING = """
import os, signal, struct, sys, time
def say(data): sys.stdout.buffer.write(struct.pack(">I", len(data)) + data); sys.stdout.flush()
def hear():
    (size,) = struct.unpack(">I", sys.stdin.buffer.read(4))
    return sys.stdin.buffer.read(size)
"""
LIMITS = ChildLimits(memory=200_000_000, silence=2.0, patience=20.0, longest=1_000_000)

Start = Callable[..., Awaitable[ChildProcess]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    children: list[ChildProcess] = []

    async def begin(work: str, limits: ChildLimits = LIMITS) -> ChildProcess:
        child = await ChildProcess.start("eye", ["-I", "-c", FRAMING + work], limits, {})
        children.append(child)
        return child

    yield begin
    for child in children:
        await child.close()


def gone(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return False
    return True


async def test_messages_go_both_ways_and_heartbeats_are_not_shown(start: Start) -> None:
    child = await start("say(b''); say(hear()[::-1]); say(b''); say(hear()); time.sleep(60)")
    await child.send(b"abc")
    await child.send(bytes(900_000))
    assert await child.receive() == b"cba"
    assert len(await child.receive()) == 900_000


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGILL, signal.SIGKILL])
async def test_a_crash_is_told_with_its_signal(start: Start, number: signal.Signals) -> None:
    child = await start(f"say(b'up'); os.kill(os.getpid(), {int(number)})")
    assert await child.receive() == b"up"
    with pytest.raises(LinkLost, match=number.name) as told:
        await child.receive()
    assert told.value.reason == "child_died"


async def test_one_that_hangs_is_ended(start: Start) -> None:
    child = await start("say(b'up'); os.kill(os.getpid(), signal.SIGSTOP)")
    assert await child.receive() == b"up"
    with pytest.raises(LinkLost) as told:
        await child.receive()
    assert told.value.reason == "child_hung"
    assert gone(child.pid)


async def test_heartbeats_keep_it_alive(start: Start) -> None:
    child = await start(
        "for _ in range(16): say(b''); time.sleep(0.25)\nsay(b'done'); time.sleep(60)",
        ChildLimits(memory=LIMITS.memory, silence=1.5),
    )
    assert await child.receive() == b"done"


async def test_one_that_eats_memory_is_ended(start: Start) -> None:
    child = await start("say(b'up')\nx = []\nwhile True: x.append(bytearray(5_000_000)); say(b'')")
    assert await child.receive() == b"up"
    with pytest.raises(LinkLost, match="MB") as told:
        await child.receive()
    assert told.value.reason == "child_memory"


async def test_one_that_says_nonsense_is_ended(start: Start) -> None:
    child = await start("sys.stdout.write('hello world'); sys.stdout.flush(); time.sleep(60)")
    with pytest.raises(LinkLost) as told:
        await child.receive()
    assert told.value.reason == "child_garbage"


async def test_one_that_does_not_read_cannot_hold_us_up(start: Start) -> None:
    child = await start("say(b'up'); time.sleep(60)", ChildLimits(LIMITS.memory, silence=0.5))
    assert await child.receive() == b"up"
    with pytest.raises(LinkLost):
        await child.send(bytes(1_000_000))


async def test_its_children_go_with_it(start: Start) -> None:
    child = await start("pid = os.fork() or time.sleep(60); say(str(pid).encode()); time.sleep(60)")
    grandchild = int(await child.receive())
    await child.close()
    while not gone(grandchild):
        await asyncio.sleep(0.05)


async def test_it_inherits_no_secrets(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_PASSWORD", "secret")
    child = await start("say(repr(dict(os.environ)).encode()); time.sleep(60)")
    said = (await child.receive()).decode()
    assert "secret" not in said
    assert "/nonexistent" in said
