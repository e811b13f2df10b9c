"""A camera in the running service: started, shown, its zones edited."""

import asyncio
import base64
import json
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from agent.contract import GatewayError
from agent.control.client import ask_once

CONFIG = """\
gateway: {{id: demo}}
store: {{path: {folder}/store, max_size: 50MB, commit: {{every: 100ms}}}}
control: {{socket: {folder}/control.sock}}
metrics: {{listen: null}}
devices:
  - {{id: a, driver: simulated, every: 100ms}}
  - id: cam-1
    driver: camera
    source: {folder}/frames
    tasks: [occupancy]
    rate: 10
    rest: 1s
parking:
  spaces:
    a-01: {{device: cam-1, point: occupied_a-01}}
"""
ZONES = {
    "camera": "cam-1",
    "size": [640, 360],
    "spaces": [{"id": "a-01", "polygon": [[400, 200], [500, 200], [500, 300], [400, 300]]}],
}


@dataclass
class Service:
    folder: Path
    process: asyncio.subprocess.Process

    async def ask(self, **request: Any) -> dict[str, Any]:
        return await asyncio.to_thread(ask_once, self.folder / "control.sock", request, 20.0)

    async def device(self, name: str) -> dict[str, Any]:
        board = await self.ask(do="status")
        found: dict[str, Any] = board["devices"][name]
        return found

    async def until_seen(self, reads: int) -> None:
        """Until the camera has told more readings than that, and is up."""
        for _ in range(1200):
            status = await self.device("cam-1")
            if status["reads"] > reads and status["state"] in {"ok", "degraded"}:
                return
            await asyncio.sleep(0.1)
        pytest.fail("the camera did not come back")

    async def camera(self) -> int:
        """The process that sees."""
        for _ in range(600):
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    ours = f"PPid:\t{self.process.pid}\n" in (folder / "status").read_text()
                    words = (folder / "cmdline").read_bytes()
                except OSError:
                    continue
                if ours and b"drivers.camera.child" in words:
                    return int(folder.name)
            await asyncio.sleep(0.1)
        pytest.fail("no process of a camera")


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    (tmp_path / "frames").mkdir()
    (tmp_path / "store" / "zones").mkdir(parents=True)
    (tmp_path / "store" / "zones" / "cam-1.yaml").write_text(json.dumps(ZONES))
    config = tmp_path / "gateway.yaml"
    config.write_text(CONFIG.format(folder=tmp_path))
    with (tmp_path / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", "run", "--config", str(config)), stderr=log
        )
    feeding = asyncio.create_task(_feed(tmp_path))
    one = Service(tmp_path, process)
    for _ in range(400):
        try:
            await one.device("a")
            break
        except (GatewayError, KeyError):  # not up, or not all of it
            assert process.returncode is None, (tmp_path / "log").read_text()
            await asyncio.sleep(0.1)
    yield one
    feeding.cancel()
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    await process.wait()


async def _feed(folder: Path) -> None:
    """A new picture every 100 ms; the newest few stay."""
    blocks = np.random.default_rng(1).integers(20, 235, (36, 64, 3), np.uint8)
    image = cv2.resize(blocks, (640, 360), interpolation=cv2.INTER_NEAREST)
    n = 0
    while True:
        cv2.imwrite(str(folder / "fresh.jpg"), image)
        (folder / "fresh.jpg").rename(folder / "frames" / f"{n:06}.jpg")
        (folder / "frames" / f"{n - 5:06}.jpg").unlink(missing_ok=True)
        n += 1
        await asyncio.sleep(0.1)


async def test_a_space_of_a_camera_is_a_parking_space_and_a_picture_can_be_had(
    service: Service,
) -> None:
    await service.until_seen(0)
    shown = await service.ask(do="snapshot", device="cam-1")
    assert base64.b64decode(shown["jpeg"]).startswith(b"\xff\xd8\xff")
    with pytest.raises(GatewayError, match="no camera"):
        await service.ask(do="snapshot", device="a")
    for _ in range(300):
        (space,) = (await service.ask(do="spaces"))["spaces"]
        if space["state"] in {"occupied", "free", "vacant"}:
            break
        await asyncio.sleep(0.1)
    assert space["state"] in {"occupied", "free", "vacant"}, space


async def test_edited_zones_start_that_camera_anew_and_nothing_else(service: Service) -> None:
    await service.until_seen(0)
    before, reads = await service.camera(), (await service.device("a"))["reads"]
    zones = ZONES | {"masks": [{"polygon": [[0, 0], [100, 0], [100, 100]]}]}
    (service.folder / "store" / "zones" / "cam-1.yaml").write_text(json.dumps(zones))
    service.process.send_signal(signal.SIGHUP)
    for _ in range(200):
        if await service.camera() != before:
            break
        await asyncio.sleep(0.1)
    assert await service.camera() != before
    assert (await service.device("a"))["reads"] >= reads
    assert "touched: device cam-1" in (service.folder / "log").read_text()
