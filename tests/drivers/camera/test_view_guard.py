"""A camera that is moved, covered, blurred or blind tells it once, and never calls a space free."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.clock import Clock
from agent.contract import Device, Event
from agent.host import DeviceHost
from drivers.camera.driver import CameraDriver
from drivers.camera.memory import Memory
from drivers.camera.messages import Nonsense
from drivers.camera.view import FIRST, Known, quarter
from tests.support_faults import FAULTS, Image
from tests.support_lot import Course, Told, at_once, really, scenes

FULL = os.environ.get("FIELDGATE_PROOF") == "full"
SEEN = [*FAULTS, "nothing"] if FULL else ["shift 3 %", "hand", "nothing"]
BEARABLE = {"infrared", "rain drops", "glare, small", "nothing"}  # the view is not lost by them
COURSE = Course(well=40.0, bad=34.0, again=8.0) if FULL else Course(well=6.0, bad=14.0, again=3.0)


def told_of(fault: str) -> tuple[frozenset[str], Told]:
    there = scenes()
    if not there:
        pytest.skip("no pictures of a lot whose truth is known (../shared/data/vision)")
    full = max(there, key=lambda one: len(one.taken))
    return full.taken, at_once(full, fault, COURSE)


@pytest.mark.parametrize("fault", SEEN)
def test_a_fault_is_told_once_and_no_taken_space_becomes_free(fault: str) -> None:
    taken, told = told_of(fault)
    assert not [space for at, space in told.free if at >= 0 and space in taken]
    lost = [at for at, kind, _ in told.events if kind == "view.lost"]
    back = [at for at, kind, _ in told.events if kind == "view.back"]
    if fault in BEARABLE:
        assert len(lost) == len(back) <= (fault in {"glare, small", "rain drops"})
    else:
        assert len(lost) == len(back) == 1
        assert lost[0] <= 30
        assert COURSE.bad < back[0] <= COURSE.bad + 5


@pytest.mark.skipif(not FULL, reason="takes a minute: FIELDGATE_PROOF=full")
async def test_so_does_the_process(tmp_path: Path) -> None:
    there = scenes()
    if not there:
        pytest.skip("no pictures of a lot whose truth is known (../shared/data/vision)")
    full = max(there, key=lambda one: len(one.taken))
    told = await really(full, "cloth over a third", tmp_path, Course(15.0, 32.0, 8.0))
    assert not [space for at, space in told.free if at >= 0 and space in full.taken]
    ((at, kind, reason), (_, back, _)) = told.events
    assert (kind, reason, back) == ("view.lost", "view_covered", "view.back")
    assert at <= 30


def drawn(seed: int) -> Image:
    random = np.random.default_rng(seed)
    blocks = random.integers(20, 235, (36, 64, 3), np.uint8)
    large = np.asarray(cv2.resize(blocks, (640, 360), interpolation=cv2.INTER_NEAREST), np.uint8)
    return np.asarray(cv2.GaussianBlur(large, (0, 0), 1.5), np.uint8)


def memory_of(image: Image) -> str:
    known = Known()
    for _ in range(FIRST):
        known.look(quarter(image))
        known.learn()
    return known.to_text()


async def show(folder: Path, image: Image) -> None:
    number = 0
    while True:
        number += 1
        cv2.imwrite(str(folder / "fresh.jpg"), image)
        (folder / "fresh.jpg").rename(folder / "frames" / f"{number:06}.jpg")
        await asyncio.sleep(0.3)


def driver(folder: Path) -> tuple[CameraDriver, DeviceHost]:
    options = {"source": str(folder / "frames"), "tasks": ["plates"], "rest": "500ms"}
    device = Device("gate-1", "camera", 10.0, options=options)
    host = DeviceHost(device, Clock(), None, folder / "store" / "state")
    return CameraDriver(device, host), host


@pytest.fixture
async def shown(tmp_path: Path) -> AsyncIterator[Path]:
    (tmp_path / "frames").mkdir()
    (tmp_path / "store" / "zones").mkdir(parents=True)
    showing = asyncio.create_task(show(tmp_path, drawn(2)))
    yield tmp_path
    showing.cancel()
    await asyncio.gather(showing, return_exceptions=True)


async def test_a_camera_that_was_turned_on_purpose_is_told_with_replace(shown: Path) -> None:
    """What it remembers is another view: lost, until somebody says that this one is meant."""
    camera, host = driver(shown)
    camera._memory.remember(memory_of(drawn(1)))
    events: list[str] = []
    await camera.open()
    try:
        async with asyncio.timeout(60):
            async for one in camera.readings():
                if isinstance(one, Event):
                    events.append(one.kind)
                    if one.kind == "view.lost":
                        camera.replaced()
                    if one.kind == "view.back":
                        break
    finally:
        await camera.close()
    assert events == ["view.lost", "view.back"]
    assert "reference" not in host.state


def test_other_zones_are_another_view(tmp_path: Path) -> None:
    (tmp_path / "store" / "zones").mkdir(parents=True)
    zones = tmp_path / "store" / "zones" / "gate-1.yaml"
    camera, _ = driver(tmp_path)
    camera._memory.remember("a view")
    assert camera._memory.recall() == "a view"
    zones.write_text("camera: gate-1\nsize: [640, 360]\n")
    drawn_anew, host = driver(tmp_path)
    host.state.update(camera._memory.state)
    assert drawn_anew._memory.recall() == ""
    drawn_anew._memory.remember("another")
    zones.write_text("# the same, said otherwise\ncamera: gate-1\nsize: [640,\n  360]\n")
    again, later = driver(tmp_path)
    later.state.update(host.state)
    assert again._memory.recall() == "another"


def test_without_plates_no_view_stays_on_the_disk() -> None:
    state = {"reference": "of before", "aim": "a", "other": "x"}
    memory = Memory(state, "a", keeps=False)
    assert memory.recall() == ""
    memory.remember("a view")
    assert state == {"other": "x"}


@pytest.mark.parametrize("nonsense", [None, 5, "x" * 80_001])
def test_a_view_of_another_shape_is_refused(nonsense: object) -> None:
    with pytest.raises(Nonsense):
        Memory({}, "a", keeps=True).remember(nonsense)
