"""What OpenCV opens: RTSP addresses and video devices, in a thread that always reads."""

import os
import threading
from typing import Any, Protocol

import numpy as np

from drivers.camera.child import rtsp
from drivers.camera.child.frames import Frame, now
from drivers.camera.child.fresh import Freshness
from drivers.camera.child.lost import Lost, pause_after

OPEN_TIMEOUT, READ_TIMEOUT = 3000, 2000  # ms
STUCK = 12.0  # s that a read may take in all; then the process is of no use any more
RETRY = 0.5  # s between two opens
SIZE = (1920, 1080)  # what a device is asked for

# Only the picture, over TCP: what gets lost on the way would be smears. Half a second of the stream
# is enough to know it by; FFmpeg would listen for two.
CAPTURE_OPTIONS = "rtsp_transport;tcp|allowed_media_types;video|analyzeduration;500000"


class Opening(Protocol):
    def open(self, before: str) -> Any:
        """A cv2.VideoCapture that is open. `before`: why it was lost. Raises Lost."""


class Rtsp:
    """`where` has a number and the login."""

    def __init__(self, where: str) -> None:
        self._where = where

    def open(self, before: str) -> Any:
        import cv2

        # Cameras lock who tries a wrong login too often: it is tried once each time.
        if before == "refused" and (why := rtsp.why(self._where)) == "refused":
            raise Lost(why)
        os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = CAPTURE_OPTIONS
        limits = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT,
            cv2.CAP_PROP_N_THREADS, 1,
        ]  # fmt: skip
        capture = cv2.VideoCapture(self._where, cv2.CAP_FFMPEG, limits)
        if not capture.isOpened():
            capture.release()
            raise Lost(rtsp.why(self._where))
        return capture


class V4l2:
    """A device like /dev/video0, or one of its names in /dev/v4l."""

    def __init__(self, where: str, size: tuple[int, int] = SIZE) -> None:
        self._where, self._size = where, size

    def open(self, before: str) -> Any:
        import cv2

        del before
        os.environ["OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"] = str(READ_TIMEOUT // 1000)
        capture = cv2.VideoCapture(self._where, cv2.CAP_V4L2)
        if not capture.isOpened():
            capture.release()
            raise Lost(self._why())
        # USB 2 carries big pictures only as JPEG; a device that knows none keeps what it has.
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size[1])
        return capture

    def _why(self) -> str:
        try:
            os.close(os.open(self._where, os.O_RDWR | os.O_NONBLOCK))
        except PermissionError:
            return "no_access"
        except OSError:
            return "no_device"
        return "busy"


class Stream:
    """A cv2.VideoCapture in a thread of its own, which reads all there is and keeps nothing."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
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
            pause = pause_after(self._lost, RETRY)
            self._alive = now() + pause
            self._over.wait(pause)

    def _read_all(self) -> None:
        import cv2

        self._alive = now()
        capture = self._opening.open(self._lost)
        try:
            fresh = Freshness()
            while not self._over.is_set():
                began = now()
                self._alive = began
                if not capture.grab():
                    raise Lost("no_frames")
                came = now()
                if came - began > READ_TIMEOUT / 1000:
                    raise Lost("no_frames")  # what comes after a timeout is what was left over
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
