"""What the demo's camera sees: two lanes of a gate and a row of spaces, drawn with OpenCV alone.

Pure: a frame depends on its time only. Frames are BGR, lengths in pixels of `SIZE`, times in s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]
Points = Sequence[tuple[float, float]]

SIZE = (960, 540)
LINE = ((30, 330), (500, 330))  # whoever crosses it downwards goes in
APPEARS, EVERY, TAKES = 0.5, 9.0, 5.5  # s: the first car, from one to the next, in the picture
STAYS, SHIFTED, PARKS = 16.0, 4.0, 1.5  # s: in a space, from one space to the next, driving in

# The reader knows the typeface of real plates; in this one it reads 1 as 7 and doubts 3 and B.
_PLATES = ("京A·D4527", "沪C·7K582", "苏E·92H76", "粤S·6T805")
_PAINTS: tuple[Colour, ...] = ((52, 46, 160), (150, 142, 136), (196, 200, 198), (60, 60, 64))
_LEFT, _TOP, _WIDE, _LONG = 545, 250, 96, 190  # the row of spaces


@dataclass(frozen=True, slots=True)
class Passing:
    """A car in the gate: where the middle of its bumper is, and how large it appears."""

    x: float
    y: float
    scale: float
    plate: str
    paint: Colour
    leaves: bool


def spaces() -> dict[str, Points]:
    """The polygon of each space by its id."""
    corners: dict[str, Points] = {}
    for place in range(4):
        left = _LEFT + place * _WIDE
        right = left + _WIDE
        corners[f"p{place + 1}"] = [(left + 4.0, _TOP + 2.0), (right - 4.0, _TOP + 2.0),
                                    (right - 4.0, _TOP + _LONG - 2.0),
                                    (left + 4.0, _TOP + _LONG - 2.0)]  # fmt: skip
    return corners


def passing(at: float) -> Passing | None:
    """The car in the gate at that time, if there is one; they come and go in turns."""
    number, since = divmod(at - APPEARS, EVERY)
    if number < 0 or since > TAKES:
        return None
    leaves = bool(number % 2)
    share = since / TAKES
    depth = 1 - share if leaves else share  # 0 far, 1 near
    scale = 0.5 + 0.5 * depth
    which = int(number) % len(_PLATES)
    x = (390 if leaves else 150) + (40 if leaves else -20) * (depth - 0.5)
    return Passing(x, 150 + 440 * depth**1.2, scale, _PLATES[which], _PAINTS[which], leaves)


def parked(place: int, at: float) -> float:
    """How far a car has driven into that space: 0 not there, 1 all the way."""
    turn, since = divmod(at + place * SHIFTED, STAYS)
    moved = min(1.0, since / PARKS)
    started = at < STAYS - place * SHIFTED  # the row begins as it stands
    if int(turn) % 2 == place % 2:
        return 0.0 if started else 1 - moved
    return 1.0 if started else moved


def frame(at: float) -> Image:
    """The picture at that time, with the noise of a camera."""
    image = _ground().copy()
    for place in range(4):
        depth = parked(place, at)
        if depth > 0:
            _draw_parked(image, place, depth)
    car = passing(at)
    if car is not None:
        _draw_passing(image, car)
    random = np.random.default_rng(int(at * 1000))
    noise = random.integers(-4, 5, (SIZE[1], SIZE[0], 1), np.int16)
    return np.asarray(np.clip(image.astype(np.int16) + noise, 0, 255), np.uint8)


@cache
def _ground() -> Image:
    """All that never moves: asphalt, a hedge, kerbs and lines."""
    random = np.random.default_rng(4)
    width, height = SIZE
    coarse = cv2.resize(random.normal(0, 2, (34, 60)).astype(np.float32), SIZE)
    grain = cv2.GaussianBlur(random.normal(0, 14, (height, width)).astype(np.float32), (0, 0), 0.8)
    tone = (104 + coarse + grain)[..., None] * np.array([1.0, 1.0, 0.98], np.float32)
    image = np.ascontiguousarray(np.clip(tone, 0, 255).astype(np.uint8))
    _hedge(image, random)
    cv2.rectangle(image, (512, 96), (526, height), (150, 156, 160), -1)
    for y in range(96, height, 40):
        cv2.rectangle(image, (512, y), (526, y + 20), (60, 190, 220), -1)
    for y in range(120, height, 60):
        cv2.line(image, (270, y), (270, y + 30), (205, 208, 210), 4)
    cv2.line(image, LINE[0], LINE[1], (215, 220, 222), 5)
    for place in range(5):
        x = _LEFT + place * _WIDE
        cv2.line(image, (x, _TOP), (x, _TOP + _LONG), (210, 214, 216), 4)
    cv2.line(image, (_LEFT, _TOP), (_LEFT + 4 * _WIDE, _TOP), (210, 214, 216), 4)
    return image


def _hedge(image: Image, random: np.random.Generator) -> None:
    cv2.rectangle(image, (0, 0), (SIZE[0], 96), (70, 96, 78), -1)
    for _ in range(900):
        x, y = (int(v) for v in random.integers((0, 0), (SIZE[0], 92)))
        green = int(random.integers(60, 150))
        cv2.circle(image, (x, y), int(random.integers(3, 9)), (green // 2, green, green // 2), -1)
    cv2.rectangle(image, (0, 90), (SIZE[0], 98), (140, 146, 150), -1)


def _draw_parked(image: Image, place: int, depth: float) -> None:
    """Seen from above; it comes from below."""
    left = _LEFT + place * _WIDE + 12
    top = _TOP + 12 + round((1 - depth) * (SIZE[1] - _TOP))
    wide, high = _WIDE - 24, _LONG - 24
    paint = _PAINTS[(place + 1) % len(_PAINTS)]
    right, bottom = left + wide + 12, top + high + 9
    shadow = [(left - 5, top + 8), (right, top + 8), (right, bottom), (left - 5, bottom)]
    _shade(image, shadow, 0.45)

    def part(points: Points, colour: Colour) -> None:
        _fill(image, [(left + x * wide, top + y * high) for x, y in points], colour)

    for wheel in (0.16, 0.7):
        part([(-0.04, wheel), (1.04, wheel), (1.04, wheel + 0.14), (-0.04, wheel + 0.14)], _DARK)
    part([(0.1, 0), (0.9, 0), (1, 0.08), (1, 0.94), (0.92, 1), (0.08, 1), (0, 0.94), (0, 0.08)],
         paint)  # fmt: skip
    part([(0.08, 0.02), (0.92, 0.02), (0.86, 0.24), (0.14, 0.24)], _lighter(paint, 1.18))
    part([(0.12, 0.25), (0.88, 0.25), (0.8, 0.4), (0.2, 0.4)], _GLASS)
    part([(0.2, 0.41), (0.8, 0.41), (0.8, 0.74), (0.2, 0.74)], _lighter(paint, 1.35))
    part([(0.06, 0.34), (0.15, 0.42), (0.15, 0.72), (0.06, 0.8)], _GLASS)
    part([(0.94, 0.34), (0.85, 0.42), (0.85, 0.72), (0.94, 0.8)], _GLASS)
    part([(0.2, 0.75), (0.8, 0.75), (0.88, 0.86), (0.12, 0.86)], _GLASS)
    part([(0.24, 0.29), (0.5, 0.27), (0.42, 0.38), (0.26, 0.38)], (150, 140, 128))
    for x in (0.06, 0.78):
        part([(x, 0.96), (x + 0.16, 0.96), (x + 0.16, 0.99), (x, 0.99)], (40, 40, 200))


_DARK: Colour = (26, 26, 28)
_GLASS: Colour = (62, 52, 44)


def _draw_passing(image: Image, car: Passing) -> None:
    """Its front, or its back when it leaves."""
    s = 210 * car.scale

    def at(points: Points) -> Points:
        return [(car.x + x * s, car.y + y * s) for x, y in points]

    def part(points: Points, colour: Colour) -> None:
        _fill(image, at(points), colour)

    _shade(image, at([(-0.56, -0.1), (0.6, -0.1), (0.6, 0.1), (-0.56, 0.1)]), 0.4)
    for x in (-0.46, 0.3):
        part([(x, -0.2), (x + 0.16, -0.2), (x + 0.16, 0.05), (x, 0.05)], _DARK)
    part([(-0.36, -0.95), (0.36, -0.95), (0.46, -0.6), (0.5, -0.3), (0.5, -0.08), (-0.5, -0.08),
          (-0.5, -0.3), (-0.46, -0.6)], car.paint)  # fmt: skip
    part([(-0.32, -0.91), (0.32, -0.91), (0.4, -0.62), (-0.4, -0.62)], _GLASS)
    part([(-0.26, -0.88), (-0.02, -0.88), (-0.16, -0.66), (-0.34, -0.66)], (128, 118, 106))
    part([(-0.44, -0.56), (0.44, -0.56), (0.47, -0.42), (-0.47, -0.42)], _lighter(car.paint, 1.25))
    lamp = (40, 40, 190) if car.leaves else (226, 236, 238)
    for side in (-1, 1):
        part([(side * 0.48, -0.42), (side * 0.3, -0.4), (side * 0.3, -0.32), (side * 0.48, -0.3)],
             lamp)  # fmt: skip
    part([(-0.5, -0.14), (0.5, -0.14), (0.48, -0.05), (-0.48, -0.05)], _DARK)
    _lay(image, _plate(car.plate), at([(-0.25, -0.36), (0.25, -0.36), (0.25, -0.2), (-0.25, -0.2)]))


@cache
def _plate(text: str) -> Image:
    """440 by 140, as GA 36 has it, in OpenCV's own face."""
    image = np.full((140, 440, 3), (168, 62, 12), np.uint8)
    cv2.rectangle(image, (5, 5), (434, 134), (240, 240, 240), 3)
    left = 16
    for place, character in enumerate(text.replace("·", "")):
        image[25:115, left : left + 45] = _glyph(character, image[60, 8])
        left += 57
        if place == 1:
            cv2.circle(image, (left + 5, 70), 6, (240, 240, 240), -1, cv2.LINE_AA)
            left += 22
    return image


def _glyph(character: str, ground: Any) -> Image:
    """45 by 90, the ink white."""
    canvas = np.zeros((180, 180), np.uint8)
    cv2.putText(canvas, character, (20, 140), (255,), cv2.FontFace("uni"), 110, 700)
    x, y, wide, high = cv2.boundingRect(canvas)
    pad = max(0, round((high * 0.45 - wide) / 2))
    inked = np.pad(canvas[y : y + high, x : x + wide], ((0, 0), (pad, pad)))
    ink = cv2.resize(inked, (45, 90), interpolation=cv2.INTER_AREA).astype(np.float32)[..., None]
    return np.asarray(ground + (240.0 - ground) * (ink / 255), np.uint8)


def _lay(image: Image, picture: Image, corners: Points) -> None:
    """Puts a flat picture onto four corners, clockwise from the top left."""
    high, wide = picture.shape[:2]
    flat = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], np.float32)
    x, y, across, down = cv2.boundingRect(np.array(corners, np.float32))
    left, top, right, bottom = (
        max(0, x),
        max(0, y),
        min(SIZE[0], x + across),
        min(SIZE[1], y + down),
    )
    if right <= left or bottom <= top:
        return
    moved = np.array(corners, np.float32) - np.array([left, top], np.float32)
    smaller = max(1.0, wide / max(across, 1))
    soft = cv2.GaussianBlur(picture, (0, 0), 0.4 * smaller)
    matrix = cv2.getPerspectiveTransform(flat, moved)
    window = image[top:bottom, left:right]
    cv2.warpPerspective(soft, matrix, (right - left, bottom - top), window,
                        cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT)  # fmt: skip


def _fill(image: Image, points: Points, colour: Colour) -> None:
    corners = np.round(np.array(points) * 16).astype(np.int32)
    cv2.fillPoly(image, [corners], colour, cv2.LINE_AA, 4)


def _shade(image: Image, points: Points, share: float) -> None:
    """Darkens what lies in the shadow."""
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(np.array(points)).astype(np.int32)], 255)
    dark = cv2.GaussianBlur(mask, (0, 0), 3).astype(np.float32)[..., None] / 255 * share
    image[:] = (image * (1 - dark)).astype(np.uint8)


def _lighter(colour: Colour, factor: float) -> Colour:
    b, g, r = (min(255, round(part * factor)) for part in colour)
    return b, g, r
