"""A camera calibrates itself: after a day, across restarts, for one model and its zones."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from agent.contract import Device, Event, Misconfigured, Reading
from drivers.camera.calibrating import MEMORY, Calibration, Pace, belongs, calibration
from drivers.camera.driver import CameraDriver
from drivers.camera.messages import Message, Nonsense
from drivers.camera.site import Site
from drivers.camera.tasks.looks import Looks
from drivers.camera.vision.card import read_card
from drivers.camera.vision.lean import Lean
from tests.support_calibrating import DAY, SPACES, camera_in, looks_of, scene
from tests.support_rtsp import now

MODEL = Path(__file__).parents[3] / "models" / "occupancy"
Made = Callable[..., CameraDriver]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    (tmp_path / "store" / "zones").mkdir(parents=True)
    return partial(camera_in, tmp_path)


def test_after_a_day_it_proposes_and_not_before() -> None:
    memory: dict[str, str] = {}
    camera = Calibration(memory, "m", SPACES)
    assert camera.hear(looks_of(DAY - 1).to_text()) is None
    assert camera.thresholds == {}
    change = camera.hear(looks_of(DAY).to_text())
    assert change is not None
    told = change.told()
    assert told["before"] == 0.5
    assert 0.85 < float(told["threshold"] or 0) < 0.97
    assert (told["spaces"], told["looks"], told["basis"]) == (0, 8 * DAY, "looks")
    assert camera.thresholds == change.all


def test_it_is_looked_at_again_after_each_further_day_and_told_when_it_moves() -> None:
    camera = Calibration({}, "m", SPACES)
    assert camera.hear(looks_of(DAY).to_text())
    settled = camera.thresholds
    assert camera.hear(looks_of(2 * DAY - 1, -3, 3).to_text()) is None
    assert camera.thresholds == settled
    change = camera.hear(looks_of(2 * DAY, -3, 3).to_text())
    assert change is not None
    assert change.before == settled[""]
    assert change.all == {"": 0.5}
    assert camera.hear(looks_of(3 * DAY, -3, 3).to_text()) is None


def test_a_lot_that_was_empty_all_day_changes_nothing() -> None:
    camera = Calibration({}, "m", SPACES)
    assert camera.hear(looks_of(DAY, -3.0, -3.0).to_text()) is None
    assert camera.hear(looks_of(2 * DAY, 0.2, 0.2).to_text()) is None
    assert camera.thresholds == {}


def test_a_restart_in_the_middle_of_the_day_goes_on() -> None:
    memory: dict[str, str] = {}
    Calibration(memory, "m", SPACES).hear(looks_of(200).to_text())
    assert len(memory[MEMORY]) < 3000
    again = Calibration(memory, "m", SPACES)
    assert Looks.from_text(again.looks, SPACES).rounds == 200
    assert again.hear(looks_of(DAY).to_text())
    third = Calibration(memory, "m", SPACES)
    assert third.thresholds == again.thresholds
    assert third.hear(looks_of(DAY + 1).to_text()) is None  # it does not begin the day again


@pytest.mark.parametrize("other", [{"of": "n"}, {"spaces": SPACES[1:]}])
def test_of_another_model_or_other_zones_nothing_is_kept(other: dict[str, Any]) -> None:
    memory: dict[str, str] = {}
    Calibration(memory, "m", SPACES).hear(looks_of(DAY).to_text())
    anew = Calibration(memory, **({"of": "m", "spaces": SPACES} | other))
    assert (anew.thresholds, anew.looks) == ({}, "")


@pytest.mark.parametrize(
    "damaged",
    ["", "[]", "{}", "null", '{"of": "m"}', '{"of": "m", "looks": 5}',
     '{"of": "m", "looks": "1:x", "thresholds": {}, "done": 0}',
     json.dumps({"of": "m", "looks": Looks(SPACES).to_text(), "thresholds": {"": 7}, "done": 0})],
)  # fmt: skip
def test_a_damaged_memory_is_an_empty_one(damaged: str) -> None:
    camera = Calibration({MEMORY: damaged}, "m", SPACES)
    assert (camera.thresholds, camera.looks) == ({}, "")


def test_it_belongs_to_the_model_the_source_and_the_zones(made: Made, tmp_path: Path) -> None:
    card = read_card(MODEL / "card.yaml")
    aims = [made()._site.aim, made(source="/somewhere/else")._site.aim]
    zones = tmp_path / "store" / "zones" / "cam-1.yaml"
    driver = made()
    zones.write_text(zones.read_text().replace("640", "660"))
    moved = Site.of(Device("cam-1", "camera", 10.0), driver._host, driver._settings)
    kinds = [belongs(card, aim) for aim in (*aims, moved.aim)]
    kinds += [
        belongs(replace(card, version="x"), aims[0]),
        belongs(replace(card, sha256="x"), aims[0]),
    ]
    assert len(set(kinds)) == 5
    assert belongs(card, driver._site.aim) == kinds[0]


def test_what_a_person_has_set_wins(made: Made, tmp_path: Path) -> None:
    def learns() -> bool:
        driver = made()
        return calibration(driver._site, driver._host.state, Pace()) is not None

    assert learns()
    by_hand = tmp_path / "store" / "zones" / "cam-1.calibration.yaml"
    by_hand.write_text("camera: cam-1\nthresholds: {'': 0.7}\n")
    driver = made()
    assert driver._site.setup()["thresholds"] == {"": 0.7}
    assert driver._calibrated() == {}
    by_hand.unlink()
    assert learns()


def test_it_can_be_left_out(made: Made) -> None:
    assert made(calibrate=False)._calibrated() == {}


async def _show(folder: Path) -> None:
    """A picture ten times a second."""
    packed = cv2.imencode(".jpg", scene())[1].tobytes()
    for n in range(100_000):
        (folder.parent / "fresh").write_bytes(packed)
        (folder.parent / "fresh").rename(folder / f"{n:06}.jpg")
        await asyncio.sleep(0.1)


async def _hear(
    driver: CameraDriver, until: Callable[[], bool], heard: list[Reading | Event] | None = None
) -> list[Reading | Event]:
    heard = [] if heard is None else heard

    async def hear() -> None:
        async for one in driver.readings():
            heard.append(one)

    hearing, end = asyncio.create_task(hear()), now() + 45
    while not until() and not hearing.done():
        assert now() < end, heard
        await asyncio.sleep(0.05)
    hearing.cancel()
    return heard


def events(heard: list[Reading | Event]) -> list[Event]:
    return [e for e in heard if isinstance(e, Event) and e.kind == "camera.calibrated"]


async def test_a_real_camera_ends_its_day_and_is_told_what_it_learnt(
    made: Made, tmp_path: Path
) -> None:
    """All but the last looks of the day are remembered from before a restart."""
    pace = Pace(every=0.5, tell=0.5, day=DAY * 0.5)
    before = made(pace)
    found = calibration(before._site, before._host.state, pace)
    assert found is not None
    found.hear(looks_of(DAY - 1).to_text())
    driver = made(pace, memory=before._host.state[MEMORY])
    feeding = asyncio.create_task(_show(tmp_path / "frames"))
    try:
        await driver.open()
        assert driver._child is not None
        said = _overhear(driver._child)
        heard = await _hear(driver, lambda: bool(said))
    finally:
        feeding.cancel()
        await driver.close()
    event = events(heard)[0]
    assert event.subject == "cam-1"
    assert 0.8 < float(str(event.data["threshold"])) < 0.97
    assert event.data["before"] == 0.5
    assert event.data["model"]
    memory = json.loads(driver._host.state[MEMORY])
    assert memory["thresholds"][""] == event.data["threshold"]
    assert Looks.from_text(memory["looks"], SPACES).rounds >= DAY
    assert said[0] == {"thresholds": memory["thresholds"]}
    again = made(pace, memory=driver._host.state[MEMORY])
    assert again._calibrated()["thresholds"] == memory["thresholds"]


def _overhear(child: Any) -> list[Any]:
    """What the process is told from now on."""
    said, send = [], child.send

    async def overheard(message: bytes) -> None:
        said.append(json.loads(message))
        await send(message)

    child.send = overheard
    return said


async def test_the_real_process_takes_the_correction_that_a_person_has_found(
    made: Made, tmp_path: Path
) -> None:
    by_hand = tmp_path / "store" / "zones" / "cam-1.calibration.yaml"
    card = read_card(MODEL / "card.yaml")
    head = f"camera: cam-1\nmodel: {card.id}/{card.version}\nthresholds: {{'': 0.5}}\n"
    by_hand.write_text(head + f"lean: {Lean(np.zeros(192, np.float32), -20.0).to_text()}\n")
    driver = made()
    feeding = asyncio.create_task(_show(tmp_path / "frames"))
    try:
        await driver.open()
        seen: list[Any] = []

        def taken() -> bool:
            return len([e for e in seen if getattr(e, "kind", "") == "space.seen"]) == len(SPACES)

        seen = await _hear(driver, taken, seen)
    finally:
        feeding.cancel()
        await driver.close()
    told = [e for e in seen if isinstance(e, Event) and e.kind == "space.seen"]
    assert {e.data["state"] for e in told} == {"free"}
    assert max(float(str(e.data["chance"])) for e in told) < 0.001

    by_hand.write_text(head + f"lean: {Lean(np.zeros(7, np.float32), 0.0).to_text()}\n")
    with pytest.raises(Misconfigured, match="another model"):
        await made().open()


async def test_looks_that_no_child_would_send_end_it(made: Made) -> None:
    driver = made()
    driver._calibrated()
    at = now()
    for told in (None, 5, "", "1:AAAA", "x" * 99_000):
        with pytest.raises(Nonsense):
            driver._records(Message("looks", {"at": at, "looks": told}))
    unasked = made(calibrate=False)
    unasked._calibrated()
    with pytest.raises(Nonsense, match="nobody asked"):
        unasked._records(Message("looks", {"at": at, "looks": Looks(SPACES).to_text()}))
