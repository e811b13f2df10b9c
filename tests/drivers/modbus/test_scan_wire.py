"""A scan on a real pseudo-terminal, with devices that are set to lines of their own."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent import paths
from agent.clock import Clock
from agent.contract import Device, Find, Line, LinkLost, Search, Simulator, Wire
from agent.host import DeviceHost
from agent.status import Board
from agent.wires import Wires, WireSpec
from agent.wires.faults import Faults
from agent.wires.stage import PtyStage, TcpStage
from drivers.modbus import DRIVER
from drivers.modbus.codec import crc_ok, rtu_frame
from drivers.modbus.simulate import simulate

SHIPPED = [paths.share() / "configs" / "profiles" / "modbus"]
READS = {1, 2, 3, 4, 17, 43}
QUICK = Line(115200)
Sent = list[bytes]


def device(profile: str, unit: int, framing: str = "rtu") -> Simulator:
    one = Device(f"{profile}-{unit}", "modbus", 1.0, options={"profile": profile, "unit": unit})
    return simulate([(one, DeviceHost(one, Clock()))], framing)


@asynccontextmanager
async def bus(
    folder: Path,
    devices: Sequence[Simulator],
    lines: Mapping[Simulator, Line] | None = None,
    faults: Faults | None = None,
) -> AsyncIterator[tuple[Wire, Sent]]:
    link, sent = folder / "bus", Sent()
    stage = PtyStage(link, devices, Line(), faults, lines)
    async with stage, Wires([WireSpec("bus", port=str(link))], Board()) as wires:
        wires.taps("bus").add(lambda way, data: sent.append(data) if way == "tx" else None)
        yield wires.wire("bus"), sent


async def finds(wire: Wire, search: Search, enough: int = 1000) -> list[Find]:
    assert DRIVER.scan is not None
    found: list[Find] = []
    async with aclosing(DRIVER.scan(wire, search)) as news:  # type: ignore[type-var]  # a generator
        async for one in news:
            found += [one] if isinstance(one, Find) else []
            if len(found) >= enough:
                break
    return found


def best(find: Find) -> list[str]:
    return [match.profile for match in find.matches[: find.tied]]


async def test_three_devices_at_three_settings_are_found_and_named_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    lines = {
        device("renke-soil-7in1", 3): Line(4800),
        device("peacefair-pzem-016", 3): Line(9600),
        device("apogee-sq422", 5): Line(19200, "even"),
    }
    search = Search(SHIPPED, ids=[3, 5], speeds=[4800, 9600, 19200], parities=["none", "even"])
    async with bus(tmp_path, list(lines), lines) as (wire, sent):
        found = await finds(wire, search, enough=3)
    by_line = {find.line: find for find in found}
    assert "renke-soil-7in1" in best(by_line[Line(4800)])
    assert best(by_line[Line(9600)]) == ["peacefair-pzem-016"]
    assert best(by_line[Line(19200, "even")]) == ["apogee-sq422"]
    assert {frame[1] for frame in sent} <= READS
    assert all(len(frame) == 8 and crc_ok(frame) for frame in sent if frame[1] <= 4)


async def test_a_device_that_answers_later_than_was_waited_for_is_found_all_the_same(
    tmp_path: Path,
) -> None:
    faults = Faults(delay=0.24)
    async with bus(tmp_path, [device("xy-md02", 2)], faults=faults) as (wire, _):
        found = await finds(wire, Search(SHIPPED, ids=[2, 3, 4], line=Line()), enough=1)
    assert [find.address for find in found] == [2]
    assert "xy-md02" in best(found[0])


async def test_two_devices_with_one_id_are_seen(tmp_path: Path) -> None:
    pair = [device("xy-md02", 2), device("peacefair-pzem-016", 2)]
    async with bus(tmp_path, pair) as (wire, _):
        found = await finds(wire, Search(SHIPPED, ids=[2], line=Line(), budget=20.0))
    codes = {remark.code for find in found for remark in find.remarks}
    assert codes & {"garbled", "two_answers", "unsteady"}


async def test_a_device_of_no_profile_is_described_by_its_registers(tmp_path: Path) -> None:
    async with bus(tmp_path, [Unknown(9)]) as (wire, sent):
        (find,) = await finds(wire, Search(SHIPPED, ids=[9], line=Line()), enough=1)
    facts = {remark.code: remark.facts for remark in find.remarks}
    assert find.matches == ()
    assert facts["identity"]["text"] == "ACME X1"
    assert [row.strip().split(":")[0] for row in find.draft[3:]] == [
        "holding_40",
        "holding_41",
        "holding_42",
    ]
    assert {frame[1] for frame in sent} <= READS


class Unknown:
    """Three registers where no shipped profile has some; says its name."""

    first, words = 40, (51234, 61111, 47001)

    def __init__(self, unit: int) -> None:
        self._unit = unit

    def hear(self, data: bytes) -> Sequence[bytes]:
        if len(data) < 4 or data[0] != self._unit or not crc_ok(data):
            return []
        return [rtu_frame(self._unit, self._answer(data[1], data[2:-2]))]

    def _answer(self, function: int, body: bytes) -> bytes:
        if function == 17:
            return b"\x11\x08\x01ACME X1"
        first, count = int.from_bytes(body[:2]), int.from_bytes(body[2:4])
        at = first - self.first
        if function != 3 or at < 0 or at + count > len(self.words):
            return bytes([function | 0x80, 2 if function == 3 else 1])
        data = b"".join(word.to_bytes(2) for word in self.words[at : at + count])
        return bytes([3, len(data)]) + data


class Chatter:
    """Speaks unasked, all the time."""

    def hear(self, data: bytes) -> Sequence[bytes]:
        return []

    def speak(self) -> tuple[Sequence[bytes], float]:
        return [b"\x55\x12\x90"], 0.03


async def test_a_wire_on_which_something_talks_by_itself_is_called_that(tmp_path: Path) -> None:
    async with bus(tmp_path, [Chatter()]) as (wire, sent):
        found = await finds(wire, Search(SHIPPED, ids=range(1, 9), line=QUICK, budget=8.0))
    assert [remark.code for find in found for remark in find.remarks] == ["babble"]
    assert len(sent) <= 8


async def test_an_adapter_that_hears_itself_is_told_of(tmp_path: Path) -> None:
    faults = Faults(echo=True)
    async with bus(tmp_path, [device("xy-md02", 2)], faults=faults) as (wire, _):
        first, last = await finds(wire, Search(SHIPPED, ids=[2], line=Line()))
    assert "xy-md02" in best(first)
    assert [remark.code for remark in last.remarks] == ["echo"]


async def test_a_silent_wire_has_nobody_and_the_budget_is_kept(tmp_path: Path) -> None:
    async with bus(tmp_path, []) as (wire, sent):
        assert await finds(wire, Search(SHIPPED, line=Line(), budget=1.0)) == []
    assert 2 <= len(sent) <= 20


async def test_units_behind_a_tcp_connection_are_found(tmp_path: Path) -> None:
    async with TcpStage("127.0.0.1", 0, [device("xy-md02", 4, "tcp")]) as stage:
        spec = WireSpec("bus", host=stage.host, tcp_port=stage.port, framing="tcp")
        async with Wires([spec], Board()) as wires:
            (find,) = await finds(wires.wire("bus"), Search(SHIPPED, ids=[4]), enough=1)
    assert (find.address, find.line) == (4, None)
    assert "xy-md02" in best(find)


class AnyUnit:
    """Passes every id off as that of its device, as many do on the network."""

    def __init__(self, inner: Simulator, unit: int) -> None:
        self._inner, self._unit = inner, unit

    def hear(self, data: bytes) -> Sequence[bytes]:
        asked = data[:6] + bytes([self._unit]) + data[7:]
        return [a[:6] + data[6:7] + a[7:] for a in self._inner.hear(asked)]


async def test_a_device_that_answers_to_every_id_is_found_once(tmp_path: Path) -> None:
    inner = AnyUnit(device("xy-md02", 4, "tcp"), 4)
    async with TcpStage("127.0.0.1", 0, [inner]) as stage:
        spec = WireSpec("bus", host=stage.host, tcp_port=stage.port, framing="tcp")
        async with Wires([spec], Board()) as wires:
            first, last = await finds(wires.wire("bus"), Search(SHIPPED))
    assert (first.address, last.address) == (1, None)
    assert [remark.code for remark in last.remarks] == ["any_id"]


async def test_a_port_that_is_not_there_is_said(tmp_path: Path) -> None:
    spec = WireSpec("bus", port=str(tmp_path / "none"))
    async with Wires([spec], Board()) as wires:
        with pytest.raises(LinkLost):
            await finds(wires.wire("bus"), Search(SHIPPED, ids=[1]))


async def test_a_profile_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("title: 3\n")
    async with bus(tmp_path, []) as (wire, _):
        found = await finds(wire, Search([tmp_path], ids=[1], line=Line(), budget=1.0))
    facts: list[Any] = [remark.facts for find in found for remark in find.remarks]
    assert facts == [{"file": str(tmp_path / "mine.yaml")}]
