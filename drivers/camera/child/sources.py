"""Where frames come from. Every open and read ends in time; what is old is never handed out."""

import contextlib
import time
from pathlib import Path
from typing import Protocol

from drivers.camera.address import IMAGES, numbered
from drivers.camera.child.frames import Frame, Packed, Shown, now
from drivers.camera.child.http import Mjpeg, Page, Still
from drivers.camera.child.lost import Lost
from drivers.camera.child.stream import SIZE, Rtsp, Stream, V4l2
from drivers.camera.child.unpack import unpacked
from drivers.camera.jpeg import fits, size_of
from drivers.camera.trust import Trust


class Source(Protocol):
    def newest(self, timeout: float) -> Shown | None:
        """The newest frame, one that was not handed out before; None when none came in time.
        Raises Lost when there is no connection."""

    def close(self) -> None: ...


def open_source(
    kind: str,
    where: str,
    user: str = "",
    password: str = "",
    *,
    number: str = "",
    trust: Trust | None = None,
    size: tuple[int, int] = SIZE,
) -> Source:
    """`kind`: rtsp, v4l2, mjpeg, snapshot, images. `number`: of the name in `where`. `size`: what a
    device is asked for. Nothing is connected yet."""
    if kind == "rtsp":
        return Stream(Rtsp(numbered(where, number) if number else where))
    if kind == "v4l2":
        return Stream(V4l2(where, size))
    if kind == "mjpeg":
        return Decoded(Mjpeg(Page(where, user, password, number, trust)))
    if kind == "snapshot":
        return Decoded(Still(Page(where, user, password, number, trust)))
    if kind == "images":
        return Images(Path(where))
    raise ValueError(f"no source is called {kind!r}")


class Decoded:
    """JPEGs from HTTP."""

    def __init__(self, jpegs: "Mjpeg | Still") -> None:
        self._jpegs = jpegs

    def newest(self, timeout: float) -> Packed | None:
        taken = self._jpegs.newest(timeout)
        if taken is None:
            return None
        jpeg, at = taken
        size = size_of(jpeg)
        if size is None or not fits(size):
            raise Lost("no_picture" if size is None else "too_large")
        return Packed(jpeg, at, size)

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
        """None while it is still being written: it changes again. Raises Lost."""
        import cv2

        with contextlib.suppress(FileNotFoundError):
            data = _bytes(file)
            if size := size_of(data):
                if not fits(size):
                    raise Lost("too_large")
                return Packed(data, now(), size)
            image = unpacked(data, cv2.IMREAD_COLOR)
            if image is not None:
                return Frame(image, now())
        return None

    def _latest(self) -> tuple[str, int] | None:
        if not self._where.exists():
            raise Lost("no_file")
        there = _in(self._where) if self._where.is_dir() else [self._where]
        best: tuple[int, str] | None = None
        for file in there:
            if file.suffix.lower() in IMAGES:
                with contextlib.suppress(FileNotFoundError):
                    best = max(best or (0, ""), (file.stat().st_mtime_ns, str(file)))
        return None if best is None else (best[1], best[0])


def _in(folder: Path) -> list[Path]:
    """Raises Lost."""
    try:
        return list(folder.iterdir())
    except PermissionError:
        raise Lost("no_access") from None
    except OSError:
        raise Lost("no_file") from None


def _bytes(file: Path) -> bytes:
    """Raises Lost, FileNotFoundError."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise
    except OSError:
        raise Lost("unreadable") from None
