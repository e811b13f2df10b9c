"""Where frames come from. Every open and read ends in time; what is old is never handed out."""

import contextlib
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from drivers.camera.child.http import Mjpeg, Still
from drivers.camera.child.lost import Lost
from drivers.camera.vision.arrays import Image

OPEN_TIMEOUT, READ_TIMEOUT = 3000, 2000  # ms; a hung read of OpenCV takes up to three of the latter
STUCK = 12.0  # s that a read may take in all; then the process is of no use any more
SETTLE = 0.3  # s after an open in which frames may come from somebody's buffer
PAUSE = 0.004  # s: a frame that took less to come lay in a buffer
LATE = 0.7  # s that a frame may be behind the freshest one, by the stream's own clock
RETRY = 1.0  # s between two opens
IMAGES = (".jpg", ".jpeg", ".png", ".bmp")

# Of H.264 over RTP only the picture, over TCP: what gets lost on the way would be smears.
CAPTURE_OPTIONS = "rtsp_transport;tcp|allowed_media_types;video"


@dataclass(frozen=True, slots=True)
class Frame:
    """`at`: s of the boot-time clock, when it had come."""

    image: Image
    at: float


class Source(Protocol):
    def newest(self, timeout: float) -> Frame | None:
        """The newest frame, one that was not handed out before; None when none came in time.
        Raises Lost when there is no connection."""

    def close(self) -> None: ...


def open_source(kind: str, where: str, user: str = "", password: str = "") -> Source:
    """`kind`: rtsp, v4l2, mjpeg, snapshot, video, images. Nothing is connected yet."""
    if kind in {"rtsp", "v4l2"}:
        return Stream(where, live=kind == "rtsp")
    if kind == "mjpeg":
        return Decoded(Mjpeg(where, user, password))
    if kind == "snapshot":
        return Decoded(Still(where, user, password))
    if kind == "images":
        return Images(Path(where))
    raise ValueError(f"no source is called {kind!r}")


def now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Stream:
    """A cv2.VideoCapture in a thread of its own, which reads all there is and keeps nothing."""

    def __init__(self, where: str, *, live: bool) -> None:
        """`live`: an RTSP address, else a device like /dev/video0."""
        self._where, self._live = where, live
        self._wanted, self._there = threading.Event(), threading.Event()
        self._frame: Frame | None = None
        self._lost = "connecting"
        self._alive = now()
        self._over = threading.Event()
        threading.Thread(target=self._work, name="capture", daemon=True).start()

    def newest(self, timeout: float) -> Frame | None:
        self._there.clear()
        self._wanted.set()
        got = self._there.wait(timeout)
        if now() - self._alive > STUCK:
            raise SystemExit("the camera's library does not come back")
        if not got:
            if self._lost:
                raise Lost(self._lost)
            return None
        frame, self._frame = self._frame, None
        return frame

    def close(self) -> None:
        self._over.set()

    def _work(self) -> None:
        while not self._over.is_set():
            try:
                self._read_all()
            except Lost as error:
                self._lost = str(error)
            time.sleep(RETRY)
            self._alive = now()

    def _read_all(self) -> None:
        import cv2

        capture = self._opened()
        try:
            fresh = Freshness(now())
            while not self._over.is_set():
                began = now()
                self._alive = began
                if not capture.grab():
                    raise Lost("no_frames")
                came = now()
                if not fresh.take(began, came, capture.get(cv2.CAP_PROP_POS_MSEC) / 1000):
                    continue
                self._lost = ""
                if self._wanted.is_set():
                    self._hand_out(capture, came)
        finally:
            capture.release()

    def _hand_out(self, capture: Any, came: float) -> None:
        ok, image = capture.retrieve()
        if not ok or image is None:
            raise Lost("no_frames")
        self._wanted.clear()
        self._frame = Frame(np.asarray(image, np.uint8), came)
        self._there.set()

    def _opened(self) -> Any:
        import cv2

        self._alive = now()
        if self._live:
            os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = CAPTURE_OPTIONS
            limits = [
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT,
                cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT,
            ]  # fmt: skip
            capture = cv2.VideoCapture(self._where, cv2.CAP_FFMPEG, limits)
        else:
            capture = cv2.VideoCapture(self._where, cv2.CAP_V4L2)
        if not capture.isOpened():
            capture.release()
            raise Lost("no_connection" if self._live else "no_device")
        return capture


class Freshness:
    """Which frames are from now. Pure; s.

    Right after an open, and after a server that stood still goes on, frames come faster than any
    camera makes them: they are old. Later the stream's own clock tells how far behind one is.
    """

    def __init__(self, opened: float) -> None:
        self._opened = opened
        self._least: float | None = None  # of (our clock - the stream's): the freshest frame's

    def take(self, began: float, came: float, stamp: float) -> bool:
        """A read that took from `began` to `came` brought a frame with this stamp."""
        if came - self._opened < SETTLE or came - began < PAUSE:
            self._learn(came - stamp)
            return False
        behind = self._learn(came - stamp)
        return behind <= LATE

    def _learn(self, lag: float) -> float:
        """How far this is behind the freshest. A stream whose clock started anew does so too."""
        if self._least is None or lag < self._least or lag - self._least > 30.0:
            self._least = lag
        self._least += 0.0002 * (lag - self._least)  # two clocks drift apart
        return lag - self._least


class Decoded:
    """JPEGs from HTTP, decoded when they are taken."""

    def __init__(self, jpegs: "Mjpeg | Still") -> None:
        self._jpegs = jpegs

    def newest(self, timeout: float) -> Frame | None:
        import cv2

        jpeg = self._jpegs.newest(timeout)
        if jpeg is None:
            return None
        came = now()
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise Lost("no_picture")
        return Frame(np.asarray(image, np.uint8), came)

    def close(self) -> None:
        self._jpegs.close()


class Images:
    """A picture file that is replaced, or a folder that pictures are put into."""

    def __init__(self, where: Path) -> None:
        self._where = where
        self._seen: tuple[str, int] | None = None

    def newest(self, timeout: float) -> Frame | None:
        import cv2

        end = now() + timeout
        while (found := self._latest()) is None or found == self._seen:
            if now() >= end:
                return None
            time.sleep(0.05)
        image = cv2.imread(found[0], cv2.IMREAD_COLOR)
        self._seen = found
        if image is None:
            return None  # still being written: it changes again
        return Frame(np.asarray(image, np.uint8), now())

    def close(self) -> None:
        """Nothing is open."""

    def _latest(self) -> tuple[str, int] | None:
        if not self._where.exists():
            raise Lost("no_file")
        there = self._where.iterdir() if self._where.is_dir() else [self._where]
        best: tuple[int, str] | None = None
        for file in there:
            if file.suffix.lower() in IMAGES:
                with contextlib.suppress(FileNotFoundError):
                    best = max(best or (0, ""), (file.stat().st_mtime_ns, str(file)))
        return None if best is None else (best[1], best[0])
