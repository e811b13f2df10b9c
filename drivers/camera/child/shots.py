"""Pictures that findings ask for, cut and packed; a few are kept for events that may come."""

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np

from drivers.camera.sight import Shot
from drivers.camera.vision.arrays import Image

QUALITIES = (85, 70, 50, 30)  # of JPEG: the first that makes it small enough
LARGEST = 1_500_000  # bytes of one picture: an event with eight still fits into a message
MOST = 32  # that are kept at a time
WIDEST = 1920  # pixels; larger frames are made smaller


@dataclass(frozen=True, slots=True)
class Packed:
    jpeg: bytes
    width: int
    height: int
    role: str


def jpeg(image: Image) -> bytes:
    import cv2

    for quality in QUALITIES:
        ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if not ok:
            raise RuntimeError("OpenCV packs no JPEG")
        if len(data) <= LARGEST:
            break
    return bytes(data)


@dataclass(slots=True)
class Album:
    _kept: "OrderedDict[str, Packed]" = field(default_factory=OrderedDict)

    def keep(self, name: str, shot: Shot, image: Image) -> None:
        packed = self.cut(shot, image)
        if packed is None:
            return
        self._kept[name] = packed
        self._kept.move_to_end(name)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)

    def drop(self, name: str) -> None:
        self._kept.pop(name, None)

    def take(self, name: str) -> Packed | None:
        """And keeps it no longer."""
        return self._kept.pop(name, None)

    def cut(self, shot: Shot, image: Image) -> Packed | None:
        """None when nothing of it lies within the frame."""
        import cv2

        height, width = image.shape[:2]
        left, top, right, bottom = shot.box or (0, 0, width, height)
        part = image[max(0, int(top)) : int(bottom) + 1, max(0, int(left)) : int(right) + 1]
        if not part.size:
            return None
        if part.shape[1] > WIDEST:
            scale = WIDEST / part.shape[1]
            size = WIDEST, max(1, round(part.shape[0] * scale))
            part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
        return Packed(jpeg(part), part.shape[1], part.shape[0], shot.role)
