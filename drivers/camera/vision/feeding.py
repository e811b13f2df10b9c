"""An image to a model's input as its card says; our own models have their own ways beside their
decoders, because they were trained with just those. Pure."""

import numpy as np

from drivers.camera.vision import boxes, reading
from drivers.camera.vision.arrays import Floats, Image
from drivers.camera.vision.boxes import GREY, Fit
from drivers.camera.vision.card import Card


def plate(crop: Image, card: Card) -> Floats:
    """A cut-out plate to (1, channels, height, width)."""
    width, height = card.size
    width, height = width or reading.WIDTH, height or reading.HEIGHT
    if card.normalise == "patch" and card.resize == "stretch":
        return reading.prepare([crop], width, height)
    laid, _ = lay(crop, (width, height), card.resize)
    return _values(laid, card)


def frame(image: Image, card: Card, size: int) -> tuple[Floats, Fit]:
    """A frame to (1, channels, height, width). `size`: of the square, where the card leaves it."""
    width, height = card.size
    width, height = width or size, height or size
    if card.normalise == "fixed" and width == height:
        return boxes.letterbox(image, width)
    laid, fit = lay(image, (width, height), "letterbox")
    return _values(laid, card), fit


def _values(laid: Image, card: Card) -> Floats:
    if card.normalise == "fixed":
        return boxes.normalise(laid)[None]
    if card.normalise == "patch":
        from drivers.camera.vision.spaces import standardise

        return standardise(boxes.planes(laid))[None]
    return scaled(laid, card)[None]


def lay(image: Image, size: tuple[int, int], resize: str) -> tuple[Image, Fit]:
    """Fills `size` (width, height), or fits into it with grey bars."""
    import cv2

    high, wide = image.shape[:2]
    mode = cv2.INTER_AREA if high > size[1] and wide > size[0] else cv2.INTER_LINEAR
    if resize == "stretch":
        return np.asarray(cv2.resize(image, size, interpolation=mode), np.uint8), Fit(1.0, 0, 0)
    scale = min(size[0] / wide, size[1] / high)
    across, down = max(1, round(wide * scale)), max(1, round(high * scale))
    left, top = (size[0] - across) // 2, (size[1] - down) // 2
    canvas = np.full((size[1], size[0], 3), GREY, np.uint8)
    small = cv2.resize(image, (across, down), interpolation=mode)
    canvas[top : top + down, left : left + across] = small
    return canvas, Fit(scale, left, top)


def scaled(image: Image, card: Card) -> Floats:
    """(h, w, 3) BGR to (channels, h, w): the card's colours, (value - mean) * scale."""
    import cv2

    if card.colour == "GRAY":
        values = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.float32)[None]
    else:
        ordered = image[..., ::-1] if card.colour == "RGB" else image
        values = np.ascontiguousarray(ordered.transpose(2, 0, 1), np.float32)
    mean = np.array(card.mean, np.float32)[:, None, None]
    factor = np.array(card.scale, np.float32)[:, None, None]
    return np.asarray((values - mean) * factor, np.float32)
