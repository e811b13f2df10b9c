"""Cameras for tests: an RTSP server, an MJPEG server; each frame carries the time it was made at.

The time is CLOCK_BOOTTIME in ms, written as 6 rows of 8 black or white blocks: 5 bytes and their
sum. It survives any codec.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

PYTHON = "/usr/bin/python3"  # the one that Debian's python3-gi belongs to

BARCODE = """
import sys, time

def barcode(width, height):
    stamp = int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)
    code = stamp.to_bytes(5, "big")
    code += bytes([sum(code) & 255])
    rows = []
    for byte in code:
        bits = [byte >> (7 - bit) & 1 for bit in range(8)]
        rows.append(b"".join((b"\\xeb" if bit else b"\\x10") * (width // 8) for bit in bits))
    return b"".join(row.ljust(width, b"\\x10") * (height // 6) for row in rows).ljust(
        width * height, b"\\x10")
"""

RTSP = (
    BARCODE
    + """
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer

port, width, height, rate, login = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5:]

def configure(factory, media):
    source = media.get_element().get_child_by_name("camera")
    def tick():
        frame = Gst.Buffer.new_wrapped(barcode(width, height))
        return source.emit("push-buffer", frame) == Gst.FlowReturn.OK
    GLib.timeout_add(1000 // rate, tick)

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(
    "( appsrc name=camera is-live=true do-timestamp=true format=time "
    f"caps=video/x-raw,format=GRAY8,width={width},height={height},framerate={rate}/1 "
    "! videoconvert ! video/x-raw,format=I420 "
    "! x264enc tune=zerolatency speed-preset=ultrafast threads=1 key-int-max=30 bitrate=1500 "
    "! rtph264pay name=pay0 pt=96 config-interval=1 "
    "audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay1 pt=8 )")
factory.set_shared(True)
factory.connect("media-configure", configure)
if login:
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    if login.pop() == "digest":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(*login, token)
    else:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(*login), token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("user", "media.factory.access", True)
    permissions.add_permission_for_role("user", "media.factory.construct", True)
    factory.set_permissions(permissions)
server.get_mount_points().add_factory("/cam", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
"""
)

MJPEG = (
    BARCODE
    + """
import http.server, socketserver
import cv2, numpy as np
width, height, rate = map(int, sys.argv[2:5])

def jpeg():
    image = np.frombuffer(barcode(width, height), np.uint8).reshape(height, width)
    return cv2.imencode(".jpg", image)[1].tobytes()

class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args): pass
    def do_GET(self):
        self.send_response(200)
        if self.path == "/still.jpg":
            body = jpeg()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        try:
            while True:
                body = jpeg()
                head = b"--frame\\r\\nContent-Type: image/jpeg\\r\\nContent-Length: %d\\r\\n\\r\\n"
                self.wfile.write(head % len(body) + body + b"\\r\\n")
                time.sleep(1 / rate)
        except OSError:
            pass

class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = allow_reuse_address = True

server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""
)


def has_rtsp() -> bool:
    """Whether an RTSP server can be run here."""
    look = "import gi; gi.require_version('GstRtspServer', '1.0'); gi.require_version('Gst', '1.0')"
    look += "; from gi.repository import Gst, GstRtspServer; Gst.init(None)"
    look += "; raise SystemExit(not Gst.ElementFactory.find('x264enc'))"
    if not Path(PYTHON).exists():
        return False
    return subprocess.run([PYTHON, "-c", look], capture_output=True, check=False).returncode == 0


def _login(login: str, digest: bool) -> list[str]:
    if not login:
        return []
    return [*login.split(":", 1), "digest" if digest else "basic"]


class CameraServer:
    """A camera in a process of its own, always at the same port."""

    def __init__(
        self,
        kind: str,
        size: tuple[int, int] = (640, 480),
        rate: int = 15,
        login: str = "",
        *,
        digest: bool = False,
    ) -> None:
        """`kind`: rtsp, mjpeg, still. `login`: user:password, for rtsp. Skips the test where it
        cannot be."""
        if kind == "rtsp" and not has_rtsp():
            pytest.skip("no RTSP server: apt install gir1.2-gst-rtsp-server-1.0 python3-gi "
                        "gstreamer1.0-plugins-base gstreamer1.0-plugins-ugly")  # fmt: skip
        program = [PYTHON, "-c", RTSP] if kind == "rtsp" else [sys.executable, "-c", MJPEG]
        more = [*map(str, (*size, rate)), *_login(login, digest)]
        self._kind, self._program, self._more, self.port = kind, program, more, 0
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def where(self) -> str:
        path = {"rtsp": "/cam", "mjpeg": "/stream", "still": "/still.jpg"}[self._kind]
        scheme = "rtsp" if self._kind == "rtsp" else "http"
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def start(self) -> None:
        """Returns once it answers."""
        argv = [*self._program, str(self.port), *self._more]
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None


def made_at(image: NDArray[np.uint8]) -> float | None:
    """The time in a frame, in s; None when it cannot be read."""
    height, width = image.shape[:2]
    code = bytearray()
    for row in range(6):
        y = height * (2 * row + 1) // 12
        bits = [int(image[y, width * (2 * bit + 1) // 16].mean() > 128) for bit in range(8)]
        code.append(int("".join(map(str, bits)), 2))
    return int.from_bytes(code[:5], "big") / 1000 if sum(code[:5]) & 255 == code[5] else None


def now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
