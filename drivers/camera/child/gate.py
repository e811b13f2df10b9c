"""Does anything move? Cheap, on a small gray picture, before anything dear is done."""

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
