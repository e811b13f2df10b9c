"""Detectors of others: heads as YOLOv5, YOLOv8 and YOLOv8-pose export them. Pure.

Rows of a head, in pixels of the input, scores already 0 to 1:
`yolo_v5` (1, n, …): middle x, y, width, height, score, then with `points: 4` the corners (x, y),
then the classes. `yolo_v8` (1, …, n): middle x, y, width, height, classes. `yolo_v8_pose`
(1, …, n): the same, then 4 corners as (x, y) or (x, y, sureness).
The card's `options`: threshold, overlap, points, two_line (number of the class of such plates).
"""

from dataclasses import dataclass

import numpy as np

from drivers.camera.vision.arrays import Floats
from drivers.camera.vision.boxes import Fit, Found, suppress
from drivers.camera.vision.card import Card

CORNERS = 4


@dataclass(frozen=True, slots=True)
class Rows:
    boxes: Floats  # (n, 4): middle x, y, width, height
    scores: Floats  # (n, classes)
    corners: Floats | None  # (n, 4, 2)


def decode(raw: Floats, card: Card, fit: Fit, threshold: float, overlap: float) -> list[Found]:
    """One image's head (n, …) or (…, n) to plates, the surest first, in pixels of the frame."""
    rows = _rows(raw, card)
    best = rows.scores.max(axis=1)
    kept = np.flatnonzero(best >= threshold)
    kept = kept[np.argsort(-best[kept], kind="stable")]
    bounds = box_corners(rows.boxes[kept])
    corners = bounds if rows.corners is None else rows.corners[kept]
    two_line = int(card.options.get("two_line", -1))
    found = []
    for place in (int(agreed[0]) for agreed in suppress(bounds, overlap)):
        scores = rows.scores[kept[place]]
        double = two_line >= 0 and int(scores.argmax()) == two_line
        points = clockwise((corners[place] - (fit.left, fit.top)) / fit.scale)
        found.append(Found(points, float(best[kept[place]]), float(double)))
    return found


def _rows(raw: Floats, card: Card) -> Rows:
    if card.decode == "yolo_v5":
        points = int(card.options.get("points", 0))
        classes = raw[:, 5 + 2 * points :]
        scores = raw[:, 4:5] * classes if classes.shape[1] else raw[:, 4:5]
        corners = raw[:, 5:13].reshape(-1, CORNERS, 2) if points == CORNERS else None
        return Rows(raw[:, :4], scores, corners)
    rows = raw.T
    if card.decode == "yolo_v8":
        return Rows(rows[:, :4], rows[:, 4:], None)
    classes_end = 4 + max(1, len(card.labels.get("classes", ())))
    marks = rows[:, classes_end:].reshape(len(rows), CORNERS, -1)
    return Rows(rows[:, :4], rows[:, 4:classes_end], marks[..., :2])


def box_corners(boxes: Floats) -> Floats:
    """(n, 4) middle and size to (n, 4, 2) corners, clockwise from top left."""
    half = boxes[:, None, 2:] / 2 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
    return np.asarray(boxes[:, None, :2] + half, np.float32)


def clockwise(corners: Floats) -> tuple[tuple[float, float], ...]:
    """The four points around their middle, from the one nearest to the top left; models of others
    name them in any order."""
    x, y = corners.mean(axis=0)
    angles = np.arctan2(corners[:, 1] - y, corners[:, 0] - x)
    around = corners[np.argsort(angles)]
    turned = np.roll(around, -int(around.sum(axis=1).argmin()), axis=0)
    return tuple((float(x), float(y)) for x, y in turned)
