"""The plate detector's two ends: a frame to its input, its raw heads to plates with corners. Pure.

`corners_v1`: for each cell of each stride (8, 16, 32; row by row) ten numbers: the logit of a
plate, the logit of two lines, and the four corners (clockwise from top left) as offsets from the
middle of the cell, in strides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from drivers.camera.vision.arrays import Floats, Image

Places: TypeAlias = NDArray[np.intp]

STRIDES = (8, 16, 32)
GREY = 114  # of the bars beside a letterboxed frame
MEAN, SCALE = 127.5, 1 / 64.0
AGREE = 0.6  # cells whose boxes overlap by more speak of the same plate: their corners are averaged


@dataclass(frozen=True, slots=True)
class Fit:
    """How a frame was laid into the input: input = frame * scale + (left, top)."""

    scale: float
    left: float
    top: float


@dataclass(frozen=True, slots=True)
class Found:
    """A plate; pixels of the frame."""

    corners: tuple[tuple[float, float], ...]  # four, clockwise from top left
    score: float
    two_line: float  # 0 to 1

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        xs, ys = zip(*self.corners, strict=True)
        return min(xs), min(ys), max(xs), max(ys)


def letterbox(frame: Image, size: int) -> tuple[Floats, Fit]:
    """A BGR frame of any size to (1, 3, size, size); what it does not fill is grey."""
    import cv2

    height, width = frame.shape[:2]
    scale = min(size / width, size / height)
    wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (size - wide) // 2, (size - high) // 2
    mode = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas = np.full((size, size, 3), GREY, np.uint8)
    canvas[top : top + high, left : left + wide] = cv2.resize(
        frame, (wide, high), interpolation=mode
    )
    return normalise(canvas)[None], Fit(scale, left, top)


def planes(image: Image) -> Floats:
    """(h, w, 3) to (3, h, w), 0 to 255."""
    return np.ascontiguousarray(image.transpose(2, 0, 1), np.float32)


def normalise(image: Image) -> Floats:
    """(h, w, 3) to (3, h, w), about -2 to 2."""
    return (planes(image) - np.float32(MEAN)) * np.float32(SCALE)


def centres(size: int, strides: Sequence[int] = STRIDES) -> tuple[Floats, Floats]:
    """The middle of each cell (cells, 2) and its stride (cells, 1), in pixels of the input."""
    points, widths = [], []
    for stride in strides:
        along = np.arange(size // stride, dtype=np.float32) * stride + stride / 2
        xs, ys = np.meshgrid(along, along)
        points.append(np.stack([xs.ravel(), ys.ravel()], 1))
        widths.append(np.full((xs.size, 1), stride, np.float32))
    return np.concatenate(points), np.concatenate(widths)


def sigmoid(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -30, 30))), np.float32)


def decode(raw: Floats, size: int, fit: Fit, threshold: float, overlap: float) -> list[Found]:
    """(cells, 10) to plates, the surest first; of two that overlap by more than `overlap`
    (intersection over union of their boxes) the surer one stays, with the corners that the cells
    which agree on it give together, each counted by its score."""
    middles, strides = centres(size)
    scores = sigmoid(raw[:, 0])
    kept = np.flatnonzero(scores >= threshold)
    kept = kept[np.argsort(-scores[kept], kind="stable")]
    offsets = raw[kept, 2:].reshape(-1, 4, 2) * strides[kept, :, None]
    corners = offsets + middles[kept, None, :]
    two_line = sigmoid(raw[kept, 1])
    return [
        Found(
            tuple(
                (float((x - fit.left) / fit.scale), float((y - fit.top) / fit.scale))
                for x, y in np.average(corners[agreed], axis=0, weights=scores[kept[agreed]])
            ),
            float(scores[kept[agreed[0]]]),
            float(two_line[agreed[0]]),
        )
        for agreed in suppress(corners, overlap)
    ]


def suppress(corners: Floats, overlap: float) -> list[Places]:
    """Non-maximum suppression; `corners` (n, 4, 2) in falling order of score. For each that stays:
    its place, then those of the suppressed ones that agree with it."""
    low, high = corners.min(axis=1), corners.max(axis=1)
    area = np.prod(high - low, axis=1)
    chosen: list[Places] = []
    left = np.arange(len(corners))
    while left.size:
        best, rest = int(left[0]), left[1:]
        shared = np.minimum(high[best], high[rest]) - np.maximum(low[best], low[rest])
        common = np.prod(np.clip(shared, 0, None), axis=1)
        union = area[best] + area[rest] - common
        share = common / np.maximum(union, 1e-6)
        chosen.append(np.concatenate([left[:1], rest[share > max(AGREE, overlap)]]))
        left = rest[share <= overlap]
    return chosen
