"""Picture files as commands take them: any form, any number; what cannot be read is told."""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from agent.contract import Misconfigured, Tools
from drivers.camera.vision.arrays import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".ppm", ".pgm")
LARGEST = 200_000_000  # bytes of a file
TELL_EVERY = 10.0  # s between two words about how far it is


class Unreadable(Exception):
    """Its text is why."""


def read(file: Path) -> Image:
    """BGR; upright by its EXIF tag, without its alpha. Raises Unreadable."""
    import cv2

    try:
        if file.stat().st_size > LARGEST:
            raise Unreadable("larger than 200 MB")
        data = np.fromfile(file, np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    except (cv2.error, MemoryError) as error:
        raise Unreadable("no picture that can be unpacked") from error
    if image is None or not image.size:
        raise Unreadable("no picture")
    return np.asarray(image, np.uint8)


def listed(files: Sequence[str]) -> list[str]:
    """As they were named; a folder stands for the pictures in it, by name. Raises Misconfigured
    when there are none."""
    found: list[str] = []
    for file in files:
        inside = pictures_in(Path(file)) if Path(file).is_dir() else None
        found += [file] if inside is None else map(str, inside)
    if not found:
        raise Misconfigured(
            "there are no pictures in {folder}",
            hint="name files, or a folder with .jpg or .png files",
            folder=files[0],
        )
    return found


def pictures_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)


@dataclass(slots=True)
class Round:
    """Goes through files one by one; `failed` counts those that could not be read."""

    tools: Tools
    failed: int = 0
    _told: float = field(default_factory=time.monotonic)

    def images(self, files: Sequence[str]) -> Iterator[tuple[str, Image]]:
        for done, file in enumerate(files):
            try:
                image = read(Path(file))
            except Unreadable as error:
                self.failed += 1
                print(f"{file}: {error}", file=sys.stderr)
                continue
            yield file, image
            self._progress(done + 1, len(files))

    def _progress(self, done: int, count: int) -> None:
        if time.monotonic() - self._told >= TELL_EVERY:
            self._told = time.monotonic()
            told = self.tools.say("{done} of {count} pictures", done=done, count=count)
            print(told, file=sys.stderr, flush=True)

    @property
    def exit_code(self) -> int:
        return 1 if self.failed else 0
