"""Work on devices: marked, kept back, ended by itself, remembered; counters that go on."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from agent.clock import Clock
from agent.contract import Event, Instant, PointInfo, Quality, Reading, Record
from agent.status import Board
from agent.upkeep import Upkeep

SECOND = 1_000_000_000
POINTS = [PointInfo("volume", "m3", kind="counter"), PointInfo("flow", "m3/h")]


class SetClock(Clock):
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.at = Instant("boot-1", 1000 * SECOND, 5000 * SECOND, trusted=True)

    def now(self) -> Instant:
        return self.at

    def go(self, seconds: float) -> None:
        span = round(seconds * SECOND)
        self.at = replace(self.at, mono=self.at.mono + span, wall=self.at.wall + span)


class Shelf:
    def __init__(self) -> None:
        self.records: list[Record] = []
        self.flushes = 0

    async def put(self, records: Sequence[Record]) -> None:
        self.records += records

    async def flush(self) -> None:
        self.flushes += 1

    def events(self) -> list[str]:
        return [one.kind for one in self.records if isinstance(one, Event)]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "upkeep.json"


def made(shelf: Shelf, clock: Clock, file: Path) -> Upkeep:
    upkeep = Upkeep(shelf, clock, Board(), file)
    upkeep.watch("meter", POINTS)
    return upkeep


def reading(clock: Clock, value: float | None, point: str = "volume") -> Reading:
    quality = Quality.BAD if value is None else Quality.GOOD
    return Reading("meter", point, value, "m3", clock.now(), quality, "timeout" * (value is None))


def lost(clock: Clock, device: str = "meter") -> Event:
    return Event("device.lost", device, clock.now(), {"reason": "timeout"})


async def test_what_nobody_works_on_passes_as_it_is(
    shelf: Shelf, clock: SetClock, file: Path
) -> None:
    records: list[Record] = [reading(clock, 1.0), reading(clock, None), lost(clock)]
    await made(shelf, clock, file).put(records)
    assert shelf.records == records


async def test_data_is_marked_and_alarms_are_kept_back_during_maintenance(
    shelf: Shelf, clock: SetClock, file: Path
) -> None:
    upkeep = made(shelf, clock, file)
    await upkeep.maintain("meter", 1800, "operator")
    await upkeep.put([reading(clock, 1.0), reading(clock, None), lost(clock), lost(clock, "other")])
    begun, good, bad, other = shelf.records
    assert isinstance(begun, Event)
    assert (begun.kind, begun.data) == (
        "device.maintenance",
        {"seconds": 1800, "by": "operator"},
    )
    assert isinstance(good, Reading)
    assert isinstance(bad, Reading)
    assert (good.value, good.quality, good.reason) == (1.0, Quality.UNCERTAIN, "maintenance")
    assert (bad.value, bad.quality, bad.reason) == (None, Quality.BAD, "maintenance")
    assert other == lost(clock, "other")


async def test_a_device_that_is_left_broken_is_told_when_the_work_ends(
    shelf: Shelf, clock: SetClock, file: Path
) -> None:
    upkeep = made(shelf, clock, file)
    await upkeep.maintain("meter", 1800, "operator")
    await upkeep.put([lost(clock)])
    clock.go(60)
    await upkeep.maintain("meter", 0, "operator")
    assert shelf.events() == ["device.maintenance", "device.maintained", "device.lost"]
    done = shelf.records[1]
    assert isinstance(done, Event)
    assert done.data == {"seconds": 60.0, "by": "operator", "held": 1}


async def test_a_device_that_came_back_meanwhile_raises_no_alarm(
    shelf: Shelf, clock: SetClock, file: Path
) -> None:
    upkeep = made(shelf, clock, file)
    await upkeep.maintain("meter", 1800, "operator")
    await upkeep.put([lost(clock), Event("device.back", "meter", clock.now(), {"seconds": 9.0})])
    await upkeep.maintain("meter", 0, "operator")
    assert shelf.events() == ["device.maintenance", "device.maintained"]


async def test_work_outlives_a_restart_of_the_service_and_keeps_its_end(
    shelf: Shelf, clock: SetClock, file: Path
) -> None:
    await made(shelf, clock, file).maintain("meter", 1800, "operator")
    clock.go(600)
    upkeep = made(shelf, clock, file)
    await upkeep.put([reading(clock, 1.0)])
    marked = shelf.records[-1]
    assert isinstance(marked, Reading)
    assert marked.reason == "maintenance"
    await upkeep.maintain("meter", 0, "operator")
    done = shelf.records[-1]
    assert isinstance(done, Event)
    assert done.data["seconds"] == 600.0


@pytest.mark.parametrize(("trusted", "left"), [(True, 1500), (False, 1800)])
async def test_after_a_reboot_the_wall_clock_counts_only_when_it_is_trusted(
    shelf: Shelf, clock: SetClock, file: Path, trusted: bool, left: int
) -> None:
    await made(shelf, clock, file).maintain("meter", 1800, "operator")
    clock.go(300)
    clock.at = replace(clock.at, boot="boot-2", mono=7 * SECOND, trusted=trusted)
    board = Board()
    Upkeep(shelf, clock, board, file)
    assert board.device("meter").maintenance == clock.at.wall / SECOND + left


async def test_what_the_configuration_asks_for_begins_once(
    shelf: Shelf, clock: SetClock, file: Path
) -> None:
    upkeep = made(shelf, clock, file)
    await upkeep.configured({"meter": 1800.0})
    await upkeep.configured({"meter": 1800.0})
    await made(shelf, clock, file).configured({"meter": 1800.0})
    assert shelf.events() == ["device.maintenance"]
    await upkeep.configured({})
    assert shelf.events() == ["device.maintenance", "device.maintained"]


async def test_a_replaced_counter_goes_on_from_the_old_ones_total(
    shelf: Shelf, clock: SetClock, file: Path
) -> None:
    upkeep = made(shelf, clock, file)
    await upkeep.put([reading(clock, 812.5)])
    assert await upkeep.replaced("meter", "B-77", {}, "operator") == {"volume": 812.5}
    await upkeep.put([reading(clock, None), reading(clock, 3.0), reading(clock, 4.0)])
    values = [one.value for one in shelf.records if isinstance(one, Reading)]
    assert values == [812.5, None, 812.5, 813.5]
    assert shelf.events() == ["device.replaced", "device.rebased"]
    based = next(r for r in shelf.records if isinstance(r, Event) and r.kind == "device.rebased")
    assert based.data == {"point": "volume", "total": 812.5, "first": 3.0, "base": 809.5}
    assert upkeep.serial("meter") == "B-77"


async def test_a_total_read_off_the_old_device_overrules_what_was_last_seen(
    shelf: Shelf, clock: SetClock, file: Path
) -> None:
    upkeep = made(shelf, clock, file)
    await upkeep.put([reading(clock, 812.5)])
    await upkeep.replaced("meter", "", {"volume": 820.0}, "operator")
    await upkeep.put([reading(clock, 0.0)])
    assert [one.value for one in shelf.records if isinstance(one, Reading)] == [812.5, 820.0]


async def test_bases_outlive_a_restart(shelf: Shelf, clock: SetClock, file: Path) -> None:
    upkeep = made(shelf, clock, file)
    await upkeep.put([reading(clock, 100.0)])
    await upkeep.replaced("meter", "B-77", {}, "operator")
    await upkeep.put([reading(clock, 1.0)])
    again = made(shelf, clock, file)
    await again.put([reading(clock, 2.0)])
    assert [one.value for one in shelf.records if isinstance(one, Reading)] == [100.0, 100.0, 101.0]
    assert [one.value for one in again.shown([reading(clock, 2.5)])] == [101.5]
    assert again.serial("meter") == "B-77"


async def test_points_that_do_not_count_have_no_base(
    shelf: Shelf, clock: SetClock, file: Path
) -> None:
    upkeep = made(shelf, clock, file)
    await upkeep.put([reading(clock, 5.0, "flow")])
    await upkeep.replaced("meter", "", {}, "operator")
    await upkeep.put([reading(clock, 1.0, "flow")])
    assert [one.value for one in shelf.records if isinstance(one, Reading)] == [5.0, 1.0]
