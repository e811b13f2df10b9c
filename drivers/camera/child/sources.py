"""Where frames come from. Every open and read ends in time; what is old is never handed out."""

import contextlib
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from drivers.camera import view
from drivers.camera.child.http import Mjpeg, Still
from drivers.camera.child.lost import Lost
from drivers.camera.jpeg import size_of
from drivers.camera.privacy import Masks
from drivers.camera.vision.arrays import Image

OPEN_TIMEOUT, READ_TIMEOUT = 3000, 2000  # ms
STUCK = 12.0  # s that a read may take in all; then the process is of no use any more
PAUSE = 0.004  # s: a frame without a time that took less to come lay in a buffer
LATE = 0.5  # s that a frame may be behind the freshest one, by the stream's own clock
BEHIND = 3.0  # s in a row that frames may be late, before the stream is opened anew
RETRY = 0.5  # s between two opens
IMAGES = (".jpg", ".jpeg", ".png", ".bmp")

# Only the picture, over TCP: what gets lost on the way would be smears. Half a second of the stream
# is enough to know it by; FFmpeg would listen for two.
CAPTURE_OPTIONS = "rtsp_transport;tcp|allowed_media_types;video|analyzeduration;500000"


@dataclass(frozen=True, slots=True)
class Frame:
    """`at`: s of the boot-time clock, when it had come."""

    image: Image
    at: float

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.image.shape[1], self.image.shape[0]

    def masked(self, masks: Masks) -> view.Gray:
        """Burns them in, and gives a quarter of the frame in gray."""
        masks.burn(self.image)
        return view.quarter(self.image)


@dataclass(slots=True)
class Packed:
    """A frame that came as JPEG. A gray quarter of it is unpacked at a fraction of the cost; the
    whole picture only when it is asked for, and never without its masks."""

    jpeg: bytes
    at: float
    size: tuple[int, int]
    _masks: Masks | None = None
    _image: Image | None = None

    def masked(self, masks: Masks) -> view.Gray:
        import cv2

        gray = self._unpacked(cv2.IMREAD_REDUCED_GRAYSCALE_4)
        masks.burn_gray(gray)
        self._masks = masks
        return gray

    @property
    def image(self) -> Image:
        import cv2

        if self._masks is None:
            raise RuntimeError("a frame is masked before anybody looks at it")
        if self._image is None:
            self._image = self._unpacked(cv2.IMREAD_COLOR)
            self._masks.burn(self._image)
        return self._image

    def _unpacked(self, how: int) -> Image:
        """Raises Lost."""
        import cv2

        data = np.frombuffer(self.jpeg, np.uint8)
        image = cv2.imdecode(data, how | cv2.IMREAD_IGNORE_ORIENTATION)
        if image is None:
            raise Lost("no_picture")
        return np.asarray(image, np.uint8)


Shown = Frame | Packed


class Source(Protocol):
    def newest(self, timeout: float) -> Shown | None:
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

    def _opened(self) -> Any:
        import cv2

        self._alive = now()
        if self._live:
            os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = CAPTURE_OPTIONS
            limits = [
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT,
                cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT,
                cv2.CAP_PROP_N_THREADS, 1,
            ]  # fmt: skip
            capture = cv2.VideoCapture(self._where, cv2.CAP_FFMPEG, limits)
        else:
            os.environ["OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"] = str(READ_TIMEOUT // 1000)
            capture = cv2.VideoCapture(self._where, cv2.CAP_V4L2)
        if not capture.isOpened():
            capture.release()
            raise Lost("no_connection" if self._live else "no_device")
        return capture


class Freshness:
    """Which frames are from now. Pure; s. Raises Lost when none will be any more.

    What was buffered, by the camera, on the way or here, comes faster than a camera makes it: by
    the stream's own clock each frame is less behind than the one before. The first that is not is
    the first fresh one, and the measure of all that follow.
    """

    def __init__(self) -> None:
        self._settled = False
        self._before: tuple[float, float] | None = None  # when the last one came, its stamp
        self._least = 0.0  # of (our clock - the stream's): the freshest frame's
        self._late_since: float | None = None

    def take(self, began: float, came: float, stamp: float) -> bool:
        """A read that took from `began` to `came` brought a frame with this stamp."""
        before, self._before = self._before, (came, stamp)
        if before is None:
            return False
        passed, told = came - before[0], stamp - before[1]
        if told <= 0:
            return came - began >= PAUSE  # a stream without a clock
        lag = came - stamp
        if not self._settled:
            self._settled, self._least = passed > 0.5 * told, lag
            return self._settled
        self._least = min(lag, self._least + 0.0002 * (lag - self._least))  # two clocks drift apart
        return self._in_time(came, lag - self._least)

    def _in_time(self, came: float, behind: float) -> bool:
        if behind <= LATE:
            self._late_since = None
            return True
        self._late_since = self._late_since if self._late_since is not None else came
        if came - self._late_since > BEHIND:
            raise Lost("late")
        return False


class Decoded:
    """JPEGs from HTTP."""

    def __init__(self, jpegs: "Mjpeg | Still") -> None:
        self._jpegs = jpegs

    def newest(self, timeout: float) -> Packed | None:
        jpeg = self._jpegs.newest(timeout)
        if jpeg is None:
            return None
        size = size_of(jpeg)
        if size is None:
            raise Lost("no_picture")
        return Packed(jpeg, now(), size)

    def close(self) -> None:
        self._jpegs.close()


class Images:
    """A picture file that is replaced, or a folder that pictures are put into."""

    def __init__(self, where: Path) -> None:
        self._where = where
        self._seen: tuple[str, int] | None = None

    def newest(self, timeout: float) -> Shown | None:
        end = now() + timeout
        while (found := self._latest()) is None or found == self._seen:
            if now() >= end:
                return None
            time.sleep(0.05)
        self._seen = found
        return self._read(Path(found[0]))

    def close(self) -> None:
        """Nothing is open."""

    @staticmethod
    def _read(file: Path) -> Shown | None:
        """None while it is still being written: it changes again."""
        import cv2

        with contextlib.suppress(OSError):
            data = file.read_bytes()
            if size := size_of(data):
                return Packed(data, now(), size)
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
            if image is not None:
                return Frame(np.asarray(image, np.uint8), now())
        return None

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
