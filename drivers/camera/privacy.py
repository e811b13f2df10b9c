"""What must not leave the camera's process is taken out of a frame before anything else sees it.

Masks are filled and certain. Plates outside the zones that are meant for plates are blurred as far
as they are found, which is not certain: `models/README.md` says how many are missed.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drivers.camera.sight import Plate, Polygon
from drivers.camera.tasks.no_parking import inside
from drivers.camera.tasks.tracker import middle
from drivers.camera.vision.arrays import Image
from drivers.camera.vision.rectify import widened
from drivers.camera.zones import Zones

FILL = (128, 128, 128)  # what a mask shows: the one gray that JPEG keeps at every quality
SQUARE = 16  # pixels of the squares that JPEG packs when it halves the colours' size
SPREAD = 2  # pixels that colours of half the size run over a square's edge when they are unpacked
MARGIN = 0.25  # of a plate's width and height, blurred around it
BLOCKS = 4  # what is left of a blurred plate: so many squares across, too few for a character


class Masks:
    """Burns the polygons in. Made for frames of one size."""

    def __init__(self, polygons: Sequence[Polygon], size: tuple[int, int]) -> None:
        import cv2

        self._inside = np.zeros((size[1], size[0]), np.uint8)
        for polygon in polygons:
            corners = np.round(np.asarray(polygon, np.float64)).astype(np.int32)
            cv2.fillPoly(self._inside, [corners], 255)
        if polygons:  # what the camera's lens smears over the edge goes too
            self._inside = np.asarray(cv2.dilate(self._inside, np.ones((3, 3), np.uint8)), np.uint8)
        left, top, width, height = cv2.boundingRect(self._inside)
        self._box = slice(top, top + height), slice(left, left + width)
        self._inside = np.ascontiguousarray(self._inside[self._box])
        self._fill = np.full((*self._inside.shape, 3), FILL, np.uint8)
        self._size = size
        self._small: NDArray[np.bool_] | None = None  # of the last small picture's size

    def burn(self, frame: Image) -> None:
        """In place."""
        import cv2

        if self._inside.size:
            frame[self._box] = cv2.copyTo(self._fill, self._inside, frame[self._box])

    def burn_squares(self, part: Image, box: tuple[int, int, int, int]) -> None:
        """In place, before it is packed as JPEG, `part` of the masked frame: `box` (left, top,
        right, bottom) of it, perhaps made smaller. Every square that a mask touches is filled
        whole: what lies in the same square beside a mask would be seen inside it."""
        import cv2

        if not self._inside.size:
            return
        height, width = part.shape[:2]
        cut = self._whole()[box[1] : box[3], box[0] : box[2]]
        touched = np.asarray(cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA)) > 0
        down, across = -height % SQUARE, -width % SQUARE
        near = cv2.dilate(touched.astype(np.uint8), np.ones((2 * SPREAD + 1,) * 2, np.uint8))
        grid = np.pad(near, ((0, down), (0, across))).reshape(
            (height + down) // SQUARE, SQUARE, (width + across) // SQUARE, SQUARE
        )
        squares = grid.max(axis=(1, 3)).repeat(SQUARE, 0).repeat(SQUARE, 1)
        part[squares[:height, :width] > 0] = FILL

    def _whole(self) -> NDArray[np.uint8]:
        """As large as the frame: 255 where it is masked."""
        whole = np.zeros(self._size[::-1], np.uint8)
        whole[self._box] = self._inside
        return whole

    def burn_gray(self, gray: NDArray[np.uint8]) -> None:
        """In place, a smaller gray picture of the frame; whatever a mask touches goes."""
        import cv2

        if not self._inside.size:
            return
        if self._small is None or self._small.shape != gray.shape:
            touched = cv2.resize(self._whole(), gray.shape[1::-1], interpolation=cv2.INTER_AREA)
            self._small = np.asarray(touched, np.uint8) > 0
        gray[self._small] = FILL[0]


def readable_here(plate: Plate, zones: Zones) -> bool:
    """Whether this plate's text may be used: anywhere, unless the zones name places for plates."""
    return not zones.plates or any(inside(middle(plate), one.polygon) for one in zones.plates)


def blur(frame: Image, plates: Sequence[Plate]) -> None:
    """In place: of each plate a few squares are left."""
    import cv2

    height, width = frame.shape[:2]
    for plate in plates:
        corners = widened(np.asarray(plate.corners, np.float32), MARGIN)
        left, top = np.floor(corners.min(axis=0)).astype(int)
        right, bottom = np.ceil(corners.max(axis=0)).astype(int)
        left, top = max(left, 0), max(top, 0)
        right, bottom = min(right, width), min(bottom, height)
        if right - left < 1 or bottom - top < 1:
            continue
        cut = frame[top:bottom, left:right]
        few = cv2.resize(cut, (BLOCKS, 1), interpolation=cv2.INTER_AREA)
        frame[top:bottom, left:right] = cv2.resize(
            few, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST
        )
