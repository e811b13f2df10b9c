"""A second look at a plate: cut out of the frame so large that corners are told best. Pure.

The first look sees plates of any width; corners were nearest to the truth where plates were 60 to
130 pixels wide in the input (models/README.md).
"""

from collections.abc import Sequence

import numpy as np

from drivers.camera.vision.arrays import Floats, Image
from drivers.camera.vision.boxes import GREY, Fit, Found, normalise

SIDE = 192  # pixels of the second look
WIDE = 87  # pixels that the plate is wide in it
DOUBT = 0.1  # score in the second look, from which on it has seen something
SAME = 0.3  # intersection over union of the boxes of one plate in both looks
MOST = 16  # plates in a frame that are looked at a second time
FEW = 6  # of them may be so faint that it takes the second look to make them count
FAINT = 0.5  # of the score that counts is enough for those


def worth(first: Sequence[Found], doubt: float, scale: float) -> list[Found]:
    """Which of the first look's finds, the surest first, are looked at again: those that are as
    sure as `doubt`, and the surest of the faint ones while there are few, where the second look
    sees them larger than the first, which had `scale` pixels for each of the frame's."""
    return [
        one
        for n, one in enumerate(first[:MOST])
        if one.score >= doubt or (n < FEW and width_of(one) * scale < WIDE)
    ]


def width_of(one: Found) -> float:
    """The longer of its upper and its lower edge."""
    corners = np.asarray(one.corners, np.float32)
    top, bottom = corners[1] - corners[0], corners[2] - corners[3]
    return max(float(np.hypot(*top)), float(np.hypot(*bottom)))


def cut(frame: Image, found: Found) -> tuple[Floats, Fit]:
    """A BGR frame to (1, 3, SIDE, SIDE) around the plate; what lies beyond the frame is grey."""
    import cv2

    high, wide = frame.shape[:2]
    corners = np.asarray(found.corners, np.float32)
    reach = max(1, round(width_of(found) * SIDE / WIDE / 2))
    x, y = (round(float(v)) - reach for v in np.clip(corners.mean(axis=0), 0, [wide, high]))
    end_x, end_y = x + 2 * reach, y + 2 * reach
    inside = frame[max(0, y) : end_y, max(0, x) : end_x]
    scale = SIDE / (2 * reach)
    mode = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    left, top = (round(max(0, -start) * scale) for start in (x, y))
    across, down = (max(1, round(side * scale)) for side in (inside.shape[1], inside.shape[0]))
    laid = np.full((SIDE, SIDE, 3), GREY, np.uint8)
    there = laid[top : top + down, left : left + across]
    there[:] = cv2.resize(inside, (there.shape[1], there.shape[0]), interpolation=mode)
    return normalise(laid)[None], Fit(scale, -x * scale, -y * scale)


def settled(first: Found, second: list[Found]) -> Found:
    """The corners of the second look, as sure as both looks together; what it does not see again
    is half as sure."""
    again = next((one for one in second if overlap(one, first) > SAME), None)
    if again is None:
        return Found(first.corners, first.score / 2, first.two_line)
    return Found(again.corners, (first.score + again.score) / 2, again.two_line)


def apart(found: list[Found], most: float) -> list[Found]:
    """The surest first; without those that overlap a surer one by more than `most`: two finds of
    the first look may be one plate for the second."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda each: -each.score):
        if all(overlap(one, other) <= most for other in kept):
            kept.append(one)
    return kept


def overlap(one: Found, other: Found) -> float:
    """Intersection over union of the boxes."""
    a, b = np.array(one.box), np.array(other.box)
    shared = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    areas = (a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod()
    return float(shared / max(areas - shared, 1e-9))
