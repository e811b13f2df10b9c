"""Frames, each with the time when it had come; what is under a mask is never seen."""

import time
from dataclasses import dataclass

from drivers.camera import view
from drivers.camera.child.lost import Lost
from drivers.camera.child.unpack import unpacked
from drivers.camera.privacy import Masks
from drivers.camera.vision.arrays import Image


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

        image = unpacked(self.jpeg, how | cv2.IMREAD_IGNORE_ORIENTATION)
        if image is None:
            raise Lost("no_picture")
        return image


Shown = Frame | Packed


def now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
