"""A gate for the proof that a camera's process may die: sensors on wires, and cameras that watch.

The cameras show the demo's gate at 1080p as MJPEG; while the file `huge-NAME` lies in its folder,
the camera of that name shows a picture whose unpacking takes more memory than any child may have.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from agent.demo import gate_scene

SIZE, HUGE = (1920, 1080), (7680, 4320)  # pixels
RATE = 8  # frames/s
DRIVE = 5.5  # s that a car of the scene is to be seen

CONFIG = """\
gateway: {{id: demo}}
store: {{path: {folder}/store, max_size: 500MB}}
control: {{socket: {folder}/control.sock}}
metrics: {{listen: null}}
wires:
  rs485-1: {{port: {folder}/rs485-1, baud: 9600}}
  rs485-2: {{port: {folder}/rs485-2, baud: 9600}}
{peers}
devices:
{devices}
uplinks:
  - {{id: cloud, brokers: ["mqtt://127.0.0.1:{broker}"], live_period: 500ms}}
"""
PEER = '  peer-{n}: {{connect: "127.0.0.1:{port}"}}'
SENSOR = (
    "  - {{id: sensor-{n}, driver: modbus, profile: {profile}, wire: {wire}, unit: {unit}, "
    "every: 1s}}"
)
CAMERA = """\
  - id: {name}
    driver: camera
    source: http://127.0.0.1:{port}/{name}
    tasks: [plates, occupancy]"""


def configuration(folder: Path, broker: int, camera: int, cameras: Sequence[str],
                  peers: Sequence[int]) -> str:  # fmt: skip
    """Six sensors on two RTU wires, one more behind each port of `peers`; the cameras' port."""
    sensors = [
        SENSOR.format(n=n, profile="xy-md02", wire=f"rs485-{1 + n // 3}", unit=1 + n % 3)
        for n in range(6)
    ]
    sensors += [
        SENSOR.format(n=6 + n, profile="eastron-sdm120", wire=f"peer-{n}", unit=1)
        for n in range(len(peers))
    ]
    seen = [CAMERA.format(name=name, port=camera) for name in cameras]
    behind = [PEER.format(n=n, port=port) for n, port in enumerate(peers)]
    return CONFIG.format(
        folder=folder, broker=broker, peers="\n".join(behind), devices="\n".join([*sensors, *seen])
    )


def zones(camera: str) -> dict[str, object]:
    spaces = [
        {"id": f"{camera}-{name}", "polygon": [list(point) for point in polygon]}
        for name, polygon in gate_scene.spaces().items()
    ]
    return {"camera": camera, "size": list(gate_scene.SIZE), "spaces": spaces}


@dataclass
class GateCameras:
    """All cameras of a gate in one process."""

    folder: Path
    seconds: float = DRIVE  # of the scene, shown again and again
    port: int = 0
    _process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support_gate", str(self.folder), str(self.seconds)),
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[1],
        )
        assert self._process.stdout is not None
        self.port = int(await self._process.stdout.readline())

    def huge(self, camera: str, *, shown: bool) -> None:
        file = self.folder / f"huge-{camera}"
        file.touch() if shown else file.unlink()

    async def stop(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


class Show(BaseHTTPRequestHandler):
    folder: Path
    film: Sequence[bytes]
    picture: bytes

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        mark = self.folder / f"huge-{self.path.strip('/')}"
        began = time.monotonic()
        with contextlib.suppress(OSError):
            for number in range(sys.maxsize):
                jpeg = self.picture if mark.exists() else self.film[number % len(self.film)]
                head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
                self.wfile.write(head % len(jpeg) + jpeg + b"\r\n")
                time.sleep(max(0.0, began + (number + 1) / RATE - time.monotonic()))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        """Nobody reads it."""


def main(folder: Path, seconds: float) -> None:
    import cv2

    cv2.setNumThreads(1)
    packed = []
    for number in range(round(seconds * RATE)):
        at = gate_scene.APPEARS + number / RATE
        frame = cv2.resize(gate_scene.frame(at), SIZE, interpolation=cv2.INTER_CUBIC)
        packed.append(cv2.imencode(".jpg", frame)[1].tobytes())
    large = cv2.resize(gate_scene.frame(2.0), HUGE)
    Show.folder, Show.film = folder, packed
    how = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_QUALITY, 30]
    Show.picture = cv2.imencode(".jpg", large, how)[1].tobytes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Show)
    server.daemon_threads = True
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


def children(parent: int) -> set[int]:
    """The processes in which a camera of this agent is seen."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            ours = f"PPid:\t{parent}\n" in (folder / "status").read_text()
            if ours and b"drivers.camera.child" in (folder / "cmdline").read_bytes():
                found.add(int(folder.name))
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
