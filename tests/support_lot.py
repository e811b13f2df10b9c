"""A camera over a real parking lot, to which things happen; who is parked there in truth is known.

The pictures are of the development data (PKLot); without it `scenes` is empty.
"""

import asyncio
import csv
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from agent.clock import Clock
from agent.contract import Device, Event
from agent.host import DeviceHost
from drivers.camera.child.frames import Frame
from drivers.camera.child.setup import Setup
from drivers.camera.child.work import Camera
from drivers.camera.driver import CameraDriver
from drivers.camera.eyes import Eyes
from tests.support_faults import FAULTS, Image

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("FIELDGATE_DATA", ROOT.parent / "shared/data")) / "vision"
STEP = 0.5  # s from frame to frame
LOOKS = 6  # that differ; then they come again


@dataclass(frozen=True)
class Course:
    """How long the picture is as it should be, is not, and is again; s."""

    well: float = 40.0
    bad: float = 34.0
    again: float = 8.0


@dataclass(frozen=True)
class Scene:
    name: str
    image: Image
    zones: Mapping[str, Any]
    taken: frozenset[str]  # in truth


@dataclass
class Told:
    """What the camera says, by the second since the fault began."""

    free: list[tuple[float, str]] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    events: list[tuple[float, str, str]] = field(default_factory=list)

    def event(self, at: float, kind: str, subject: str, data: Mapping[str, Any]) -> None:
        if kind == "space.seen":
            self.states[subject] = str(data["state"])
            if data["state"] == "free":
                self.free.append((at, subject))
        else:
            self.events.append((at, kind, str(data.get("reason", ""))))


def scenes() -> list[Scene]:
    if not (DATA / "occ_frames.csv").is_file():
        return []
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    with (DATA / "occ_frames.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows[row["file"]].append(row)
    return [scene(name, there) for name, there in sorted(rows.items())]


def scene(name: str, rows: Sequence[Mapping[str, str]]) -> Scene:
    image = cv2.imread(str(DATA / "occ_frames" / name))
    assert image is not None
    spaces = [
        {
            "id": f"s-{row['space_id']}",
            "polygon": [
                [float(v) for v in point.split(",")] for point in row["polygon"].split(";")
            ],
        }
        for row in rows
    ]
    taken = frozenset(f"s-{row['space_id']}" for row in rows if row["occupied"] == "1")
    size = [image.shape[1], image.shape[0]]
    zones = {"camera": "lot", "size": size, "spaces": spaces}
    return Scene(name[10:-4], np.asarray(image, np.uint8), zones, taken)


def frames(one: Scene, name: str, course: Course) -> Iterator[tuple[float, Image]]:
    """Each with its second since the fault began; noise differs from look to look."""
    fault = FAULTS.get(name)
    well = [noisy(one.image, n) for n in range(LOOKS)]
    bad = well if fault is None else [noisy(fault(one.image, n), n) for n in range(LOOKS)]
    for n in range(round((course.well + course.bad + course.again) / STEP)):
        at = n * STEP - course.well
        yield at, (bad if 0 <= at < course.bad else well)[n % LOOKS]


def noisy(image: Image, look: int) -> Image:
    """As a sensor is."""
    grains = np.random.default_rng(look).normal(0, 1.5, image.shape).astype(np.int8)
    return np.asarray(cv2.add(image, grains, dtype=cv2.CV_8U), np.uint8)


class Ear:
    """Takes the place of the pipe."""

    def __init__(self, told: Told) -> None:
        self.told, self.now = told, 0.0

    def tell(self, kind: str, body: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> None:
        del blobs
        if kind == "happened":
            self.told.event(self.now, body["kind"], body["subject"], body["data"])

    def wishes(self) -> list[Mapping[str, Any]]:
        return []

    def beat(self) -> None: ...


class Nothing:
    def newest(self, timeout: float) -> None:
        del timeout

    def close(self) -> None: ...


def at_once(one: Scene, name: str, course: Course = Course()) -> Told:
    """On a clock of its own, without a process."""
    return through(one, frames(one, name, course))


def days(order: Sequence[Scene], hold: float) -> Iterator[tuple[float, Image]]:
    """One picture after the other, as if the camera had slept for days; each for `hold` s."""
    for n, one in enumerate(order):
        for at, image in frames(one, "nothing", Course(0.0, hold, 0.0)):
            yield n * hold + at, image


def through(one: Scene, shown: Iterator[tuple[float, Image]]) -> Told:
    """The camera's work, with the zones of that scene."""
    setup = Setup(
        camera="lot", kind="images", where="", user="", password="", tasks=("occupancy",),
        zones=one.zones, models={}, thresholds={}, rate=4.0, rest=5.0, detect=640, pictures=True,
        no_plates=False, confidence=0.6, port=None, reference="", confine=False,
    )  # fmt: skip
    told = Told()
    ear = Ear(told)
    eyes = Eyes.open({"occupancy": ROOT / "models" / "occupancy"})
    camera = Camera(setup, eyes, Nothing(), ear)
    for at, image in shown:
        ear.now = at
        camera.take(Frame(image, 1000.0 + at))
    return told


async def really(one: Scene, name: str, folder: Path, course: Course = Course()) -> Told:
    """Through the driver and its process, from a folder that pictures are put into."""
    (folder / "frames").mkdir(parents=True)
    (folder / "store" / "zones").mkdir(parents=True)
    (folder / "store" / "zones" / "lot.yaml").write_text(json.dumps(one.zones))
    options = {"source": str(folder / "frames"), "tasks": ["occupancy"], "memory": 400}
    device = Device("lot", "camera", 10.0, options=options)
    driver = CameraDriver(device, DeviceHost(device, Clock(), None, folder / "store" / "state"))
    told, began = Told(), 0.0

    async def hear() -> None:
        async for record in driver.readings():
            if isinstance(record, Event):
                at = record.at.mono / 1e9 - began
                told.event(at, record.kind, record.subject, record.data)

    shown = await asyncio.to_thread(packed_frames, one, name, course)
    await driver.open()
    began = Clock().now().mono / 1e9 + course.well
    hearing = asyncio.create_task(hear())
    loop = asyncio.get_running_loop()
    try:
        for at, packed in shown:
            await asyncio.sleep(max(0.0, began + at - Clock().now().mono / 1e9))
            await loop.run_in_executor(None, put, folder, at, packed)
            assert not hearing.done(), hearing.exception()
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
        await driver.close()
    return told


def packed_frames(one: Scene, name: str, course: Course) -> list[tuple[float, bytes]]:
    """As JPEG. Each look is packed once."""
    jpegs: dict[int, bytes] = {}
    shown = []
    for at, image in frames(one, name, course):
        if id(image) not in jpegs:
            quality = [cv2.IMWRITE_JPEG_QUALITY, 90]
            jpegs[id(image)] = cv2.imencode(".jpg", image, quality)[1].tobytes()
        shown.append((at, jpegs[id(image)]))
    return shown


def put(folder: Path, at: float, packed: bytes) -> None:
    """Whole at once, in the place of the one before."""
    (folder / "fresh.jpg").write_bytes(packed)
    (folder / "fresh.jpg").rename(folder / "frames" / f"{round(at * 1000) + 100_000:07}.jpg")
