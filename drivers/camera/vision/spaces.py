"""Parking spaces: from a polygon in a frame to the patch that the occupancy net sees. Pure."""

from collections.abc import Sequence

import numpy as np

from drivers.camera.vision.arrays import Floats, Image

Polygon = Sequence[tuple[float, float]]

SIZE = 64  # pixels, both ways
FLAT = 4.0  # grey levels


def rectangle(polygon: Polygon) -> Floats:
    """The corners (4, 2) of the smallest rectangle around a space, clockwise, beginning with the
    one nearest to the top left: the patch is as upright as the frame, turned by at most 45°."""
    import cv2

    points = cv2.boxPoints(cv2.minAreaRect(np.asarray(polygon, np.float32)))
    turned = min(range(4), key=lambda shift: _lean(np.roll(points, -shift, axis=0)))
    return np.asarray(np.roll(points, -turned, axis=0), np.float32)


def _lean(corners: Floats) -> float:
    """How far the first side points away from the right, in radians."""
    across = corners[1] - corners[0]
    return abs(float(np.arctan2(across[1], across[0])))


def patch(frame: Image, polygon: Polygon) -> Image:
    """The space, cut out along its rectangle; what lies outside the frame repeats its edge."""
    import cv2

    corners = rectangle(polygon)
    width = max(2, round(float(np.hypot(*(corners[1] - corners[0])))))
    height = max(2, round(float(np.hypot(*(corners[3] - corners[0])))))
    target = np.array([[0, 0], [width, 0], [width, height]], np.float32)
    matrix = cv2.getAffineTransform(corners[:3], target)
    cut = cv2.warpAffine(frame, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, np.uint8)


def scaled(polygon: Polygon, drawn: tuple[int, int], frame: tuple[int, int]) -> Polygon:
    """A polygon drawn on an image of one size (width, height), on a frame of another."""
    across, down = frame[0] / drawn[0], frame[1] / drawn[1]
    return [(x * across, y * down) for x, y in polygon]


def prepare(patches: Sequence[Image], size: int = SIZE) -> Floats:
    """BGR patches of any size to (n, 3, size, size), standardised."""
    import cv2

    batch = np.empty((len(patches), 3, size, size), np.float32)
    for place, image in enumerate(patches):
        shrinks = image.shape[0] * image.shape[1] > size * size
        mode = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        batch[place] = cv2.resize(image, (size, size), interpolation=mode).transpose(2, 0, 1)
    return standardise(batch)


def standardise(images: Floats) -> Floats:
    """(…, 3, h, w), 0 to 255, each image to mean 0 and deviation 1 (less when it is nearly flat,
    so that noise is not blown up)."""
    axes = (-3, -2, -1)
    images = images - images.mean(axis=axes, keepdims=True)
    deviation = images.std(axis=axes, keepdims=True)
    return np.asarray(images / (deviation + FLAT), np.float32)


def chances(logits: Floats) -> Floats:
    """(n,) logits to the probability that the space is occupied."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), np.float32)
