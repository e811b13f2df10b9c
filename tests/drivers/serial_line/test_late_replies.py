"""An answer that comes late is never taken for the answer to another question."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from agent.contract import LinkLost, Reading
from agent.paths import share
from agent.wires.faults import Faults
from drivers.serial_line.codec import Codec
from drivers.serial_line.profile import load_profile

Build = Callable[..., AbstractAsyncContextManager[Any]]

PROFILE = share() / "configs" / "profiles" / "serial_line" / "cjt188-water-1f90.yaml"
HASTY = {"profile": "cjt188-water-1f90", "timeout": "30ms", "max_late": "80ms", "guard": "1ms"}
LATE_BY: dict[str, Callable[[Faults], Any]] = {
    "constant": lambda _: 0.07,
    "uniform": lambda faults: lambda: 0.08 * faults.random.random(),
}


def address(meter: int) -> str:
    return f"{meter:014d}"


class Witness:
    """Meters whose totals tell which of them was asked, and by which of its requests."""

    def __init__(self) -> None:
        self.codec = Codec(load_profile(PROFILE))
        self.last: dict[int, int] = {}  # meter -> number of its last request
        self._heard = bytearray()

    def hear(self, data: bytes) -> Sequence[bytes]:
        self._heard += data
        sifted = self.codec.sift(self._heard, ["read"])
        del self._heard[: sifted.used]
        return [self._answer(frame.fields) for frame in sifted.frames if frame.message == "read"]

    def _answer(self, asked: Any) -> bytes:
        meter = int(asked["meter_address"])
        self.last[meter] = self.last.get(meter, 0) + 1
        told = {**asked, "control": 0x81, "total": meter * 10000 + self.last[meter]}
        return self.codec.build("data", told)

    def wrong(self, meter: int, readings: Sequence[Reading]) -> list[Any]:
        """Totals that are no answer to the last question."""
        wanted = (meter * 10000 + self.last[meter]) / 100
        totals = [r.value for r in readings if r.point == "water_volume_total"]
        return [total for total in totals if total is not None and total != wanted]


async def poll(rig: Any, meter: int, times: int, witness: Witness) -> tuple[int, int]:
    """As the scheduler does: not before `retry_after`. Returns (good reads, lost ones)."""
    good = lost = 0
    for _ in range(times):
        try:
            readings = await rig.drivers[f"m{meter}"].read()
        except LinkLost as error:
            lost += 1
            await asyncio.sleep(error.retry_after)
            continue
        assert witness.wrong(meter, readings) == []
        good += 1
    return good, lost


@pytest.mark.parametrize("spread", ["uniform", "constant"])
@pytest.mark.parametrize("meters", [[1], [1, 2, 3]])
async def test_late_answers_never_become_values(
    spread: str, meters: list[int], build: Build
) -> None:
    witness = Witness()
    devices = {f"m{meter}": HASTY | {"address": address(meter)} for meter in meters}
    async with build(devices, "pty", witness) as rig:
        rig.faults.random.seed(11)
        rig.faults.late = 0.05
        rig.faults.late_by = LATE_BY[spread](rig.faults)
        polls = [poll(rig, meter, 60 // len(meters), witness) for meter in meters]
        results = await asyncio.gather(*polls)
        assert all(good > 0 for good, _ in results)
        assert sum(lost for _, lost in results) > 0, "nothing was late: the test shows nothing"


async def test_answers_later_than_ever_expected_are_told_by_their_number(build: Build) -> None:
    witness = Witness()
    async with build({"m1": HASTY | {"address": address(1)}}, "pty", witness) as rig:
        await rig.driver.read()
        rig.faults.delay = 0.2
        for _ in range(6):
            with pytest.raises(LinkLost):
                await rig.driver.read()
        rig.faults.delay = 0.0
        await asyncio.sleep(0.3)
        good, _ = await poll(rig, 1, 4, witness)
        assert good > 0


async def test_a_device_that_lost_an_answer_is_left_alone_until_it_must_have_come(
    build: Build,
) -> None:
    options = {"a": HASTY | {"address": address(1)}, "b": HASTY | {"address": address(2)}}
    async with build(options, "pty", Witness()) as rig:
        rig.faults.silent = lambda answer: b"\x01\0\0\0\0\0\0\x81" in answer
        loop = asyncio.get_running_loop()
        with pytest.raises(LinkLost):
            await rig.drivers["a"].read()
        lost = loop.time()
        sent = len(rig.sent)
        again = asyncio.create_task(rig.drivers["a"].read())
        assert await rig.drivers["b"].read(), "others talk meanwhile"
        assert len(rig.sent) == sent + 1
        with pytest.raises(LinkLost):
            await again
        assert len(rig.sent) == sent + 2
        assert loop.time() - lost >= 0.08


async def test_a_cancelled_question_is_waited_out_too(build: Build) -> None:
    witness = Witness()
    async with build({"m1": HASTY | {"address": address(1)}}, "pty", witness) as rig:
        await rig.driver.read()
        rig.faults.delay = 0.02
        task = asyncio.create_task(rig.driver.read())
        while len(rig.sent) < 2:
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        rig.faults.delay = 0.0
        good, lost = await poll(rig, 1, 3, witness)
        assert (good, lost) == (3, 0)
