"""The camera's process, real: shut in, crashed, lied for; and pictures that keep their masks."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from agent.child import ChildProcess
from agent.clock import Clock
from agent.contract import ChildLimits, Device, Event, LinkLost, Quality, Reading
from agent.host import DeviceHost
from drivers.camera.driver import CameraDriver
from drivers.camera.messages import encode
from drivers.camera.privacy import FILL
from tests.support_rtsp import CameraServer, made_at, now

MASKS = [{"polygon": [[0, 0], [320, 0], [320, 200], [0, 200]]}]


class Watched:
    """A driver, and all that it says."""

    def __init__(self, driver: CameraDriver) -> None:
        self.driver = driver
        self.heard: list[Reading | Event] = []
        self.error: LinkLost | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self.error = None
        await self.driver.open()
        self._task = asyncio.create_task(self._hear())

    @property
    def pid(self) -> int:
        assert self.driver._child is not None
        return self.driver._child.pid

    async def until(self, condition: Callable[[], Any], seconds: float = 30.0) -> None:
        end = now() + seconds
        while not condition():
            assert now() < end, self.heard
            await asyncio.sleep(0.05)

    def events(self) -> list[str]:
        return [one.kind for one in self.heard if isinstance(one, Event)]

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.driver.close()

    async def _hear(self) -> None:
        try:
            async for one in self.driver.readings():
                self.heard.append(one)
        except LinkLost as error:
            self.error = error


Watch = Callable[..., Awaitable[Watched]]


def scene(seed: int = 1) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A picture with much in it to recognise it by."""
    random = np.random.default_rng(seed)
    blocks = random.integers(20, 235, (36, 64, 3), np.uint8)
    return np.asarray(cv2.resize(blocks, (640, 360), interpolation=cv2.INTER_NEAREST), np.uint8)


def put(folder: Path, number: int, image: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    """As a camera that uploads: whole at once."""
    fresh = folder.parent / "fresh.jpg"
    cv2.imwrite(str(fresh), image)
    fresh.rename(folder / f"{number:05}.jpg")


@pytest.fixture
async def watch(tmp_path: Path) -> AsyncIterator[Watch]:
    made: list[Watched] = []
    (tmp_path / "frames").mkdir()
    (tmp_path / "store" / "zones").mkdir(parents=True)

    async def begin(open_it: bool = True, masks: Any = MASKS, **options: Any) -> Watched:
        zones = {"camera": "cam-1", "size": [640, 360],
                 "spaces": [{"id": "a-01", "polygon": [[400, 200], [500, 200], [500, 300],
                                                       [400, 300]]}],
                 "masks": masks}  # fmt: skip
        (tmp_path / "store" / "zones" / "cam-1.yaml").write_text(json.dumps(zones))
        options = {"source": str(tmp_path / "frames"), "tasks": ["occupancy"], "rate": 10.0,
                   "rest": "1s"} | options  # fmt: skip
        device = Device("cam-1", "camera", 10.0, options=options)
        host = DeviceHost(device, Clock(), None, tmp_path / "store" / "state")
        made.append(Watched(CameraDriver(device, host)))
        if open_it:
            await made[-1].open()
        return made[-1]

    yield begin
    for one in made:
        await one.close()


async def test_every_thread_of_it_is_shut_in(watch: Watch, tmp_path: Path) -> None:
    camera = await watch()
    put(tmp_path / "frames", 1, scene())
    await camera.until(lambda: camera.heard)
    (first,) = [one for one in camera.heard if isinstance(one, Reading)][:1]
    assert first.point == "confined"
    if first.value is not True:
        pytest.skip("this kernel has no Landlock or no seccomp")
    for thread in Path(f"/proc/{camera.pid}/task").iterdir():
        status = (thread / "status").read_text()
        assert "Seccomp:\t2" in status
        assert "NoNewPrivs:\t1" in status


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGILL, signal.SIGKILL])
async def test_a_crash_is_told_and_it_can_be_opened_again(
    watch: Watch, tmp_path: Path, number: signal.Signals
) -> None:
    camera = await watch()
    os.kill(camera.pid, number)
    await camera.until(lambda: camera.error)
    assert camera.error is not None
    assert camera.error.reason == "child_died"
    assert number.name in str(camera.error)
    await camera.open()
    await camera.until(lambda: len(camera.heard) > 1)


async def test_a_mask_stays_in_every_snapshot(watch: Watch, tmp_path: Path) -> None:
    camera = await watch()
    put(tmp_path / "frames", 1, scene())
    feeding = asyncio.create_task(_feed(tmp_path / "frames"))
    try:
        jpeg = await camera.driver.snapshot()
    finally:
        feeding.cancel()
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    inside = image[:184, :304].astype(int)  # a block of JPEG within the edge nothing rings
    assert np.abs(inside - np.array(FILL)).max() <= 2
    assert np.abs(image[:, 340:].astype(int) - np.array(FILL)).max() > 60


async def _feed(folder: Path) -> None:
    for n in range(2, 1000):
        put(folder, n, scene())
        await asyncio.sleep(0.1)


async def test_a_camera_that_stops_and_returns_is_told_once_each(watch: Watch) -> None:
    server = CameraServer("rtsp")
    try:
        camera = await watch(source=server.where, masks=[])
        await _shows_now(camera)
        server.kill()
        await camera.until(lambda: "camera.lost" in camera.events())
        bad = [one for one in camera.heard if isinstance(one, Reading) and one.value is None]
        assert bad[-1].quality is Quality.BAD
        server.start()
        returned = now()
        await camera.until(lambda: "camera.back" in camera.events())
        back = next(e for e in camera.heard if isinstance(e, Event) and e.kind == "camera.back")
        assert back.at.mono / 1e9 - returned < 5.0
        await _shows_now(camera)
        assert [kind for kind in camera.events() if kind.startswith("camera.")] == [
            "camera.lost", "camera.back",
        ]  # fmt: skip
    finally:
        server.kill()


async def _shows_now(camera: Watched) -> None:
    """A snapshot is of the time it was asked for, not of before."""
    end = now() + 20
    while now() < end:
        asked = now()
        with suppress(LinkLost):
            image = cv2.imdecode(np.frombuffer(await camera.driver.snapshot(), np.uint8), 1)
            assert image is not None
            made = made_at(np.asarray(image, np.uint8))
            assert made is not None
            assert made > asked - 1.5
            return
        await asyncio.sleep(0.2)
    pytest.fail("no picture")


async def test_no_password_is_told(watch: Watch, tmp_path: Path, caplog: Any) -> None:
    caplog.set_level("DEBUG")
    server = CameraServer("rtsp", login="viewer:right-one")
    secret = tmp_path / "secret"
    secret.write_text("hunter2-wrong\n")
    try:
        camera = await watch(source=server.where, user="viewer", password_file=str(secret))
        await camera.until(lambda: "camera.lost" in camera.events())
        (lost,) = [e for e in camera.heard if isinstance(e, Event) and e.kind == "camera.lost"]
        assert lost.data["reason"] == "refused"
        argv = Path(f"/proc/{camera.pid}/cmdline").read_bytes()
        environment = Path(f"/proc/{camera.pid}/environ").read_bytes()
    finally:
        server.kill()
    assert b"hunter2" not in argv + environment
    assert "hunter2" not in caplog.text + repr(camera.heard)


LIAR = """
import os, sys, time
def hear(size):
    data = b""
    while len(data) < size: data += os.read(0, size - len(data))
    return data
hear(int.from_bytes(hear(4), "big"))
for text in sys.argv[1:]:
    data = bytes.fromhex(text)
    sys.stdout.buffer.write(len(data).to_bytes(4, "big") + data)
sys.stdout.flush()
time.sleep(60)
"""
READY = encode("ready", {"models": "a/1", "confined": True})


def headed(head: Mapping[str, Any]) -> bytes:
    text = json.dumps(head).encode()
    return len(text).to_bytes(4, "big") + text


LIES: Mapping[str, Callable[[], bytes]] = {
    "garbage": lambda: b"\xff" * 40,
    "nested": lambda: (50_000).to_bytes(4, "big") + b"[" * 50_000,
    "another kind": lambda: encode("execute", {"at": now()}),
    "a future": lambda: encode("frames", {"at": now() + 9, "lost": ""}),
    "long ago": lambda: encode("frames", {"at": now() - 90, "lost": ""}),
    "no number": lambda: encode("measured", {"at": now(), "point": "frames_rate",
                                             "value": float("nan"), "reason": ""}),
    "a huge number": lambda: encode("measured", {"at": now(), "point": "frames_rate",
                                                 "value": 10**30, "reason": ""}),
    "half a character": lambda: headed({"kind": "frames", "blobs": [],
                                        "body": {"at": now(), "lost": "\ud800"}}),
    "an unknown point": lambda: encode("measured", {"at": now(), "point": "x", "value": 1,
                                                    "reason": ""}),
    "another subject": lambda: encode("happened", {"at": now(), "kind": "space.seen",
                                                   "subject": "pump-1", "data": {}}),
    "another event": lambda: encode("happened", {"at": now(), "kind": "device.back",
                                                 "subject": "cam-1", "data": {}}),
    "a picture that is none": lambda: encode(
        "happened", {"at": now(), "kind": "view.lost", "subject": "cam-1", "data": {},
                     "pictures": [["scene", 8, 8]]}, [b"\xff\xd8\xff<script>\xff\xd9"]),
    "a role of no kind": lambda: encode(
        "happened", {"at": now(), "kind": "view.lost", "subject": "cam-1", "data": {},
                     "pictures": [[["x"], 8, 8]]}, [b""]),
    "a snapshot without a picture": lambda: encode("snapshot", {"at": now(), "number": [1]}),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
async def test_a_child_that_lies_is_ended(watch: Watch, lie: str) -> None:
    camera = await watch(open_it=False)
    host = camera.driver._host
    started: list[ChildProcess] = []

    async def child(argv: Any, limits: ChildLimits) -> ChildProcess:
        words = ["-I", "-c", LIAR, READY.hex(), LIES[lie]().hex()]
        started.append(await ChildProcess.start("cam-1", words, limits, {}))
        return started[0]

    host.child = child  # type: ignore[method-assign]  # the other side of the pipe
    await camera.open()
    await camera.until(lambda: camera.error)
    assert camera.error is not None
    assert camera.error.reason == "child_garbage"
    assert started[0]._process.returncode == -signal.SIGKILL


async def test_one_that_never_gets_up_blames_the_machine(watch: Watch) -> None:
    camera = await watch(open_it=False)

    async def child(argv: Any, limits: ChildLimits) -> ChildProcess:
        words = ["-I", "-c", "import os; os.kill(os.getpid(), 4)"]
        return await ChildProcess.start("cam-1", words, limits, {})

    camera.driver._host.child = child  # type: ignore[method-assign]  # a CPU without AVX
    hints = []
    for _ in range(3):
        with pytest.raises(LinkLost) as told:
            await camera.driver.open()
        hints.append(told.value.hint)
    assert "CPU" not in hints[1]
    assert "CPU may lack" in hints[2]
