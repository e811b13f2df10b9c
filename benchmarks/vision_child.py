"""What one camera costs: memory of its process with all models on 1080p, CPU idle against busy.

    python benchmarks/vision_child.py [SECONDS]

Idle and busy show 1080p pictures at the same pace from a folder; RTSP adds the decoding of H.264.
"""

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from agent.clock import Clock
from agent.contract import Device
from agent.host import DeviceHost
from drivers.camera.driver import CameraDriver
from tests.support_rtsp import CameraServer, has_rtsp

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
MOST_MB, MOST_SHARE = 220, 0.25
ZONES = {
    "camera": "cam-1",
    "size": [1920, 1080],
    "spaces": [
        {"id": f"a-{n:02}", "polygon": [[x, 400], [x + 100, 400], [x + 100, 550], [x, 550]]}
        for n, x in enumerate(range(100, 1700, 160))
    ],
}


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int, key: str = "VmHWM") -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) // 1024


async def feed(folder: Path, *, moving: bool) -> None:
    """Four pictures a second; `moving`: each differs."""
    blocks = np.random.default_rng(1).integers(20, 235, (54, 96, 3), np.uint8)
    still = cv2.resize(blocks, (1920, 1080), interpolation=cv2.INTER_NEAREST)
    pair = [still.copy(), still.copy()]
    if moving:
        pair[1][300:700, 300:900] = 60
    packed = [cv2.imencode(".jpg", image)[1].tobytes() for image in pair]
    n = 0
    while True:
        (folder.parent / "fresh.jpg").write_bytes(packed[n % 2])
        (folder.parent / "fresh.jpg").rename(folder / f"{n:06}.jpg")
        (folder / f"{n - 3:06}.jpg").unlink(missing_ok=True)
        n += 1
        await asyncio.sleep(0.25)


async def run(source: str, store: Path, moving: bool | None) -> tuple[float, int]:
    """(CPU seconds a second, MB at most)."""
    options: dict[str, Any] = {"source": source, "tasks": ["plates", "occupancy"], "memory": 600}
    device = Device("cam-1", "camera", 10.0, options=options)
    driver = CameraDriver(device, DeviceHost(device, Clock(), None, store / "state"))
    await driver.open()
    assert driver._child is not None
    pid = driver._child.pid

    async def hear() -> None:
        async for _ in driver.readings():
            pass

    beside = [asyncio.create_task(hear())]
    if moving is not None:
        beside.append(asyncio.create_task(feed(Path(source), moving=moving)))
    await asyncio.sleep(8)
    began = cpu(pid)
    await asyncio.sleep(SECONDS)
    told = (cpu(pid) - began) / SECONDS, resident(pid)
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    await driver.close()
    return told


async def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "zones").mkdir()
        (folder / "frames").mkdir()
        (folder / "zones" / "cam-1.yaml").write_text(json.dumps(ZONES))
        busy, memory = await run(str(folder / "frames"), folder, moving=True)
        idle, _ = await run(str(folder / "frames"), folder, moving=False)
        print(f"folder 1080p: busy {busy:.3f}, idle {idle:.3f} CPU s/s, share {idle / busy:.2f}"
              f" (at most {MOST_SHARE})")  # fmt: skip
        if has_rtsp():
            server = CameraServer("rtsp", (1920, 1080), 15)
            try:
                decoding, more = await run(server.where, folder, moving=None)
            finally:
                server.kill()
            memory = max(memory, more)
            print(f"RTSP H.264 1080p at 15/s: {decoding:.3f} CPU s/s with decoding")
        print(f"memory: {memory} MB at most (allowed {MOST_MB})")
        return int(memory > MOST_MB or idle / busy > MOST_SHARE)


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
