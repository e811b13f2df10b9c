"""A 1080p camera for benchmarks: the demo's gate, quiet or with a car in the picture all the time.

As JPEGs, as MJPEG over HTTP, and as H.264 over RTSP packed as cameras do it: high profile, CABAC,
deblocked, a key frame every two seconds, 4 Mbit/s. What is shown is packed beforehand and shown
again and again.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from agent.demo import gate_scene
from tests.support_rtsp import PYTHON

SIZE = (1920, 1080)
RATE = 15  # frames/s
FRAMES = 60
EMPTY, CAR = 0.2, 1.0  # s of the scene: nobody there; a car comes, for four seconds

RTSP = """
import gi, sys
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
file, width, height, rate = sys.argv[1], *map(int, sys.argv[2:])
size = width * height * 3 // 2

def packed():
    line = Gst.parse_launch(
        "appsrc name=raw format=time caps=video/x-raw,format=I420,"
        f"width={width},height={height},framerate={rate}/1 "
        "! x264enc bitrate=4000 speed-preset=veryfast threads=1 key-int-max=30 bframes=0 "
        "rc-lookahead=0 sliced-threads=false "
        "! video/x-h264,profile=high,stream-format=byte-stream,alignment=au "
        "! appsink name=done sync=false max-buffers=1000")
    raw, done = line.get_by_name("raw"), line.get_by_name("done")
    line.set_state(Gst.State.PLAYING)
    with open(file, "rb") as film:
        for n, frame in enumerate(iter(lambda: film.read(size), b"")):
            buffer = Gst.Buffer.new_wrapped(frame)
            buffer.pts, buffer.duration = n * Gst.SECOND // rate, Gst.SECOND // rate
            raw.emit("push-buffer", buffer)
    raw.emit("end-of-stream")
    units = []
    while (sample := done.emit("pull-sample")) is not None:
        buffer = sample.get_buffer()
        units.append(buffer.extract_dup(0, buffer.get_size()))
    line.set_state(Gst.State.NULL)
    return units

units = packed()

def configure(factory, media):
    source, count = media.get_element().get_child_by_name("camera"), iter(range(10**9))
    def tick():
        buffer = Gst.Buffer.new_wrapped(units[next(count) % len(units)])
        return source.emit("push-buffer", buffer) == Gst.FlowReturn.OK
    GLib.timeout_add(1000 // rate, tick)

server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    "( appsrc name=camera is-live=true do-timestamp=true format=time caps=video/x-h264,"
    f"profile=high,stream-format=byte-stream,alignment=au,width={width},height={height},"
    f"framerate={rate}/1 ! rtph264pay name=pay0 pt=96 config-interval=1 )")
factory.set_shared(True)
factory.connect("media-configure", configure)
server.get_mount_points().add_factory("/cam", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
"""


def frames(*, moving: bool) -> "Iterator[np.ndarray[Any, np.dtype[np.uint8]]]":
    """BGR, each with noise of its own."""
    for number in range(FRAMES):
        at = CAR + number / RATE if moving else EMPTY + number / 1000
        yield cv2.resize(gate_scene.frame(at), SIZE, interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def jpegs(*, moving: bool) -> list[bytes]:
    quality = [cv2.IMWRITE_JPEG_QUALITY, 85]
    return [cv2.imencode(".jpg", f, quality)[1].tobytes() for f in frames(moving=moving)]


@contextmanager
def rtsp(folder: Path, *, moving: bool) -> Iterator[str]:
    """Its address."""
    raw = folder / "film"
    with raw.open("wb") as file:
        for frame in frames(moving=moving):
            file.write(cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420).tobytes())
    words = [PYTHON, "-c", RTSP, str(raw), *map(str, (*SIZE, RATE))]
    with _running(words) as port:
        yield f"rtsp://127.0.0.1:{port}/cam"


@contextmanager
def mjpeg(*, moving: bool) -> Iterator[str]:
    """Its address."""
    words = [sys.executable, "-m", "benchmarks._films", *(["moving"] if moving else [])]
    with _running(words) as port:
        yield f"http://127.0.0.1:{port}/"


@contextmanager
def _running(words: list[str]) -> Iterator[int]:
    """A server that says its port."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


class _Show(BaseHTTPRequestHandler):
    film: list[bytes]

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        began = time.monotonic()
        with suppress(OSError):
            for number in range(sys.maxsize):
                jpeg = self.film[number % len(self.film)]
                head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
                self.wfile.write(head % len(jpeg) + jpeg + b"\r\n")
                time.sleep(max(0.0, began + (number + 1) / RATE - time.monotonic()))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        """Nobody reads it."""


def main() -> None:
    _Show.film = jpegs(moving="moving" in sys.argv)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Show)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
