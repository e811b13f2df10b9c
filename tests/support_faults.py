"""What may happen to a camera's picture: each fault takes a frame (BGR) and the look's number."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Fault = Callable[[Image, int], Image]


def _picture(values: NDArray[np.float64]) -> Image:
    return np.clip(values, 0, 255).astype(np.uint8)


def turned(image: Image, shift: float = 0.0, degrees: float = 0.0) -> Image:
    """`shift`: to the right, as a share of the width; what comes in from beyond is mirrored."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    matrix[0, 2] += shift * width
    moved = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, np.uint8)


def blurred(image: Image, sigma: float) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma * image.shape[1] / 1280), np.uint8)


def night(image: Image, look: int, light: float, gain: float, noise: float) -> Image:
    """`light`: share of the day's that is left; `gain`: of the camera; `noise`: gray levels."""
    random = np.random.default_rng(look)
    grains = random.normal(0, noise, image.shape)
    return _picture(image * light * gain + grains)


def glaring(image: Image, radius: float) -> Image:
    """The sun, low over the lot. `radius`: of what it burns out, as a share of the width."""
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width]
    distance = np.maximum(np.hypot(x - 0.5 * width, y - 0.4 * height), 1) / (radius * width)
    light = 255 * np.minimum(1.5, distance**-2.0 + 0.15)[..., None]
    return _picture(image * 0.7 + light)


def covered(image: Image, part: float, level: float, weave: float = 2.0) -> Image:
    """A cloth before the left `part` of it: gray level and its own small differences."""
    width = round(part * image.shape[1])
    random = np.random.default_rng(5)
    cloth = random.normal(level, weave, (image.shape[0], width, 1))
    soft = np.linspace(1, 0, max(1, width // 8)) if part < 1 else np.ones(1)
    share = np.concatenate([np.ones(width - len(soft)), soft])[None, :, None]
    out = image.astype(np.float64)
    out[:, :width] = share * cloth + (1 - share) * out[:, :width]
    return _picture(out)


def hand(image: Image, look: int) -> Image:
    """Close before the lens and out of focus: skin, five fingers, never quite still."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.float32)
    wobble = 4 * (look % 3)
    palm = (round(0.45 * width) + wobble, round(0.75 * height))
    cv2.ellipse(mask, palm, (round(0.22 * width), round(0.4 * height)), 0, 0, 360, (1.0,), -1)
    for k in range(5):
        tip = (
            round((0.15 + 0.15 * k) * width) + wobble,
            round((0.1 + 0.04 * (k - 2) ** 2) * height),
        )
        cv2.line(mask, palm, tip, (1.0,), round(0.09 * width))
    soft = cv2.GaussianBlur(mask, (0, 0), width / 60)[..., None]
    skin = np.array([95.0, 120.0, 165.0]) * (0.8 + 0.2 * np.linspace(0, 1, height)[:, None, None])
    return _picture(soft * skin + (1 - soft) * image)


def rainy(image: Image, drops: int) -> Image:
    """Drops on the glass, each a blurred, brighter lens of a twelfth of the width."""
    height, width = image.shape[:2]
    random = np.random.default_rng(9)
    mask = np.zeros((height, width), np.float32)
    for _ in range(drops):
        at = (int(random.integers(width)), int(random.integers(height)))
        cv2.circle(mask, at, int(random.uniform(0.02, 0.045) * width), (1.0,), -1)
    soft = cv2.GaussianBlur(mask, (0, 0), width / 250)[..., None]
    drop = 0.85 * blurred(image, 22).astype(np.float64) + 30
    return _picture(soft * drop + (1 - soft) * image)


def infrared(image: Image) -> Image:
    """Gray, what is green bright, lit from the camera and darker to the edges."""
    height, width = image.shape[:2]
    blue, green, red = (image[..., k].astype(np.float64) for k in range(3))
    gray = 0.2 * blue + 0.7 * green + 0.3 * red + 0.6 * np.maximum(0, green - (blue + red) / 2)
    y, x = np.mgrid[:height, :width]
    light = 1.1 - 0.7 * np.hypot((x - width / 2) / width, (y - height / 2) / height)
    return np.repeat(np.clip(gray * light, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


FAULTS: Mapping[str, Fault] = {
    "shift 3 %": lambda image, _: turned(image, 0.03),
    "shift 10 %": lambda image, _: turned(image, 0.10),
    "turned 2°": lambda image, _: turned(image, degrees=2),
    "turned 8°": lambda image, _: turned(image, degrees=8),
    "dark cloth": lambda image, _: covered(image, 1, 18),
    "bright cloth": lambda image, _: covered(image, 1, 200),
    "hand": hand,
    "cloth over a third": lambda image, _: covered(image, 1 / 3, 120),
    "bright cloth over a third": lambda image, _: covered(image, 1 / 3, 225, 5),
    "blur, 6 px": lambda image, _: blurred(image, 6),
    "blur, 15 px": lambda image, _: blurred(image, 15),
    "glare": lambda image, _: glaring(image, 0.3),
    "glare, small": lambda image, _: glaring(image, 0.12),
    "night": lambda image, look: night(image, look, 0.08, 1, 4),
    "night, gain and noise": lambda image, look: night(image, look, 0.08, 5, 35),
    "rain drops": lambda image, _: rainy(image, 45),
    "infrared": lambda image, _: infrared(image),
}
