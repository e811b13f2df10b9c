"""The demo's camera: a process that shows the drawn gate as MJPEG over HTTP, on loopback."""

import asyncio
import contextlib
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec

PACKAGES = ("cv2", "onnxruntime")  # what the camera driver sees with
_RATE = 8.0  # frames/s
_QUALITY = 85  # of the JPEGs
_STARTS_WITHIN = 20.0  # s
_BOUNDARY = "frame"


def can_see() -> bool:
    return all(find_spec(name) is not None for name in PACKAGES)


class GateCamera:
    """It ends when its stdin is closed, so it never outlives the demo."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> str | None:
        """Its address; None when it cannot show anything here."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent.demo.gate_camera"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the demo
        )
        port = b""
        if self._process.stdout is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STARTS_WITHIN):
                    port = await self._process.stdout.readline()
        return f"http://127.0.0.1:{int(port)}/" if port.strip().isdigit() else None

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
        if self._process is not None:
            await self._process.wait()


class _Show(BaseHTTPRequestHandler):
    """Whatever is asked for, the stream is the answer. The scene begins with the first request."""

    began: float | None = None

    def do_GET(self) -> None:
        """Until the other end goes."""
        if _Show.began is None:
            _Show.began = time.monotonic()
        self.send_response(200)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                due = time.monotonic() + 1 / _RATE
                self._send(jpeg(time.monotonic() - _Show.began))
                time.sleep(max(0.0, due - time.monotonic()))

    def _send(self, picture: bytes) -> None:
        head = (
            f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
        )
        self.wfile.write(head.encode() + picture + b"\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        """Nobody reads it."""


def jpeg(at: float) -> bytes:
    """The scene at that time, in s."""
    import cv2

    from agent.demo.gate_scene import frame

    return cv2.imencode(".jpg", frame(at), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()


def main() -> None:
    """Says its port in one line, and serves until stdin is closed."""
    import cv2

    cv2.setNumThreads(1)
    jpeg(0.0)  # what cannot draw has no port to tell
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Show)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
