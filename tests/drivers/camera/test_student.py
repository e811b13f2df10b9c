"""What a camera's process gathers for its calibration, and what it makes of the answer."""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.camera.calibrating import MEMORY
from drivers.camera.child.frames import Frame
from drivers.camera.child.setup import Setup
from drivers.camera.child.sources import open_source
from drivers.camera.child.student import Student
from drivers.camera.child.work import Camera
from drivers.camera.eyes import Eyes
from tests.support_calibrating import DAY, SPACES, camera_in, looks_of, scene
from tests.support_onnx import write_model


class Ear:
    """Takes what a camera tells."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Mapping[str, Any]]] = []

    def tell(self, kind: str, body: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> None:
        self.told.append((kind, body))

    def states(self) -> list[str]:
        return [body["data"]["state"] for kind, body in self.told if kind == "happened"]

    def looks(self) -> list[float]:
        return [body["at"] for kind, body in self.told if kind == "looks"]

    def wishes(self) -> list[Mapping[str, Any]]:
        return []

    def beat(self) -> None:
        """Nobody waits for it."""


@pytest.fixture
def camera(tmp_path: Path) -> tuple[Camera, Ear]:
    """With a net that says 0.73 of everything, which learns every 300 s and tells it hourly."""
    net = write_model(
        tmp_path / "net", "occupancy", (8, 3, 64, 64), {"logit": np.ones((8,), np.float32)},
        decode="sigmoid", input={"colour": "BGR", "resize": "stretch", "normalise": "patch"},
    )  # fmt: skip
    driver = camera_in(tmp_path)
    login = {"where": "", "user": "", "password": "", "port": None}
    told = {**driver._site.setup(), **driver._calibrated(), **login, "reference": "",
            "confine": False}  # fmt: skip
    setup = Setup(**{**told, "tasks": tuple(told["tasks"]), "size": tuple(told["size"])})
    ear, eyes = Ear(), Eyes.open({"occupancy": net})
    source = open_source("images", "")
    return Camera(setup, eyes, source, ear, student=Student.of(setup)), ear


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
