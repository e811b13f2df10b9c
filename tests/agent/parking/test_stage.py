"""Readings of detectors go in; they come out again, with what the spaces are."""

import asyncio
import json
from pathlib import Path

import pytest

from agent.contract import Event, Quality, Value
from tests.support_parking import BOOLS, HandClock, places, running


async def test_everything_is_passed_on_and_what_is_no_ones_detector_adds_nothing() -> None:
    async with running(places()) as rig:
        before = len(rig.shelf.records)
        event = Event("device.lost", "r1", rig.clock.now(), {})
        await rig.parking.put([event])
        await rig.say("co2", 412.0, device="air")
        await rig.told()
        assert len(rig.shelf.records) == before + 2
        await rig.parking.flush()
        assert rig.shelf.flushes == 1


async def test_a_space_is_unknown_until_its_detector_is_heard() -> None:
    async with running(places()) as rig:
        reading = rig.shelf.last("a-1")
        assert (reading.value, reading.quality, reading.reason) == (
            None, Quality.BAD, "starting",
        )  # fmt: skip
        assert rig.shelf.last("a-1", "parking_state").value == "unknown"
        assert rig.shelf.events() == []  # nobody was ever told otherwise
        await rig.say("parking_state_1", "vacant")
        await rig.until("a-1", "vacant")
        (event,) = rig.shelf.events()
        assert (event["state"], event["previous"], event["event_type"]) == (
            "vacant", "unknown", "startup",
        )  # fmt: skip
        assert rig.shelf.last("a-1").value is False
        assert rig.shelf.last("a-2").value is None
        assert rig.board.spaces == {"unknown": 2} or rig.board.spaces == {
            "unknown": 1, "vacant": 1,
        }  # fmt: skip


async def test_a_change_carries_the_fields_that_all_detectors_share() -> None:
    async with running(places()) as rig:
        await rig.say("parking_state_1", "vacant")
        await rig.told()
        rig.clock.time += 60
        await rig.say("parking_state_1", "occupied")
        await rig.say("battery_level_1", 81)
        await rig.say("rssi_1", -71)
        line = await rig.until("a-1", "occupied")
        event = rig.shelf.events()[-1]
        assert event == {
            "space": "a-1", "event_type": "status_change", "state": "occupied", "occupied": True,
            "parking_state": "occupied", "previous": "vacant", "previous_state_duration": 60.0,
            "since": 1_700_001_060.0, "device": "r1", "detector": "1", "branch": "reported",
            "quality": "good", "fault": None, "battery_level": 81, "rssi": -71,
        }  # fmt: skip
        assert (line["battery"], line["rssi"], line["since"]) == (81, -71, 1_700_001_060.0)
        assert rig.shelf.flushes >= 2  # an event is safe on disk before anything else


async def test_what_stays_as_it_is_makes_no_record() -> None:
    async with running(places()) as rig:
        await rig.say("parking_state_1", "occupied")
        await rig.until("a-1", "occupied")
        before = len(rig.shelf.records)
        for _ in range(5):
            rig.clock.time += 2
            await rig.say("parking_state_1", "occupied")
        await rig.told()
        assert len(rig.shelf.records) == before + 5


async def test_what_stands_is_told_again_every_quarter_of_an_hour() -> None:
    async with running(places(silent_after="1h")) as rig:
        await rig.say("parking_state_1", "occupied")
        await rig.until("a-1", "occupied")
        before = rig.shelf.last("a-1").at.mono
        rig.clock.time += 901
        async with asyncio.timeout(10):
            while rig.shelf.last("a-1").at.mono == before:
                await asyncio.sleep(0.05)
        assert rig.shelf.last("a-1").value is True
        assert len(rig.shelf.events()) == 1


async def test_two_changes_that_arrive_together_are_both_told() -> None:
    async with running(places()) as rig:
        for state in ("vacant", "occupied", "vacant"):
            rig.clock.time += 0.001
            await rig.say("parking_state_1", state)
        await rig.told()
        assert [event["state"] for event in rig.shelf.events()] == ["vacant", "occupied", "vacant"]


@pytest.mark.parametrize(
    ("value", "state"),
    [(True, "occupied"), (False, "vacant"), (1, "occupied"), (0.0, "vacant"), (7, "unknown")],
)
async def test_numbers_and_bools_are_understood(value: Value, state: str) -> None:
    async with running(places(BOOLS)) as rig:
        await rig.say("occupied_1", value)
        line = await rig.until("a-1", state)
        assert line["state"] == state


@pytest.mark.parametrize("word", ["interference", "initialising", "fault", "3"])
async def test_whatever_is_no_clear_answer_is_unknown_and_says_why(word: str) -> None:
    async with running(places()) as rig:
        await rig.say("parking_state_1", "vacant")
        await rig.say("parking_state_1", word)
        line = await rig.until("a-1", word if word != "3" else "unknown")
        assert line["state"] == "unknown"
        assert line["reason"] == (word if word != "3" else "unknown_code")
        assert rig.shelf.last("a-1").value is None
        tampers = rig.shelf.events("parking.tamper")
        assert [t["space"] for t in tampers] == (["a-1"] if word == "interference" else [])


async def test_a_detectors_fault_is_unknown_at_once_and_never_free() -> None:
    async with running(places(BOOLS)) as rig:
        await rig.say("occupied_1", value=False)
        await rig.until("a-1", "vacant")
        await rig.bad("occupied_1", "sensor_fault")
        line = await rig.until("a-1", "fault")
        assert line["state"] == "unknown"
        assert rig.shelf.events()[-1]["fault"] == "sensor_fault"
        assert rig.shelf.last("a-1").quality is Quality.BAD


async def test_a_fault_code_beside_the_state_counts_too_until_it_goes() -> None:
    async with running(places()) as rig:
        await rig.say("parking_state_1", "vacant")
        await rig.say("fault_code_1", "E4")
        await rig.until("a-1", "fault")
        assert rig.shelf.events()[-1]["fault_code"] == "E4"
        await rig.say("fault_code_1", "normal")
        await rig.until("a-1", "vacant")


async def test_an_alarm_of_its_sensor_holds_until_the_detector_tells_a_state_again() -> None:
    async with running(places(streaming=True)) as rig:
        await rig.say("parking_state_1", "vacant")
        await rig.until("a-1", "vacant")
        rig.clock.time += 5
        await rig.say("magnetometer_state_1", "no_sample")
        await rig.until("a-1", "fault")
        rig.clock.time += 5
        await rig.say("magnetometer_state_1", "normal")
        await rig.told()
        assert rig.parking.spaces()[0]["parking_state"] == "fault"
        await rig.say("parking_state_1", "vacant")
        await rig.until("a-1", "vacant")


async def test_one_lost_answer_changes_nothing_and_three_periods_of_them_are_unknown() -> None:
    async with running(places()) as rig:
        await rig.say("parking_state_1", "vacant")
        await rig.until("a-1", "vacant")
        for _ in range(2):
            rig.clock.time += 2
            await rig.bad("parking_state_1", "timeout")
            await rig.told()
        assert rig.shelf.last("a-1").value is False
        rig.clock.time += 2
        await rig.bad("parking_state_1", "timeout")
        line = await rig.until("a-1", "unknown")
        assert (line["reason"], line["branch"]) == ("timeout", "silence")
        await rig.say("parking_state_1", "vacant")
        await rig.until("a-1", "vacant")


async def test_a_wire_too_crowded_to_ask_in_time_makes_no_space_unknown() -> None:
    async with running(places()) as rig:
        await rig.say("parking_state_1", "vacant")
        await rig.until("a-1", "vacant")
        for _ in range(2):  # two lost polls, each far later than every 2 s
            rig.clock.time += 15
            await rig.bad("parking_state_1", "crc")
            await asyncio.sleep(1.1)
        assert rig.parking.spaces()[0]["state"] == "vacant"
        rig.clock.time += 31
        assert (await rig.until("a-1", "unknown"))["reason"] == "crc"


async def test_a_silent_detector_is_unknown_without_any_reading() -> None:
    async with running(places(silent_after="4s")) as rig:
        await rig.say("parking_state_1", "vacant")
        await rig.until("a-1", "vacant")
        rig.clock.time += 5
        line = await rig.until("a-1", "unknown")
        assert line["reason"] == "silent"


async def test_when_a_listening_link_is_lost_a_change_may_be_lost_with_it() -> None:
    async with running(places(streaming=True)) as rig:
        await rig.say("parking_state_1", "vacant")
        await rig.until("a-1", "vacant")
        await rig.bad("parking_state_1", "no_port")
        assert (await rig.until("a-1", "unknown"))["reason"] == "no_port"


async def test_a_doubtful_reading_makes_a_doubtful_state_without_an_event() -> None:
    async with running(places()) as rig:
        await rig.say("parking_state_1", "vacant", Quality.UNCERTAIN, "unchecked")
        await rig.until("a-1", "vacant")
        rig.clock.time += 2
        await rig.say("parking_state_1", "vacant")
        await rig.told()
        assert [event["quality"] for event in rig.shelf.events()] == ["uncertain:unchecked"]
        assert rig.shelf.last("a-1").quality is Quality.GOOD


async def test_work_on_a_detector_marks_its_space_and_raises_no_alarm() -> None:
    async with running(places()) as rig:
        await rig.say("parking_state_1", "vacant")
        await rig.until("a-1", "vacant")
        await rig.say("parking_state_1", "interference", Quality.UNCERTAIN, "maintenance")
        await rig.until("a-1", "interference")
        assert rig.shelf.events()[-1]["quality"] == "bad:maintenance"
        assert rig.shelf.events("parking.tamper") == []


async def test_after_a_short_stop_the_state_is_kept_and_marked_until_it_is_heard(
    tmp_path: Path,
) -> None:
    clock = HandClock()
    async with running(places(), tmp_path, clock) as rig:
        await rig.say("parking_state_1", "occupied")
        await rig.until("a-1", "occupied")
    clock.time += 12
    async with running(places(), tmp_path, clock) as rig:
        reading = rig.shelf.last("a-1")
        assert (reading.value, reading.quality, reading.reason) == (
            True, Quality.UNCERTAIN, "kept",
        )  # fmt: skip
        assert rig.shelf.last("a-2").value is None
        await rig.say("parking_state_1", "occupied")
        await rig.told()
        assert rig.shelf.last("a-1").quality is Quality.GOOD
        assert rig.shelf.events() == []
        assert rig.parking.spaces()[0]["since"] == 1_700_001_000.0


@pytest.mark.parametrize(("seconds", "boot"), [(40, "boot"), (1, "other")])
async def test_after_a_longer_stop_or_a_reboot_it_is_unknown_and_that_is_told(
    tmp_path: Path, seconds: float, boot: str
) -> None:
    clock = HandClock()
    async with running(places(), tmp_path, clock) as rig:
        await rig.say("parking_state_1", "vacant")
        await rig.until("a-1", "vacant")
    clock.time += seconds
    clock.boot = boot
    async with running(places(), tmp_path, clock) as rig:
        (event,) = rig.shelf.events()
        assert (event["space"], event["state"], event["previous"]) == ("a-1", "unknown", "vacant")
        assert (event["event_type"], event["branch"]) == ("startup", "starting")
        assert (event["previous_state_duration"] is None) is (boot == "other")


async def test_states_are_on_disk_while_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.parking.stage.SAVE_FIELDS", 0.05)
    monkeypatch.setattr("agent.parking.stage.SAVE_STATES", 0.05)
    async with running(places(), tmp_path) as rig:
        await rig.say("parking_state_1", "occupied")
        async with asyncio.timeout(10):
            while "occupied" not in _text(tmp_path / "states.json"):
                await asyncio.sleep(0.05)
        assert "@stopped" not in _text(tmp_path / "states.json")


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


async def test_a_damaged_file_is_an_empty_memory(tmp_path: Path) -> None:
    (tmp_path / "states.json").write_text('{"a-1": "[1", "@stopped": "x"}')
    (tmp_path / "fields.json").write_text("{")
    async with running(places(), tmp_path) as rig:
        assert rig.shelf.last("a-1").value is None
    kept = json.loads((tmp_path / "states.json").read_text())
    assert set(kept) == {"a-1", "a-2", "@stopped"}


async def test_a_space_that_only_gets_another_name_keeps_its_state() -> None:
    async with running(places()) as rig:
        await rig.say("parking_state_1", "occupied")
        await rig.until("a-1", "occupied")
        rig.parking.arrange(places(name="近门"))
        await rig.say("parking_state_1", "occupied")
        await rig.told()
        line = rig.parking.spaces()[0]
        assert (line["name"], line["state"]) == ("近门", "occupied")
        assert len(rig.shelf.events()) == 1
        rig.parking.arrange([])
        assert rig.board.spaces == {}


async def test_spaces_that_stay_keep_their_state_when_others_come_and_go() -> None:
    async with running(places()) as rig:
        await rig.say("parking_state_1", "occupied")
        await rig.until("a-1", "occupied")
        rig.parking.arrange(places()[:1])
        await rig.say("parking_state_2", "occupied")
        await rig.told()
        assert [line["parking_state"] for line in rig.parking.spaces()] == ["occupied"]


async def test_what_is_known_at_the_end_is_told_before_it_stops() -> None:
    async with running(places()) as rig:
        await rig.say("parking_state_1", "occupied")
    assert [event["state"] for event in rig.shelf.events()] == ["occupied"]
