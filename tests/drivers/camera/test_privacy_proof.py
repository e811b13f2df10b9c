"""Known plates before the real camera, service, broker: `no_plates` keeps them from everywhere."""

import asyncio
import base64
import csv
import itertools
import json
import os
import re
import signal
import sys
import unicodedata
from pathlib import Path

import cv2
import numpy as np
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from agent.buffer import schema
from agent.buffer.reader import every_batch
from drivers.camera.vision.arrays import Image
from tests.support_broker import Broker, eventually

FULL = os.environ.get("FIELDGATE_PROOF") == "full"
COUNT = 50 if FULL else 3
LOOKS = 6  # of each plate, so that a passage is told
SIZE, CUT = (1280, 720), (640, 400)  # px: of the scene; the most of a vehicle's cut-out
STRIDE = 8  # px from frame to frame: the gate sees it move
EMPTY = 10  # frames without a vehicle after each: longer than a track is waited for
READ = 0.6  # of the plates, at least, must be told where they may be, or their absence shows little
DATA = Path(os.environ.get("FIELDGATE_DATA", Path(__file__).parents[4] / "shared/data")) / "vision"
CONFIG = """\
gateway: {{id: demo}}
store: {{path: {folder}/store, max_size: 50MB, commit: {{every: 100ms}}}}
control: {{socket: {folder}/control.sock}}
metrics: {{listen: null}}
uplinks: [{{id: cloud, brokers: ["{url}"]}}]
devices:
  - {{id: cam-1, driver: camera, source: {folder}/frames, tasks: [plates], rate: 10, rest: 500ms,
      no_plates: {no_plates}}}
"""


def known() -> list[tuple[Image, str]]:
    """Vehicles' fronts cut out of real frames, each with one plate wide enough to be read."""
    if not (DATA / "plate_frames.csv").is_file():
        pytest.skip(f"no frames with known plates in {DATA}")
    with (DATA / "plate_frames.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    good = [r for r in rows if r["ignore"] == "0" and float(r["x2"]) - float(r["x1"]) > 90]
    first = list({r["text"]: r for r in good}.values())[:COUNT]
    return [(cut_out(row), row["text"]) for row in first]


def cut_out(row: dict[str, str]) -> Image:
    """The plate and as much around it as the scene has room for, in the frame's own pixels."""
    image = cv2.imread(str(DATA / "plate_frames" / row["file"]))
    assert image is not None
    left, top, right, bottom = (float(row[name]) for name in ("x1", "y1", "x2", "y2"))
    x, y = round((left + right) / 2), round((top + bottom) / 2)
    wide, high = CUT[0] // 2, CUT[1] // 2
    part = image[max(0, y - high) : y + high, max(0, x - wide) : x + wide]
    return np.asarray(part, np.uint8)


def scene() -> Image:
    """What the camera sees when no vehicle is there: always the same, with features to hold on."""
    blocks = np.random.default_rng(1).integers(20, 235, (18, 32, 3), np.uint8)
    large = cv2.resize(blocks, SIZE, interpolation=cv2.INTER_NEAREST)
    return np.asarray(large, np.uint8)


def writings(text: str) -> list[bytes]:
    """How a text may stand in bytes."""
    escaped = json.dumps(text)[1:-1]
    forms = [text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be"), text.encode("gbk")]
    return [*forms, escaped.encode(), unicodedata.normalize("NFKD", text).encode()]


def within(data: bytes, texts: list[str]) -> list[str]:
    """Those that are in it, as it is or within base64."""
    words = (one[: len(one) - (len(one) % 4 == 1)] for one in
             re.findall(rb"[A-Za-z0-9+/]{16,}", data))  # fmt: skip
    inner = [base64.b64decode(one + b"=" * (-len(one) % 4)) for one in words]
    return [t for t in texts if any(w in d for w in writings(t) for d in (data, *inner))]


async def drive(folder: Path, *, no_plates: bool) -> tuple[list[str], dict[str, bytes]]:
    """The texts that were shown, and all bytes in the store, in media and of MQTT."""
    frames = known()
    (folder / "frames").mkdir(parents=True)
    broker = Broker(folder / "broker")
    broker.start()
    heard: list[tuple[str, bytes]] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda _c, _u, one: heard.append((one.topic, bytes(one.payload)))
    client.connect("127.0.0.1", broker.port)
    client.subscribe("#", 1)
    client.loop_start()
    config = folder / "gateway.yaml"
    text = CONFIG.format(folder=folder, url=broker.url, no_plates=str(no_plates).lower())
    config.write_text(text)
    with (folder / "log").open("wb") as log:
        words = (sys.executable, "-m", "agent", "run", "--config", str(config))
        process = await asyncio.create_subprocess_exec(*words, stderr=log)
    try:
        await show(folder, frames)
        kind = b"vehicle.passed" if no_plates else b"plate.passed"
        await eventually(lambda: any(kind in one for _, one in heard), 60)
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
        client.loop_stop()
        broker.kill()
    files = {str(f): f.read_bytes() for f in (folder / "store").rglob("*") if f.is_file()}
    mqtt_bytes = {f"mqtt {n} {topic}": data for n, (topic, data) in enumerate(heard)}
    records = {"records": repr(stored(folder / "store")).encode()}
    return [text for _, text in frames], files | mqtt_bytes | records


def stored(folder: Path) -> list[object]:
    """What the packed batches of the store say."""
    connection = schema.open_readonly(folder / schema.FILE)
    try:
        return [batch.content for batch in every_batch(connection)]
    finally:
        connection.close()


async def show(folder: Path, frames: list[tuple[Image, str]]) -> None:
    """Each vehicle moves through some frames; the scene is empty between two, so that each is a
    passage of its own."""
    log, name = folder / "log", itertools.count()
    await eventually(lambda: b"cam-1" in log.read_bytes(), 30)
    for vehicle, _ in frames:
        high, wide = vehicle.shape[:2]
        for look in range(LOOKS + EMPTY):
            image = scene()
            if look < LOOKS:
                left = 300 + STRIDE * look
                image[200 : 200 + high, left : left + wide] = vehicle
            put(folder, next(name), image)
            await asyncio.sleep(0.4)


def put(folder: Path, number: int, image: Image) -> None:
    cv2.imwrite(str(folder / "fresh.jpg"), image)
    (folder / "fresh.jpg").rename(folder / "frames" / f"{number:06}.jpg")


@pytest.mark.timeout(1500 if FULL else 240)
async def test_the_text_of_known_plates_is_nowhere(tmp_path: Path) -> None:
    """The same frames are shown twice. With plates their texts are told, are stored and are found
    by the search; without, they are nowhere."""
    texts, kept = await drive(tmp_path / "with", no_plates=False)
    assert len(texts) == COUNT
    for part in ("records", "mqtt"):
        told = {t for name in kept if name.startswith(part) for t in within(kept[name], texts)}
        assert len(told) >= READ * COUNT, (part, sorted(told))
    assert [name for name in kept if name.endswith(".jpg")]

    _, refused = await drive(tmp_path / "without", no_plates=True)
    assert refused["records"].count(b"vehicle.passed") >= READ * COUNT
    assert not {name: hit for name, data in refused.items() if (hit := within(data, texts))}
    assert not [name for name in refused if name.endswith(".jpg")]


def test_the_search_sees_what_it_looks_for() -> None:
    text = "京A12345"
    for one in writings(text):
        assert within(b"x" + one + b"y", [text]) == [text]
        assert within(b'"' + base64.b64encode(b"0123456789" + one) + b'"', [text]) == [text]
