"""Cameras that learn their thresholds: a lot of eight spaces, its looks, its pictures."""

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from agent.clock import Clock
from agent.contract import Device
from agent.host import DeviceHost
from drivers.camera.calibrating import MEMORY, Pace
from drivers.camera.child.setup import Setup
from drivers.camera.child.sources import open_source
from drivers.camera.child.student import Student
from drivers.camera.child.work import Camera
from drivers.camera.driver import CameraDriver
from drivers.camera.eyes import Eyes
from drivers.camera.tasks.calibration import chance_of
from drivers.camera.tasks.looks import Looks
from tests.support_onnx import write_model

DAY = 288  # rounds
SPACES = [f"a-{n}" for n in range(8)]


def looks_of(rounds: int, free: float = 0.5, taken: float = 4.5, spaces: Any = SPACES) -> Looks:
    """Free spaces look as if they were taken."""
    rng, looks = random.Random(4), Looks(spaces)
    for n in range(rounds):
        heaps = {s: taken if (n // 40 + k) % 2 else free for k, s in enumerate(spaces)}
        looks.add(n * 300.0, {s: chance_of(rng.gauss(z, 0.7)) for s, z in heaps.items()})
    return looks


def scene() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A picture with much in it to recognise it by."""
    blocks = np.random.default_rng(1).integers(20, 235, (36, 64, 3), np.uint8)
    return np.asarray(cv2.resize(blocks, (640, 360), interpolation=cv2.INTER_NEAREST), np.uint8)


def polygon(column: int) -> list[list[int]]:
    left = 20 + column * 75
    return [[left, 200], [left + 60, 200], [left + 60, 300], [left, 300]]


def camera_in(
    folder: Path, pace: Pace | None = None, memory: str = "", **options: Any
) -> CameraDriver:
    """A driver of real parts, whose store and pictures are in that folder; `pace`: of its days."""
    (folder / "frames").mkdir(exist_ok=True)
    (folder / "store" / "zones").mkdir(parents=True, exist_ok=True)
    spaces = [{"id": space, "polygon": polygon(n)} for n, space in enumerate(SPACES)]
    zones = {"camera": "cam-1", "size": [640, 360], "spaces": spaces}
    (folder / "store" / "zones" / "cam-1.yaml").write_text(json.dumps(zones))
    told = {"source": str(folder / "frames"), "tasks": ["occupancy"], "rate": 10.0,
            "rest": "0.5s"} | options  # fmt: skip
    device = Device("cam-1", "camera", 10.0, options=told)
    host = DeviceHost(device, Clock(), None, folder / "store" / "state")
    if memory:
        host.state[MEMORY] = memory
    return CameraDriver(device, host, pace=pace)


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


def child_in(tmp_path: Path) -> tuple[Camera, Ear]:
    """A camera's process with a net that says 0.73 of everything; it learns every 300 s and tells
    that hourly."""
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
