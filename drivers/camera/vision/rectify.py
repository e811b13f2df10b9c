"""A tilted plate in a frame to an upright crop. Pure."""

from collections.abc import Sequence

import numpy as np

from drivers.camera.vision.arrays import Floats, Image

MARGIN = 0.04  # of the plate's width and height, added on each side
LEAST = 8  # pixels; narrower or lower is no plate


def widened(corners: Floats, margin: float) -> Floats:
    """Corners (4, 2), clockwise from top left, moved outwards along the plate's own sides."""
    right = (corners[1] - corners[0] + corners[2] - corners[3]) / 2 * margin
    down = (corners[3] - corners[0] + corners[2] - corners[1]) / 2 * margin
    steps = np.stack([-right - down, right - down, right + down, -right + down])
    return np.asarray(corners + steps, np.float32)


def size_of(corners: Floats) -> tuple[int, int]:
    """(width, height) in pixels: the longer of each pair of opposite sides."""
    top_left, top_right, bottom_right, bottom_left = corners
    width = max(np.hypot(*(top_right - top_left)), np.hypot(*(bottom_right - bottom_left)))
    height = max(np.hypot(*(bottom_left - top_left)), np.hypot(*(bottom_right - top_right)))
    return round(float(width)), round(float(height))


def rectify(
    frame: Image, corners: Sequence[tuple[float, float]], margin: float = MARGIN
) -> Image | None:
    """The plate as seen from the front, at its own size; None when that is too small to be one."""
    import cv2

    wide = widened(np.asarray(corners, np.float32), margin)
    width, height = size_of(wide)
    if min(width, height) < LEAST:
        return None
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(wide, target)
    crop = cv2.warpPerspective(frame, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop, np.uint8)
