"""What one camera costs: memory of its process with all models on 1080p, CPU idle against busy.

    python benchmarks/vision_child.py [SECONDS]

CPU is user and system time of the camera's process per second. Busy: a car is in the picture all
the time, so that every look runs all models, `rate` times a second. Idle: the same stream of the
same scene with nobody there. `rest` looks are taken in both.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from agent.clock import Clock
from agent.contract import Device, Reading
from agent.demo import gate_scene
from agent.host import DeviceHost
from benchmarks import _films
from drivers.camera.driver import CameraDriver
from tests.support_rtsp import has_rtsp

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 64.0  # it tells its looks every 60 s
SETTLED = 8.0  # s after the first word
MOST_MB, MOST_SHARE = 220, 0.25
PUT = 4  # pictures a second that are put into the folder
CASES = (
    ("folder", f"{PUT} JPEG/s", 4.0),
    ("MJPEG", f"{_films.RATE}/s", 4.0),
    ("RTSP", f"H.264 {_films.RATE}/s", 4.0),
)
ZONES = {
    "camera": "cam-1",
    "size": gate_scene.SIZE,
    "spaces": [{"id": name, "polygon": corners} for name, corners in gate_scene.spaces().items()],
}


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """MB at most so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1000


async def put(folder: Path, film: list[bytes]) -> None:
    """As a camera that uploads."""
    for n in range(sys.maxsize):
        (folder.parent / "fresh.jpg").write_bytes(film[n % len(film)])
        (folder.parent / "fresh.jpg").rename(folder / f"{n:06}.jpg")
        (folder / f"{n - 3:06}.jpg").unlink(missing_ok=True)
        await asyncio.sleep(1 / PUT)


async def run(source: str, store: Path, film: list[bytes], rate: float) -> dict[str, float]:
    """CPU seconds a second, MB at most, looks a second."""
    options: dict[str, Any] = {"source": source, "tasks": ["plates", "occupancy"], "rate": rate}
    options["memory"] = 600
    device = Device("cam-1", "camera", 10.0, options=options)
    driver = CameraDriver(device, DeviceHost(device, Clock(), None, store / "state"))
    await driver.open()
    assert driver._child is not None
    pid, told = driver._child.pid, {"looks_rate": 0.0, "frames_rate": 0.0}

    async def hear() -> None:
        async for one in driver.readings():
            if isinstance(one, Reading) and one.point in told:
                told[one.point] = float(one.value or 0)

    beside = [asyncio.create_task(hear())]
    if film:
        beside.append(asyncio.create_task(put(Path(source), film)))
    await asyncio.sleep(SETTLED)
    began = cpu(pid)
    await asyncio.sleep(SECONDS)
    used = (cpu(pid) - began) / SECONDS
    told |= {"cpu": used, "mb": resident(pid)}
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    await driver.close()
    return told


@contextmanager
def shown(kind: str, folder: Path, *, moving: bool) -> Iterator[tuple[str, list[bytes]]]:
    """(what the camera's `source:` is, the pictures to put there)."""
    if kind == "folder":
        (folder / "frames").mkdir(exist_ok=True)
        yield str(folder / "frames"), _films.jpegs(moving=moving)
        return
    served = _films.mjpeg(moving=moving) if kind == "MJPEG" else _films.rtsp(folder, moving=moving)
    with served as address:
        yield address, []


def measured(kind: str, rate: float) -> dict[str, dict[str, float]]:
    found = {}
    for what in ("busy", "idle"):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "zones").mkdir()
            (folder / "zones" / "cam-1.yaml").write_text(json.dumps(ZONES))
            with shown(kind, folder, moving=what == "busy") as (source, film):
                found[what] = asyncio.run(run(source, folder, film, rate))
    return found


def main() -> None:
    most = 0.0
    for kind, pace, rate in CASES:
        if kind == "RTSP" and not has_rtsp():
            continue
        found = measured(kind, rate)
        most = max(most, *(one["mb"] for one in found.values()))
        share = round(found["idle"]["cpu"] / found["busy"]["cpu"], 2)
        told = {
            f"{what}_{key}": round(value, 3)
            for what, one in found.items()
            for key, value in one.items()
        }
        name = f"vision_child: {kind} 1080p, {pace}, {rate:g} looks/s: CPU idle, of busy"
        result = {"bench": name, "value": share, "goal": MOST_SHARE, "ok": share <= MOST_SHARE}
        print(json.dumps(result | told), flush=True)
    name = "vision_child: memory with all three models at 1080p, MB"
    print(json.dumps({"bench": name, "value": most, "goal": MOST_MB, "ok": most <= MOST_MB}))


if __name__ == "__main__":
    main()
