"""An answer that comes late is never taken for the answer to another question."""

import asyncio
import struct
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from agent.contract import DeviceFault, LinkLost, Reading
from agent.wires.faults import Faults
from drivers.modbus.codec import mbap_frame, rtu_frame

Build = Callable[..., AbstractAsyncContextManager[Any]]
Site = Callable[..., str]

ADDRESSES = (0, 1, 16, 17, 32, 33)  # three reads of two registers each, all of one shape
POINTS = {f"p{address}": {"address": address} for address in ADDRESSES}
HASTY = {"timeout": "30ms", "max_late": "80ms", "latency": "1ms"}
LATE_BY: dict[str, Callable[[Faults], Any]] = {
    "constant": lambda _: 0.07,
    "uniform": lambda faults: lambda: 0.08 * faults.random.random(),
}
CANARY = bytes.fromhex("03 00 00 00 01")  # one register: no planned read has that shape


class Witness:
    """Every register tells its address, and the number of the request that it was read by."""

    def __init__(self, framing: str = "rtu") -> None:
        self.framing = framing
        self.numbers: dict[tuple[int, int], int] = {}  # (unit, address) -> of its last request
        self._count = 0
        self._heard = b""

    def hear(self, data: bytes) -> Sequence[bytes]:
        self._heard += data
        size = 12 if self.framing == "tcp" else 8
        answers = []
        while len(self._heard) >= size:
            request, self._heard = self._heard[:size], self._heard[size:]
            answers.append(self._answer(request))
        return answers

    def _answer(self, request: bytes) -> bytes:
        self._count += 1
        adu = request[6:] if self.framing == "tcp" else request
        first, count = struct.unpack(">HH", adu[2:6])
        registers = range(first, first + count)
        for address in registers:
            self.numbers[adu[0], address] = self._count
        words = [address << 8 | self._count & 0xFF for address in registers]
        pdu = bytes([adu[1], 2 * count]) + struct.pack(f">{count}H", *words)
        if self.framing == "tcp":
            return mbap_frame(adu[0], pdu, int.from_bytes(request[:2], "big"))
        return rtu_frame(adu[0], pdu)

    def wrong(self, unit: int, readings: Sequence[Reading]) -> list[Reading]:
        """Readings that are no answer to the last question for their register."""
        return [
            reading
            for reading in readings
            if reading.value is not None
            and reading.value
            != (address := int(reading.point[1:])) << 8 | self.numbers[unit, address] & 0xFF
        ]


async def poll(
    rig: Any, name: str, unit: int, witness: Witness, good: int = 40, lost: int = 3
) -> None:
    """As the scheduler does, not before `retry_after`, until so many reads were good and so many
    lost. No value may be wrong."""
    while good > 0 or lost > 0:
        try:
            readings = await rig.drivers[name].read()
        except LinkLost as error:
            lost -= 1
            await asyncio.sleep(error.retry_after)
            continue
        assert witness.wrong(unit, readings) == []
        good -= all(reading.value is not None for reading in readings)


@pytest.mark.parametrize("spread", ["uniform", "constant"])
@pytest.mark.parametrize("units", [[1], [1, 2]])
async def test_late_answers_never_become_values(
    spread: str, units: list[int], build: Build, site: Site
) -> None:
    name, witness = site(POINTS, timing=HASTY), Witness()
    devices = {f"d{unit}": {"profile": name, "unit": unit} for unit in units}
    async with build(devices, "rtu", witness) as rig:
        rig.faults.random.seed(7)
        rig.faults.late = 0.05
        rig.faults.late_by = LATE_BY[spread](rig.faults)
        await asyncio.gather(*(poll(rig, f"d{unit}", unit, witness) for unit in units))


async def test_answers_later_than_ever_expected_never_become_values(
    build: Build, site: Site
) -> None:
    name, witness = site(POINTS, timing=HASTY), Witness()
    async with build({"d": {"profile": name}}, "rtu", witness) as rig:
        await rig.driver.read()
        rig.faults.delay = 0.125  # the silence of 80 ms is over, the next question is on its way
        losses = 0
        while losses < 6:
            try:
                readings = await rig.driver.read()
            except LinkLost:
                losses += 1
            else:
                assert witness.wrong(1, readings) == []
        rig.faults.delay = 0.0
        await asyncio.sleep(0.3)
        await poll(rig, "d", 1, witness, good=3, lost=0)


async def test_a_plain_client_is_misled_on_the_same_wire(build: Build, site: Site) -> None:
    from pymodbus.client import AsyncModbusSerialClient
    from pymodbus.exceptions import ModbusIOException

    witness = Witness()
    async with build({}, "rtu", witness) as rig:
        client = AsyncModbusSerialClient(str(rig.stage.link), timeout=0.1, retries=0)
        await client.connect()
        rig.faults.delay = 0.15
        with pytest.raises(ModbusIOException):
            await client.read_holding_registers(0, count=2, device_id=1)
        answer = await client.read_holding_registers(16, count=2, device_id=1)
        client.close()
        assert [register >> 8 for register in answer.registers] == [0, 1]


async def lose(rig: Any, name: str = "d") -> float:
    """Loses an answer on purpose; returns the loop time when that was known."""
    rig.faults.dead = True
    with pytest.raises(LinkLost):
        await rig.drivers[name].read()
    rig.faults.dead = False
    rig.sent.clear()
    return asyncio.get_running_loop().time()


def note_times(rig: Any) -> list[float]:
    """The loop times at which answers will have been given."""
    times: list[float] = []

    def note(answer: bytes) -> bool:
        times.append(asyncio.get_running_loop().time())
        return answer == b""

    rig.faults.silent = note
    return times


async def test_the_first_question_of_all_is_a_canary(build: Build, site: Site) -> None:
    async with build({"d": {"profile": site(POINTS)}}, "rtu", Witness()) as rig:
        await rig.driver.read()
        await rig.driver.read()
        canaries = [frame[1:6] == CANARY for frame in rig.sent]
        assert canaries == [True] + 6 * [False]


async def test_after_a_loss_there_is_silence_and_then_a_canary(build: Build, site: Site) -> None:
    async with build({"d": {"profile": site(POINTS)}}, "rtu", Witness()) as rig:
        await rig.driver.read()
        lost = await lose(rig)
        times = note_times(rig)
        await rig.driver.read()
        assert rig.sent[0][1:6] == CANARY
        assert times[0] - lost >= 0.15 - 0.001


async def test_others_talk_while_one_unit_is_left_alone(build: Build, site: Site) -> None:
    name = site(POINTS, timing=HASTY | {"max_late": "1200ms"})
    devices = {"a": {"profile": name, "unit": 1}, "b": {"profile": name, "unit": 2}}
    async with build(devices, "rtu", Witness()) as rig:
        await rig.drivers["a"].read()
        await lose(rig, "a")
        waiting = asyncio.create_task(rig.drivers["a"].read())
        for _ in range(3):
            await rig.drivers["b"].read()
        assert not waiting.done()
        assert {frame[0] for frame in rig.sent} == {2}
        assert len(await waiting) == len(POINTS)


async def test_a_read_that_is_cancelled_leaves_an_answer_under_way(
    build: Build, site: Site
) -> None:
    witness = Witness()
    async with build({"d": {"profile": site(POINTS)}}, "rtu", witness) as rig:
        await rig.driver.read()
        rig.faults.delay = 0.1
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(rig.driver.read(), 0.02)
        rig.faults.delay = 0.0
        rig.sent.clear()
        assert witness.wrong(1, await rig.driver.read()) == []
        assert rig.sent[0][1:6] == CANARY


async def test_two_devices_that_are_one_unit_share_the_doubt(build: Build, site: Site) -> None:
    site({"p0": {"address": 0}, "p1": {"address": 1}, "p2": {"address": 2}}, "other")
    devices = {"a": {"profile": site(POINTS)}, "b": {"profile": "other"}}
    witness = Witness()
    async with build(devices, "rtu", witness) as rig:
        await rig.drivers["a"].read()
        await rig.drivers["b"].read()
        await lose(rig, "a")
        assert witness.wrong(1, await rig.drivers["b"].read()) == []
        assert rig.sent[0][1:6] == CANARY


async def test_where_all_reads_look_alike_the_silence_is_double_and_one_read_is_dropped(
    build: Build, site: Site
) -> None:
    async with build({"d": {"profile": site({"p7": {"address": 7}})}}, "rtu", Witness()) as rig:
        await rig.driver.read()
        lost = await lose(rig)
        times = note_times(rig)
        await rig.driver.read()
        assert rig.sent[0] == rig.sent[1]
        assert times[0] - lost >= 0.3 - 0.001


async def test_over_tcp_numbers_tell_answers_apart_without_waiting(
    build: Build, site: Site
) -> None:
    name, witness = site(POINTS, timing=HASTY), Witness("tcp")
    async with build({"d": {"profile": name}}, "tcp", witness) as rig:
        rig.faults.random.seed(3)
        rig.faults.late, rig.faults.late_by = 0.05, 0.05
        await poll(rig, "d", 1, witness)
        rig.faults.late = 0.0
        rig.faults.dead = True
        with pytest.raises(LinkLost) as caught:
            await rig.driver.read()
        assert caught.value.retry_after == 0.0


async def test_a_busy_device_has_not_proven_anything(build: Build, site: Site) -> None:
    async with build({"d": {"profile": site(POINTS)}}) as rig:
        refusals = rig.simulator.banks["d"].refusals
        refusals["holding", 0] = 6
        with pytest.raises(DeviceFault) as caught:
            await rig.driver.read()
        assert caught.value.reason == "busy"
        assert {frame[1:6] for frame in rig.sent} == {CANARY}
        refusals.clear()
        assert len(await rig.driver.read()) == len(POINTS)


async def test_a_refused_canary_is_an_answer_too(build: Build, site: Site) -> None:
    name = site(POINTS, canary={"table": "input", "address": 5, "count": 1})
    async with build({"d": {"profile": name}}) as rig:
        rig.simulator.banks["d"].refusals["input", 5] = 2
        assert len(await rig.driver.read()) == len(POINTS)
        assert rig.sent[0][1] == 4
