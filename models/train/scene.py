"""What a frame shows: pixels, and the corners of the plates in it, clockwise from top left."""

from dataclasses import dataclass

import cv2
import numpy as np
from plate_augment import Floats, Image


@dataclass(frozen=True)
class Frame:
    """`plates`: (4, 2) corners and whether it must not be counted either way."""

    image: Image
    plates: tuple[tuple[Floats, bool], ...]
    source: str
    file: str


@dataclass
class Scene:
    image: Image
    corners: list[Floats]
    two_line: list[bool]


def block(
    image: Image, middle: Floats, half: tuple[float, float], tone: list[float], line: int
) -> None:
    span = np.array(half)
    low, high = ([int(v) for v in middle + way * span] for way in (-1, 1))
    cv2.rectangle(image, low, high, tone, line)
