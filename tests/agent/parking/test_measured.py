"""Raw magnetometers in the stage: samples in, spaces out."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from agent.config.parking import SpaceSettings
from agent.config.places import Place, place_of
from agent.contract import Device, Misconfigured, PointInfo, Quality, Reading
from tests.agent.parking.scoring import run, score
from tests.agent.parking.street import EARTH, RATE, Sample, Trace
from tests.support_parking import HandClock, Rig, running

SENSOR = Device("m1", "modbus", 0.2)
CAR = (12.0, -14.0, 9.0)  # uT, what one leaves in the field
Quiet = Callable[..., list[Sample]]


def bay(unit: str = "uT", **settings: Any) -> list[Place]:
    points = [PointInfo(f"magnetic_{axis}", unit) for axis in "xyz"]
    points.append(PointInfo("battery_voltage", "V"))
    written = SpaceSettings.model_validate({"device": "m1", **settings})
    return [place_of("a-1", written, SENSOR, points, streaming=False)]


async def feed(
    rig: Rig,
    samples: Iterable[Sample],
    scale: float = 1.0,
    quality: Quality = Quality.GOOD,
    reason: str = "",
) -> None:
    """A read of three points each, at the sample's time after 1000 s."""
    for t, *axes in samples:
        rig.clock.time = 1000.0 + t
        at = rig.clock.now()
        await rig.parking.put(
            [
                Reading("m1", f"magnetic_{axis}", value * scale, "uT", at, quality, reason)
                for axis, value in zip("xyz", axes, strict=True)
            ]
        )
    await rig.told()


def wave(begin: float, end: float, size: float = 45.0) -> list[Sample]:
    """A chassis passes over the sensor."""
    x, y, z = EARTH
    count = round((end - begin) * RATE)
    return [
        (begin + i / RATE, x + (size if i % 4 < 2 else -size), y, z - (i % 3) * size / 3)
        for i in range(count)
    ]


def parked(quiet: Quiet) -> list[Sample]:
    """Empty until 20 s, then a car comes and stays until 60 s."""
    return [*quiet(0, 20), *wave(20, 24), *quiet(24, 60, CAR)]


@pytest.mark.parametrize("scenario", ["typical", "harsh"])
async def test_a_street_seen_through_the_stage_is_what_the_detector_sees(
    street: Callable[[str, int], Trace], scenario: str
) -> None:
    trace = street(scenario, 7000)
    wanted = [(c.occupancy.value, c.branch) for c in run(trace.samples)]
    async with running(bay()) as rig:
        await feed(rig, trace.samples)
        events = rig.shelf.events()
    assert [(e["parking_state"], e["branch"]) for e in events] == wanted
    assert score(trace.edges, run(trace.samples)).found == 12


async def test_a_car_is_told_with_the_branch_and_when_it_moved(quiet: Quiet) -> None:
    async with running(bay()) as rig:
        await feed(rig, parked(quiet))
        calibrated, arrived = rig.shelf.events()
    assert (calibrated["branch"], calibrated["quality"]) == ("calibrated", "uncertain:calibrated")
    assert (arrived["state"], arrived["branch"]) == ("occupied", "settled_wave")
    assert arrived["quality"] == "good"
    assert 19 <= arrived["since"] - 1_700_001_000 <= 22
    assert arrived["shift"] == pytest.approx(35, abs=3)
    assert arrived["swing"] > 60


async def test_nanotesla_and_gauss_are_the_same_field(quiet: Quiet) -> None:
    for unit, scale in (("nT", 1000.0), ("G", 0.01)):
        async with running(bay(unit)) as rig:
            await feed(rig, parked(quiet), scale)
            assert [e["state"] for e in rig.shelf.events()] == ["vacant", "occupied"]


async def test_a_sample_that_lacks_an_axis_is_left_out(quiet: Quiet) -> None:
    async with running(bay()) as rig:
        for t, x, y, z in parked(quiet):
            rig.clock.time = 1000.0 + t
            await rig.say("magnetic_x", x, device="m1")
            if round(t * RATE) % 7 == 0:
                await rig.say("magnetic_y", None, Quality.BAD, "crc", device="m1")
                continue
            await rig.say("magnetic_y", y, device="m1")
            await rig.say("magnetic_z", z, device="m1")
        await rig.told()
        assert [e["state"] for e in rig.shelf.events()] == ["vacant", "occupied"]


async def test_half_a_minute_of_bad_readings_is_unknown_and_the_car_is_found_again(
    quiet: Quiet,
) -> None:
    async with running(bay()) as rig:
        await feed(rig, parked(quiet))
        for second in (70, 80, 89, 91):
            rig.clock.time = 1000.0 + second
            for axis in "xyz":
                await rig.say(f"magnetic_{axis}", None, Quality.BAD, "timeout", device="m1")
            await rig.told()
        line = await rig.until("a-1", "unknown")
        assert line["reason"] == "timeout"
        await feed(rig, quiet(100, 110, CAR))
        await rig.until("a-1", "occupied")
        assert [e["branch"] for e in rig.shelf.events()][-2:] == ["silence", "resumed"]


async def test_a_strong_magnet_is_interference_and_an_alarm(quiet: Quiet) -> None:
    async with running(bay()) as rig:
        await feed(rig, quiet(0, 20))
        await feed(rig, quiet(20, 40, (400.0, 300.0, -200.0)))
        await rig.until("a-1", "interference")
        (alarm,) = rig.shelf.events("parking.tamper")
        assert (alarm["space"], alarm["device"], alarm["branch"]) == ("a-1", "m1", "magnet")
        assert rig.shelf.events()[-1]["state"] == "unknown"
        await feed(rig, quiet(40, 60))
        await rig.until("a-1", "vacant")


async def test_work_on_the_sensor_marks_its_space_and_raises_no_alarm(quiet: Quiet) -> None:
    async with running(bay()) as rig:
        await feed(rig, quiet(0, 20))
        strong = quiet(20, 40, (400.0, 300.0, -200.0))
        await feed(rig, strong, quality=Quality.UNCERTAIN, reason="maintenance")
        await rig.until("a-1", "interference")
        assert rig.shelf.events()[-1]["quality"] == "bad:maintenance"
        assert rig.shelf.events("parking.tamper") == []


async def test_a_car_overhead_survives_a_restart(quiet: Quiet, tmp_path: Path) -> None:
    clock = HandClock()
    async with running(bay(), tmp_path, clock) as rig:
        await feed(rig, parked(quiet))
    clock.time += 5
    async with running(bay(), tmp_path, clock) as rig:
        assert rig.shelf.last("a-1").reason == "kept"
        await feed(rig, quiet(66, 80, CAR))
        assert rig.shelf.events() == []
        assert (rig.shelf.last("a-1").value, rig.shelf.last("a-1").quality) == (
            True, Quality.GOOD,
        )  # fmt: skip
        await feed(rig, [*wave(80, 84), *quiet(84, 100)])
        assert [(e["state"], e["previous"]) for e in rig.shelf.events()] == [("vacant", "occupied")]


@pytest.mark.parametrize(("change", "state"), [(CAR, "occupied"), ((0, 0, 0), "vacant")])
async def test_after_a_reboot_the_known_fields_tell_whether_the_car_is_still_there(
    quiet: Quiet, tmp_path: Path, change: tuple[float, float, float], state: str
) -> None:
    async with running(bay(), tmp_path) as rig:
        await feed(rig, parked(quiet))
    async with running(bay(), tmp_path, HandClock("other", 1003.0)) as rig:
        assert rig.shelf.events()[-1]["state"] == "unknown"
        await feed(rig, quiet(4, 20, change))
        event = rig.shelf.events()[-1]
        assert (event["state"], event["branch"]) == (state, "resumed")
        assert event["quality"] == "good"


async def test_a_field_learned_days_ago_is_doubted_until_a_car_moves(
    quiet: Quiet, tmp_path: Path
) -> None:
    async with running(bay(), tmp_path) as rig:
        await feed(rig, parked(quiet))
    days = 3 * 86400
    clock = HandClock("other", 1060.0 + days)
    async with running(bay(), tmp_path, clock) as rig:
        await feed(rig, [(t + days, x, y, z) for t, x, y, z in quiet(61, 80)])
        assert rig.shelf.events()[-1]["quality"] == "uncertain:stale_baseline"
        samples = [*wave(80, 84), *quiet(84, 100, CAR)]
        await feed(rig, [(t + days, x, y, z) for t, x, y, z in samples])
        assert rig.shelf.events()[-1]["quality"] == "good"


async def test_a_technician_who_sees_that_the_bay_is_empty_says_so(quiet: Quiet) -> None:
    async with running(bay()) as rig:
        await feed(rig, quiet(0, 20, CAR))  # calibrated under a car
        rig.parking.calibrate("a-1")
        await rig.told()
        assert rig.shelf.events()[-1]["branch"] == "calibrating"
        await feed(rig, quiet(30, 50))
        event = rig.shelf.events()[-1]
        assert (event["state"], event["branch"], event["quality"]) == (
            "vacant", "calibrated", "good",
        )  # fmt: skip
        with pytest.raises(Misconfigured, match="no space 'a-2'") as caught:
            rig.parking.calibrate("a-2")
        assert "a-1" in caught.value.hint


async def test_damaged_fields_are_learned_anew(quiet: Quiet, tmp_path: Path) -> None:
    for text in ("{", '{"memory": {"version": 1}, "boot": "b", "wall": 0, "doubt": ""}', "[]"):
        (tmp_path / "fields.json").write_text(json.dumps({"a-1": text}))
        async with running(bay(), tmp_path) as rig:
            await feed(rig, quiet(0, 20))
            assert rig.shelf.events()[-1]["branch"] == "calibrated"
