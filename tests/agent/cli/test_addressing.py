"""Ids are given one by one, and no power cut leaves two devices with one."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from agent.cli.addressing import Order, Walk
from agent.cli.addressing_journal import Entry, Journal
from agent.contract import DeviceFault, LinkLost, Misconfigured
from agent.paths import profile as find
from drivers.modbus.addressing import addressing
from tests.support_addressing import Bench, Bus, Effect, PowerCut, Technician, bank_of, share

WANTED = list(range(11, 21))


class Site:
    """Ten new devices, a wire, a journal, and somebody to plug them in."""

    def __init__(self, folder: Path, count: int = 10, units: tuple[int, ...] = ()) -> None:
        self.bus = Bus.of(folder, count, units)
        self.bench = Bench(self.bus)
        self.technician = Technician(self.bus)
        self.file = folder / "journal.jsonl"
        self.taken: frozenset[int] = frozenset()
        self.patience = 5.0
        self.again = False

    async def run(self, count: int = 10, journal: type[Journal] = Journal) -> None:
        order = Order("bench", "probe", 11, count, 1, self.taken, 0.0, self.patience, self.again)
        devices = addressing("probe", find("modbus", "probe"), self.bench)
        with journal(self.file, "bench") as book:
            walk = Walk(order, devices, book, self.technician.tell, self.technician.confirm)
            await walk.run()

    @property
    def ids(self) -> list[int]:
        return sorted(bank_of(device).unit for device in self.bus.devices)


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Site]:
    def made(effect: Effect = "at_once", *, count: int = 10, units: tuple[int, ...] = ()) -> Site:
        folder = tmp_path / str(sum(1 for _ in tmp_path.iterdir()))
        monkeypatch.setenv("FIELDGATE_SHARE", str(share(folder, effect)))
        return Site(folder, count, units)

    return made


Make = Callable[..., Site]


@pytest.mark.parametrize("effect", ["at_once", "power_cycle", "unknown"])
async def test_ten_new_devices_get_ten_ids(make: Make, effect: Effect) -> None:
    site = make(effect)
    await site.run()
    assert site.ids == WANTED
    assert site.bus.twice == []
    assert site.technician.steps.count("done") == 10
    assert site.technician.steps.count("restart") == (10 if effect == "power_cycle" else 0)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("supply", ["the gateway's", "everybody's"])
@pytest.mark.parametrize("effect", ["at_once", "power_cycle"])
async def test_the_power_may_fail_at_every_frame(
    make: Make, effect: Effect, supply: str, *, late: bool
) -> None:
    """Two devices are enough for every kind of step, the first and the last included."""
    uncut = make(effect, count=2)
    await uncut.run(2)
    for frame in range(1, uncut.bus.frames + 1):
        site = make(effect, count=2)
        site.bench.cut, site.bench.late = frame, late
        with pytest.raises(PowerCut):
            await site.run(2)
        if supply == "everybody's":
            site.bus.restart()
        await site.run(2)
        assert site.ids == [11, 12], frame
        assert site.bus.twice == [], frame


@pytest.mark.parametrize("effect", ["at_once", "power_cycle"])
async def test_it_may_fail_again_and_again(make: Make, effect: Effect) -> None:
    """Every run is cut a little later than the one before, until the ten are done."""
    site = make(effect)
    cuts = 0
    while True:
        site.bench.cut, site.bench.late = 9 + cuts, bool(cuts % 2)
        try:
            await site.run()
            break
        except PowerCut:
            cuts += 1
            if cuts % 3 == 0:
                site.bus.restart()
    assert cuts > 10
    assert site.ids == WANTED
    assert site.bus.twice == []


class CutJournal(Journal):
    """The power fails at the line number `at`: before it is written, in its middle, or after."""

    at = 0
    how = "before"

    def put(self, entry: Entry) -> None:
        type(self).at -= 1
        if self.at != 0:
            super().put(entry)
        elif self.how == "after":
            super().put(entry)
            raise PowerCut
        elif self.how == "torn":
            with self._file.open("ab") as file:
                file.write(json.dumps({"step": entry.step, "wire": entry.wire}).encode()[:-3])
            raise PowerCut
        else:
            raise PowerCut


@pytest.mark.parametrize("how", ["before", "torn", "after"])
@pytest.mark.parametrize("effect", ["at_once", "power_cycle"])
async def test_the_power_may_fail_at_every_line_of_the_journal(
    make: Make, effect: Effect, how: str
) -> None:
    for line in range(1, 2 * (3 if effect == "power_cycle" else 2) + 1):
        site = make(effect, count=2)
        CutJournal.at, CutJournal.how = line, how
        with pytest.raises(PowerCut):
            await site.run(2, CutJournal)
        await site.run(2)
        assert site.ids == [11, 12], line
        assert site.bus.twice == [], line


class Repairing(Technician):
    """Gives a device that lost its supply its supply again, and knows which one it is."""

    def tell(self, step: str, fields: Mapping[str, object]) -> None:
        self.repair()
        if step != "waiting" or 1 not in self.bus.units:
            super().tell(step, fields)

    def repair(self) -> None:
        for device in self.bus.plugged:
            if not bank_of(device).powered:
                self.bus.restart(device)

    async def confirm(self, step: str, fields: Mapping[str, object]) -> bool:
        self.steps.append(f"asked {step}")
        return True


@pytest.mark.parametrize("effect", ["at_once", "power_cycle"])
async def test_a_device_may_lose_its_supply_at_every_frame(make: Make, effect: Effect) -> None:
    uncut = make(effect, count=2)
    await uncut.run(2)
    for frame in range(1, uncut.bus.frames + 1):
        site = make(effect, count=2)
        site.technician = technician = Repairing(site.bus)

        def fail(of: Repairing = technician, at: int = frame) -> None:
            if of.bus.frames == at and of.bus.plugged:
                bank_of(of.bus.plugged[-1]).power(on=False)
            if of.bus.frames == at + 30:
                of.repair()  # noticed without a word

        site.bus.hook = fail
        await site.run(2)
        assert site.ids == [11, 12], frame
        assert site.bus.twice == [], frame


async def test_a_write_that_is_lost_is_written_again(make: Make) -> None:
    site = make(count=1)
    lost = iter([True, True])
    device, heard = site.bus.devices[0], site.bus.devices[0].hear

    def hear(data: bytes) -> Sequence[bytes]:
        return [] if data[1] == 6 and next(lost, False) else heard(data)

    device.hear = hear  # type: ignore[method-assign]  # a line that eats two frames
    await site.run(1)
    assert site.ids == [11]
    assert site.technician.steps.count("written") == 3


async def test_two_new_devices_at_once_are_told_and_not_written_to(make: Make) -> None:
    site = make(count=2)
    site.bus.plug_next()
    site.bus.plug_next()
    site.patience = 0.02
    with pytest.raises(LinkLost):
        await site.run(2)
    assert "several" in site.technician.steps
    assert "written" not in site.technician.steps
    site.bus.plugged.pop()
    site.bus.twice.clear()
    site.patience = 5.0
    await site.run(2)
    assert site.ids == [11, 12]
    assert site.bus.twice == []


async def test_an_id_that_somebody_has_is_passed_over(make: Make) -> None:
    site = make(count=3, units=(12, 1, 1))
    site.bus.plug_next()
    await site.run(2)
    assert site.ids == [11, 12, 13]
    assert site.bus.twice == []
    assert "taken" in site.technician.steps


async def test_ids_of_the_configuration_are_not_given(make: Make) -> None:
    site = make(count=2)
    site.taken = frozenset({11, 13})
    await site.run(2)
    assert site.ids == [12, 14]


async def test_what_is_given_is_not_given_again(make: Make) -> None:
    site = make(count=2)
    await site.run(2)
    frames = site.bus.frames
    await site.run(2)
    assert site.bus.frames == frames
    assert site.technician.steps.count("done") == 2


async def test_a_new_device_takes_the_id_of_one_that_is_no_more(make: Make) -> None:
    site = make(count=3)
    await site.run(2)
    site.again, site.taken = True, frozenset({11, 12})
    site.bus.plug_next()
    with pytest.raises(DeviceFault, match="answers at id 11"):
        await site.run(1)
    gone = site.bus.plugged.pop(0)
    await site.run(1)
    assert site.bus.units == [12, 11]
    assert site.bus.twice == []
    assert bank_of(gone).unit == 11


async def test_another_device_in_the_place_of_the_one_that_waits_is_left_alone(make: Make) -> None:
    """The first one has its id written and not yet taken; it is swapped while the power is off."""
    site = make("power_cycle", count=2)
    done = [0]

    def swap(step: str, fields: object) -> None:
        del fields
        site.technician.steps.append(step)
        if step == "waiting":
            site.bus.plug_next()
        if step == "restart":
            done[0] += 1
            site.bus.plugged = [site.bus.devices[done[0] % 2]]

    site.technician.tell = swap  # type: ignore[method-assign]  # this one mixes devices up
    site.patience = 0.02
    with pytest.raises(LinkLost):
        await site.run(2)
    assert "another" in site.technician.steps
    assert bank_of(site.bus.devices[1]).unit == 1
    site.bus.restart(*site.bus.devices)
    assert site.ids == [1, 11]


async def test_a_device_that_never_takes_its_id_is_given_up(make: Make) -> None:
    site = make(count=1)
    bank = bank_of(site.bus.devices[0])
    bank.write = lambda *_: None  # type: ignore[method-assign]  # says yes, and does nothing
    site.patience = 0.05
    with pytest.raises((DeviceFault, LinkLost)):
        await site.run(1)
    assert site.ids == [1]
    assert "done" not in site.technician.steps


async def test_whoever_says_no_is_asked_again_for_the_next_device(make: Make) -> None:
    site = make(count=1)
    site.technician.answers = False
    site.patience = 0.02
    with pytest.raises(LinkLost):
        await site.run(1)
    assert site.ids == [1]
    assert not site.file.read_bytes()


async def test_when_no_id_is_left_it_is_said(make: Make) -> None:
    site = make(count=1)
    site.taken = frozenset(range(11, 255))
    with pytest.raises(Misconfigured, match="no id is left"):
        await site.run(1)


async def test_two_commands_never_share_a_journal(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", "a"), pytest.raises(LinkLost, match="at work"):
        Journal(tmp_path / "j", "a")


async def test_each_wire_has_its_own_ids(tmp_path: Path) -> None:
    for wire in ("a", "b"):
        with Journal(tmp_path / "j", wire) as journal:
            assert journal.given == {}
            journal.put(Entry("intent", wire, "probe", 1, 11))
            journal.put(Entry("done", wire, "probe", 1, 11))
    with Journal(tmp_path / "j", "a") as journal:
        assert set(journal.given) == {11}
        journal.put(Entry("intent", "a", "probe", 1, 12))
        journal.put(Entry("forgotten", "a", "probe", 1, 12))
        assert journal.doubtful == {12}
        assert journal.unfinished is None
