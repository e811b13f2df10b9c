"""Draws a plate, flat and new, at three quarters of a pixel a millimetre.

With the real typeface where the data folder has it (`glyphs/font_model`), otherwise with the face
that OpenCV brings along, which is not the one on plates: see models/README.md for what that costs.
"""

import random
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from plate_text import Plate

SCALE = 0.75  # pixels a millimetre
Mask = NDArray[np.float32]
Image = NDArray[np.uint8]

GROUND = {  # BGR: darkest and lightest of what is seen on clean plates
    "blue": ((90, 20, 0), (225, 110, 40)),
    "yellow": ((0, 130, 190), (70, 205, 255)),
    "white": ((200, 200, 200), (255, 255, 255)),
    "black": ((0, 0, 0), (50, 45, 45)),
    "green": ((100, 165, 75), (170, 220, 140)),
    "yellow_green": ((95, 150, 60), (150, 215, 130)),
}
DARK_INK = frozenset({"yellow", "green", "yellow_green", "white"})


class Typeface:
    """Masks of single characters, 1 where the ink is; kept once drawn."""

    def __init__(self, glyphs: Path) -> None:
        self.files = self.index(glyphs / "font_model")
        self.kept: dict[tuple[str, str, int, int], Mask] = {}

    @staticmethod
    def index(folder: Path) -> Mapping[str, Path]:
        return {file.stem: file for file in sorted(folder.glob("*.jpg"))}

    def mask(self, family: str, character: str, width: int, height: int) -> Mask:
        key = (family, character, width, height)
        if key not in self.kept:
            full = self.glyph(family, character)
            small = cv2.resize(full, (width, height), interpolation=cv2.INTER_AREA)
            self.kept[key] = small.astype(np.float32) / 255
        return self.kept[key]

    def glyph(self, family: str, character: str) -> Image:
        for name in (f"{family}_{character}", f"140_{character}"):
            if name in self.files:
                data = np.fromfile(self.files[name], np.uint8)
                grey = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
                return 255 - np.asarray(grey, np.uint8)
        return self.drawn(character)

    @staticmethod
    def drawn(character: str) -> Image:
        canvas = np.zeros((160, 160), np.uint8)
        face = cv2.FontFace("uni")
        cv2.putText(canvas, character, (20, 120), (255,), face, 100, 700)
        columns, rows = np.flatnonzero(canvas.max(0)), np.flatnonzero(canvas.max(1))
        box = canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        thin = max(0, round((box.shape[0] * 0.45 - box.shape[1]) / 2))
        return np.pad(box, ((0, 0), (thin, thin)))


def families_of(plate: Plate, place: int) -> tuple[str, ...]:
    """Which of the glyph families may stand there; those of Chinese characters differ so little
    that each may stand for the others."""
    character = plate.text[place]
    if not character.isascii():
        return ("140", "green", "220") if random.random() < 0.3 else (own_family(plate, place),)
    return (own_family(plate, place),)


def own_family(plate: Plate, place: int) -> str:
    if plate.kind == "ne8":
        return "green"
    if not plate.two_line:
        return "140"
    if not plate.text[place].isascii() or plate.text[place].isdigit():
        return "220"
    return "220_up" if place < 2 else "220_down"


def glyph_at(plate: Plate, place: int, face: Typeface) -> tuple[Mask, int, int]:
    """(glyph, left, top) in pixels; nothing is pressed quite where it should be."""
    x, y, w, h = (v * SCALE for v in plate.boxes[place])
    wide, high = round(w * random.uniform(0.95, 1.05)), round(h * random.uniform(0.97, 1.03))
    glyph = face.mask(random.choice(families_of(plate, place)), plate.text[place], wide, high)
    left = round(x + (w - wide) / 2 + random.gauss(0, 0.6))
    return glyph, max(0, left), max(0, round(y + (h - high) / 2 + random.gauss(0, 0.6)))


def ink_masks(plate: Plate, face: Typeface) -> tuple[Mask, Mask]:
    """(ordinary ink, red ink)."""
    width, height = (round(v * SCALE) for v in plate.size)
    masks = np.zeros((2, height, width), np.float32)
    for place in range(len(plate.text)):
        glyph, x, y = glyph_at(plate, place, face)
        window = masks[int(place in plate.red), y : y + glyph.shape[0], x : x + glyph.shape[1]]
        np.maximum(window, glyph[: window.shape[0], : window.shape[1]], out=window)
    if plate.dot:
        x, y = (round(v * SCALE) for v in plate.dot)
        cv2.circle(masks[0], (x, y), round(6 * SCALE), 1.0, -1, cv2.LINE_AA)
    if random.random() < 0.6:
        for mask in masks:
            thicken(mask, random.uniform(-0.3, 0.5))
    return masks[0], masks[1]


def thicken(mask: Mask, weight: float) -> None:
    """Strokes fatter or, below 0, thinner."""
    soft = cv2.GaussianBlur(mask, (0, 0), 1.3)
    np.clip(0.5 + (soft - 0.5 + weight) * 2, 0, 1, out=mask)
    if weight > 0.25:
        mask[soft < 0.02] = 0


def ground(plate: Plate) -> NDArray[np.float32]:
    """The plate without characters: colour, edge line, bolts, emblem."""
    width, height = (round(v * SCALE) for v in plate.size)
    low, high = (np.array(v, np.float32) for v in GROUND[plate.colour])
    tone = low + (high - low) * np.random.default_rng(random.getrandbits(32)).random(3)
    if plate.colour not in {"white", "black"}:
        tone = 0.6 * tone + 0.4 * (low + (high - low) * random.random())
    image = np.empty((height, width, 3), np.float32)
    image[:] = tone
    if plate.colour == "green":
        fade = np.linspace(random.uniform(0.6, 1.0), 0, height, dtype=np.float32)[:, None, None]
        image += (245 - image) * fade
    if plate.colour == "yellow_green":
        image[:, : round(125 * SCALE)] = (40, 170, 235)
    ink = ink_of(plate)
    if plate.kind != "ne8" or random.random() < 0.5:
        cv2.rectangle(image, (2, 2), (width - 3, height - 3), ink, random.choice((1, 2, 3)))
    if plate.kind == "ne8":
        cv2.circle(
            image,
            (round(126 * SCALE), round(70 * SCALE)),
            round(12 * SCALE),
            (120, 150, 90),
            2,
            cv2.LINE_AA,
        )
    bolts(image)
    return image


def ink_of(plate: Plate) -> tuple[float, float, float]:
    if plate.colour in DARK_INK:
        dark = random.uniform(0, 45)
        return dark, dark, dark
    light = random.uniform(205, 255)
    return light, light, light


def bolts(image: NDArray[np.float32]) -> None:
    height, width = image.shape[:2]
    for x in (0.25, 0.75):
        for y in (0.07, 0.93):
            if random.random() < 0.6:
                at = (round(width * x + random.gauss(0, 4)), round(height * y))
                tone = random.choice((40.0, 110.0, 170.0, 230.0)) + random.gauss(0, 15)
                cv2.circle(image, at, random.choice((3, 4, 6)), (tone, tone, tone), -1, cv2.LINE_AA)


def render(plate: Plate, face: Typeface) -> NDArray[np.float32]:
    """(height, width, 3) BGR, 0 to 255."""
    image = ground(plate)
    ordinary, red = ink_masks(plate, face)
    image += (np.array(ink_of(plate), np.float32) - image) * ordinary[..., None]
    if plate.red:
        tone = np.array([random.uniform(10, 60), random.uniform(10, 60), random.uniform(150, 230)])
        image += (tone.astype(np.float32) - image) * red[..., None]
    return image
