"""What lies behind a mask is in no file and no message: the real camera, service, store, broker."""

import asyncio
import base64
import json
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from agent.control.client import ask_once
from agent.demo import gate_scene
from drivers.camera.privacy import FILL
from drivers.camera.vision.arrays import Image
from tests.support_broker import Broker, eventually

SIZE = gate_scene.SIZE
LARGER = (1280, 720)  # a camera whose resolution somebody changes
MASKS = [
    [[0, 0], [960, 0], [960, 90], [0, 101]],
    [[0, 301], [47, 290], [59, 540], [0, 540]],
    [[262, 180], [300, 170], [303, 411], [258, 420]],
]
ZONES = {
    "camera": "gate-1",
    "size": list(SIZE),
    "masks": [{"polygon": mask} for mask in MASKS],
    "no_parking": [
        {"id": f"lane-{name}", "polygon": [list(point) for point in points], "longest": "10s"}
        for name, points in gate_scene.spaces().items()
    ],
}
CONFIG = """\
gateway: {{id: demo}}
store: {{path: {folder}/store, max_size: 50MB, commit: {{every: 100ms}}}}
control: {{socket: {folder}/control.sock}}
metrics: {{listen: null}}
uplinks: [{{id: cloud, brokers: ["{url}"]}}]
devices:
  - {{id: gate-1, driver: camera, source: {folder}/frames, tasks: [plates, no_parking], rate: 6,
      rest: 500ms}}
"""
FPS = 8
LOUD = 60  # gray levels: no paint of the scene is as pink, what lies behind the masks is far more


def masked(size: tuple[int, int]) -> Image:
    """1 where a mask lies."""
    inside = np.zeros((size[1], size[0]), np.uint8)
    for mask in MASKS:
        points = np.array(mask, np.float64) * (np.array(size) / SIZE)
        cv2.fillPoly(inside, [np.round(points).astype(np.int32)], 1)
    return inside


def secret(image: Image) -> Image:
    """With loud pink noise behind the masks, which is nowhere else."""
    noise = np.random.default_rng().integers(0, 56, (*image.shape[:2], 3), np.uint8)
    pink = noise + np.array([200, 0, 200], np.uint8)
    out: Image = np.where(masked((image.shape[1], image.shape[0]))[..., None] > 0, pink, image)
    return out


def is_pink(image: Image) -> Image:
    """How many levels the green of a pixel lies below its blue and its red."""
    blue, green, red = (image[..., k].astype(int) for k in range(3))
    pink: Image = np.clip(np.minimum(blue, red) - green, 0, 255).astype(np.uint8)
    return pink


async def show(folder: Path, larger: asyncio.Event) -> None:
    for number in range(10_000):
        image = gate_scene.frame(number / FPS)
        if larger.is_set():
            image = np.asarray(cv2.resize(image, LARGER), np.uint8)
        cv2.imwrite(str(folder / "fresh.jpg"), secret(image), [cv2.IMWRITE_JPEG_QUALITY, 95])
        (folder / "fresh.jpg").rename(folder / "frames" / f"{number:06}.jpg")
        await asyncio.sleep(1 / FPS)


def pictures(data: bytes) -> Iterator[Image]:
    """All JPEGs in some bytes, as they are or within base64."""
    inner = re.findall(rb"/9j/[A-Za-z0-9+/=]{100,}", data)
    for text in (data, *(base64.b64decode(one + b"==") for one in inner)):
        for found in re.finditer(b"\xff\xd8\xff", text):
            image = cv2.imdecode(np.frombuffer(text[found.start() :], np.uint8), cv2.IMREAD_COLOR)
            if image is not None:
                yield np.asarray(image, np.uint8)


async def snapshot(folder: Path) -> bytes:
    request = {"do": "snapshot", "device": "gate-1"}
    answer = await asyncio.to_thread(ask_once, folder / "control.sock", request, 30.0)
    return base64.b64decode(answer["jpeg"])


async def drive(folder: Path) -> dict[str, bytes]:
    """All that was kept, sent or shown, by where it was found."""
    (folder / "frames").mkdir()
    (folder / "store" / "zones").mkdir(parents=True)
    (folder / "store" / "zones" / "gate-1.yaml").write_text(json.dumps(ZONES))
    broker = Broker(folder / "broker")
    broker.start()
    heard: list[tuple[str, bytes]] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda _c, _u, one: heard.append((one.topic, bytes(one.payload)))
    client.connect("127.0.0.1", broker.port)
    client.subscribe("#", 1)
    client.loop_start()
    (folder / "gateway.yaml").write_text(CONFIG.format(folder=folder, url=broker.url))
    words = (sys.executable, "-m", "agent", "run", "--config", str(folder / "gateway.yaml"))
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*words, stderr=log)
    larger = asyncio.Event()
    showing = asyncio.create_task(show(folder, larger))

    def count(kind: bytes) -> int:
        return sum(kind in data for _, data in heard)

    kept = {}
    try:
        await eventually(lambda: count(b"plate.passed") > 0, 60)
        await eventually(lambda: count(b"no_parking.stood") > 0, 60)
        kept["snapshot 1"] = await snapshot(folder)
        before = count(b"plate.passed")
        larger.set()
        await eventually(lambda: count(b"plate.passed") > before, 60)
        kept["snapshot 2"] = await snapshot(folder)
    finally:
        showing.cancel()
        process.send_signal(signal.SIGTERM)
        await process.wait()
        client.loop_stop()
        broker.kill()
    kept |= {str(f): f.read_bytes() for f in (folder / "store").rglob("*") if f.is_file()}
    return kept | {f"mqtt {n} {topic}": data for n, (topic, data) in enumerate(heard)}


@pytest.mark.timeout(240)
async def test_no_pixel_from_behind_a_mask_is_anywhere(tmp_path: Path) -> None:
    kept = await drive(tmp_path)
    found = {name: list(pictures(data)) for name, data in kept.items()}
    for what in ("snapshot", "mqtt", ".jpg"):
        assert sum(len(shown) for name, shown in found.items() if what in name) >= 2, what
    scenes = 0
    for name, shown in found.items():
        for image in shown:
            assert is_pink(image).max() < LOUD, name
            size = (image.shape[1], image.shape[0])
            if size in {SIZE, LARGER}:
                scenes += 1
                assert (image[masked(size) > 0] == FILL).all(), name
    assert scenes >= 4
    parts = [one for shown in found.values() for one in shown if one.shape[1] < SIZE[0]]
    assert any((one == FILL).all(axis=2).mean() > 0.02 for one in parts), "no part had a mask in it"


def test_the_search_sees_what_it_looks_for() -> None:
    image = secret(gate_scene.frame(2.0))
    jpeg = cv2.imencode(".jpg", image)[1].tobytes()
    for data in (b"x" + jpeg, b'{"p": "' + base64.b64encode(jpeg) + b'"}'):
        (seen,) = pictures(data)
        assert is_pink(seen).max() > 2 * LOUD
    plain = cv2.imencode(".jpg", gate_scene.frame(2.0))[1].tobytes()
    (seen,) = pictures(plain)
    assert is_pink(seen).max() < LOUD
