"""What a camera's process gathers for its calibration, and what it makes of the answer."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from drivers.camera.calibrating import MEMORY
from drivers.camera.child.frames import Frame
from drivers.camera.child.work import Camera
from tests.support_calibrating import DAY, SPACES, Ear, camera_in, child_in, looks_of, scene


@pytest.fixture
def camera(tmp_path: Path) -> tuple[Camera, Ear]:
    return child_in(tmp_path)


def frame(at: float, *, dark: bool = False) -> Frame:
    return Frame(scene() // 30 if dark else scene(), at)


def test_new_thresholds_hold_from_the_next_look_on(camera: tuple[Camera, Ear]) -> None:
    seeing, ear = camera
    for n in range(10):
        seeing.take(frame(10.0 * n))
    assert set(ear.states()) == {"occupied"}
    seeing._heed({"thresholds": {"": 0.5, **dict.fromkeys(SPACES[:3], 0.9)}})
    for n in range(10, 20):
        seeing.take(frame(10.0 * n))
    assert ear.states() == ["occupied"] * 8 + ["free"] * 3


def test_a_camera_that_was_exchanged_begins_anew(
    camera: tuple[Camera, Ear], tmp_path: Path
) -> None:
    driver = camera_in(tmp_path, memory=json.dumps({"of": "x"}))
    driver._calibrated()
    assert driver._calibration is not None
    driver._calibration.hear(looks_of(DAY).to_text())
    assert driver._calibration.thresholds
    driver.replaced()
    assert MEMORY not in driver._host.state
    assert driver._calibration.setup()["thresholds"] == {}
    assert driver._calibration.hear(looks_of(DAY - 1).to_text()) is None

    seeing, _ = camera
    for n in range(10):
        seeing.take(frame(300.0 * n))
    seeing._heed({"thresholds": {"": 0.9}})
    seeing._heed({"forget": True})
    assert seeing.student is not None
    assert seeing.student.looks.rounds == 0
    assert seeing.setup.thresholds == {}


def test_looks_are_told_at_most_once_an_hour(camera: tuple[Camera, Ear]) -> None:
    seeing, ear = camera
    for n in range(160):
        seeing.take(frame(150.0 * n))
    assert len(ear.looks()) == 6  # in 6 h 40 min, the first hour of which has just begun
    assert all(later - sooner >= 3600 for sooner, later in pairwise(ear.looks()))


def test_a_view_that_is_bad_teaches_nothing(camera: tuple[Camera, Ear]) -> None:
    seeing, _ = camera
    assert seeing.student is not None
    for n in range(16):
        seeing.take(frame(150.0 * n))
    learnt = seeing.student.looks.rounds
    assert learnt >= 5
    for n in range(16, 56):
        seeing.take(frame(150.0 * n, dark=True))
    assert seeing.student.looks.rounds <= learnt + 1
