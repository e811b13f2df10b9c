"""A command on the wire of the running service, and on one that nobody has."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Literal

import pytest

from agent.borrow import borrow
from agent.contract import LinkLost
from agent.control.client import ask_once
from agent.wires import WireSpec
from agent.wires.stage import PtyStage

CONFIG = """\
gateway: {{id: demo}}
store: {{path: {folder}/store, max_size: 50MB}}
control: {{socket: {folder}/control.sock}}
metrics: {{listen: null}}
wires:
  field: {{port: {folder}/field, baud: 9600}}
devices:
  - {{id: a, driver: modbus, wire: field, profile: xy-md02, unit: 1, every: 200ms}}
"""
PING, PONG = b"\xf7\x01ping", b"\xf7pong"


class Listener:
    """Answers PING, and remembers all that was said; everybody else gets no answer."""

    def __init__(self) -> None:
        self.said = bytearray()

    def hear(self, data: bytes) -> Sequence[bytes]:
        self.said += data
        return [PONG] if data.endswith(PING) else []


def whole(heard: bytearray) -> bytes | None:
    return PONG if PONG in heard else None


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Listener]:
    listener = Listener()
    async with PtyStage(tmp_path / "field", [listener]):
        yield listener


@pytest.fixture
async def service(tmp_path: Path, stage: Listener) -> AsyncIterator[Path]:
    file = tmp_path / "gateway.yaml"
    file.write_text(CONFIG.format(folder=tmp_path))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agent", "run", "--config", str(file)),
        stderr=asyncio.subprocess.PIPE,
    )
    while len(stage.said) < 8:
        assert process.returncode is None
        await asyncio.sleep(0.05)
    yield tmp_path / "control.sock"
    process.terminate()
    await process.communicate()


def spec(folder: Path) -> WireSpec:
    return WireSpec("mine", port=str(folder / "field"))


async def test_a_wire_that_nobody_has_is_opened_here(tmp_path: Path, stage: Listener) -> None:
    async with borrow(spec(tmp_path), tmp_path / "none.sock") as lent, lent.wire.turn() as turn:
        assert not lent.shared
        assert await turn.ask(PING, whole, 1.0) == PONG


async def test_the_services_wire_is_shared_and_its_polls_go_on(
    tmp_path: Path, stage: Listener, service: Path
) -> None:
    seen: list[tuple[str, bytes]] = []

    def tap(direction: Literal["tx", "rx"], data: bytes) -> None:
        seen.append((direction, data))

    async with borrow(spec(tmp_path), service) as lent:
        assert lent.shared
        lent.taps.add(tap)
        async with lent.wire.turn() as turn:
            assert await turn.ask(PING, whole, 1.0) == PONG
        said = len(stage.said)
        while len(stage.said) < said + 8:
            await asyncio.sleep(0.05)
    assert seen == [("tx", PING), ("rx", PONG)]


async def test_silence_on_a_shared_wire_is_no_answer(
    tmp_path: Path, stage: Listener, service: Path
) -> None:
    async with borrow(spec(tmp_path), service) as lent, lent.wire.turn() as turn:
        with pytest.raises(LinkLost, match="no answer"):
            await turn.ask(b"\x05????", whole, 0.2)


async def test_a_shared_wire_can_be_overheard(
    tmp_path: Path, stage: Listener, service: Path
) -> None:
    async with borrow(spec(tmp_path), service) as lent, lent.wire.overhear() as ear:
        heard = asyncio.create_task(ear.hear(5.0))
        await asyncio.sleep(0.1)
        async with lent.wire.turn() as turn:
            await turn.tell(PING)
        assert await heard == PONG


async def test_a_wire_that_the_service_lacks_is_refused(service: Path) -> None:
    request = {"do": "exchange", "wire": "other", "request": "00", "timeout": 0.1}
    with pytest.raises(Exception, match="no wire"):
        await asyncio.to_thread(ask_once, service, request)
