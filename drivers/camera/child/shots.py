"""Pictures that findings ask for, cut and packed; a few are kept for events that may come."""

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np

from drivers.camera.privacy import Masks
from drivers.camera.sight import Shot
from drivers.camera.vision.arrays import Image

QUALITIES = (85, 70, 50, 30)  # of JPEG: the first that makes it small enough
LARGEST = 1_500_000  # bytes of one picture: an event with eight still fits into a message
MOST = 32  # that are kept at a time
WIDEST = 1920  # pixels; larger frames are made smaller
_HALVED = (7, 0x221111)  # IMWRITE_JPEG_SAMPLING_FACTOR_420: the masks' squares fit no other


@dataclass(frozen=True, slots=True)
class Packed:
    jpeg: bytes
    width: int
    height: int
    role: str


def jpeg(image: Image) -> bytes:
    import cv2

    for quality in QUALITIES:
        ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality, *_HALVED])
        if not ok:
            raise RuntimeError("OpenCV packs no JPEG")
        if len(data) <= LARGEST:
            break
    return bytes(data)


@dataclass(slots=True)
class Album:
    """`masks`: of the frames that shots are cut from now."""

    masks: Masks | None = None
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
        """From a masked frame. None when nothing of it lies within the frame."""
        height, width = image.shape[:2]
        left, top, right, bottom = shot.box or (0, 0, width, height)
        box = (
            max(0, int(left)), max(0, int(top)),
            min(width, int(right) + 1), min(height, int(bottom) + 1),
        )  # fmt: skip
        if box[0] >= box[2] or box[1] >= box[3]:
            return None
        part = _fitting(image[box[1] : box[3], box[0] : box[2]])
        if self.masks is not None:
            self.masks.burn_squares(part, box)
        return Packed(jpeg(part), part.shape[1], part.shape[0], shot.role)


def _fitting(part: Image) -> Image:
    """A copy that is not too wide."""
    import cv2

    if part.shape[1] <= WIDEST:
        return part.copy()
    size = WIDEST, max(1, round(part.shape[0] * WIDEST / part.shape[1]))
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
