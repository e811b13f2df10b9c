"""When to look: at a steady pace, and only when something moves. Moving is told cheaply, on a small
gray picture, before anything dear is done."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]

WIDTH, HEIGHT = 320, 180  # pixels of the picture that is compared
STEP = 16.0  # gray levels that are no noise
SHARE = 0.0015  # of the pixels: fewer are a leaf
FOLLOW = 0.05  # weight of a new look in the background


def small(gray: Gray) -> Gray:
    import cv2

    return np.asarray(
        cv2.resize(gray, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), dtype=np.uint8
    )


class Pace:
    """So many turns a second on the average, though frames come at times of their own. Pure; s."""

    def __init__(self, rate: float) -> None:
        self._period = 1 / rate
        self._due: float | None = None

    def rest(self, now: float) -> float:
        """Until the next turn, at the end of one; what was missed is not made up for."""
        begun = now if self._due is None else self._due
        self._due = max(begun + self._period, now)
        return self._due - now


@dataclass(slots=True)
class Gate:
    """Compares each look with a slowly following background."""

    _background: NDArray[np.float32] | None = field(default=None)

    def changed(self, gray: Gray) -> bool:
        """True at the first look, and after a change of size."""
        look = small(gray).astype(np.float32)
        if self._background is None:
            self._background = look
            return True
        moved = np.abs(look - self._background) > STEP
        self._background += FOLLOW * (look - self._background)
        return bool(np.count_nonzero(moved) > SHARE * moved.size)
