"""Scenes with plates whose corners are known: real frames as they are, real frames with a drawn
plate where the real one was, drawn plates on any ground, and grounds with lettering but no plate.

Corners are clockwise from top left, in pixels. EasyPR's frames are for measuring only.
"""

import csv
import random
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from plate_augment import Floats, Image, chance, cloud, light, tilted, wear
from plate_render import Typeface, render
from plate_text import draw_plate
from reader_data import read_image

TRAINABLE = ("ccpd", "misc-ccpd", "misc-bzpj")
WORDS = (
    "STOP",
    "TAXI",
    "EXIT 24",
    "P2",
    "Ford",
    "TOYOTA",
    "8888-2222",
    "CH 10234",
    "MINI",
    "B-KA 731",
)


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


def load(data: Path) -> list[Frame]:
    """All labelled frames, and those of parking lots, which show no readable plate."""
    rows: dict[str, list[dict[str, str]]] = {}
    with (data / "plate_frames.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["file"], []).append(row)
    frames = [
        Frame(
            read_image(data / "plate_frames" / name),
            tuple((corners_of(row), row["ignore"] == "1") for row in group),
            group[0]["source"],
            name,
        )
        for name, group in rows.items()
    ]
    lots = sorted((data / "occ_frames").glob("*.jpg"))
    return frames + [Frame(read_image(path), (), "pklot_puc", path.name) for path in lots]


def corners_of(row: dict[str, str]) -> Floats:
    """From the four corners where they are given, else from the box."""
    if row["tlx"]:
        names = ("tlx", "tly", "trx", "try", "brx", "bry", "blx", "bly")
        return np.array([float(row[name]) for name in names], np.float32).reshape(4, 2)
    x1, y1, x2, y2 = (float(row[name]) for name in ("x1", "y1", "x2", "y2"))
    return np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], np.float32)


def window(corners: Floats, image: Image) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the part of the image that a plate touches."""
    high, wide = image.shape[:2]
    low = np.clip(np.floor(corners.min(axis=0)) - 2, 0, [wide, high]).astype(int)
    end = np.clip(np.ceil(corners.max(axis=0)) + 2, 0, [wide, high]).astype(int)
    return int(low[0]), int(low[1]), int(end[0]), int(end[1])


def paste(scene: Scene, plate: Floats, corners: Floats, two_line: bool) -> None:
    """Lays a drawing into the scene, as soft as the scene is."""
    high, wide = plate.shape[:2]
    across = float(np.hypot(*(corners[1] - corners[0])))
    if across < wide / 1.6:
        plate = cv2.GaussianBlur(plate, (0, 0), 0.35 * wide / across)
    scene.corners.append(corners.astype(np.float32))
    scene.two_line.append(two_line)
    x1, y1, x2, y2 = window(corners, scene.image)
    if x2 <= x1 or y2 <= y1:
        return
    source = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
    target = (corners - [x1, y1]).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    size = x2 - x1, y2 - y1
    drawn = cv2.warpPerspective(np.clip(plate, 0, 255).astype(np.float32), matrix, size)
    mask = cv2.warpPerspective(np.ones((high, wide), np.float32), matrix, size)
    mask = cv2.GaussianBlur(mask, (3, 3), 0)[..., None]
    image = scene.image.copy()
    image[y1:y2, x1:x2] = drawn * mask + image[y1:y2, x1:x2] * (1 - mask)
    scene.image = image


def drawing(face: Typeface) -> tuple[Floats, bool]:
    plate = draw_plate()
    return light(wear(render(plate, face))), plate.two_line


def replaced(frame: Frame, face: Typeface) -> Scene:
    """A real frame with drawn plates in the place of its own."""
    scene = Scene(frame.image, [], [])
    for corners, ignored in frame.plates:
        if not ignored:
            plate, two_line = drawing(face)
            middle = corners.mean(axis=0)
            grown = middle + (corners - middle) * random.uniform(1.03, 1.15)
            if two_line:
                grown = middle + (grown - middle) * [1, 1.5]
            paste(scene, plate, grown + np.float32(random.gauss(0, 1)), two_line)
    return scene


def as_it_is(frame: Frame) -> Scene:
    corners = [corners for corners, ignored in frame.plates if not ignored]
    return Scene(frame.image, corners, [False] * len(corners))


def blotted(frame: Frame) -> Scene:
    """A real frame without its plates."""
    image = frame.image.copy()
    for corners, _ in frame.plates:
        middle = corners.mean(axis=0)
        grown = (middle + (corners - middle) * 1.35).astype(np.int32)
        tone = [
            int(v) for v in image[tuple(np.clip(grown[0][::-1], 0, np.array(image.shape[:2]) - 1))]
        ]
        cv2.fillPoly(image, [grown], tone)
    return Scene(image, [], [])


def block(
    image: Image, middle: Floats, half: tuple[float, float], tone: list[float], line: int
) -> None:
    span = np.array(half)
    low, high = ([int(v) for v in middle + way * span] for way in (-1, 1))
    cv2.rectangle(image, low, high, tone, line)


def body(image: Image, middle: Floats, width: float) -> None:
    """Something like the back of a vehicle behind a plate that hangs in the air otherwise."""
    half = width * random.uniform(0.7, 1.6), width * random.uniform(0.25, 1.0)
    bright = random.choice((random.uniform(5, 70), random.uniform(120, 250)))
    block(image, middle, half, [bright * random.uniform(0.7, 1.1) for _ in range(3)], -1)
    if chance(0.5):
        seat = width * random.uniform(0.52, 0.62)
        edge = [random.uniform(0, 255)] * 3
        block(image, middle, (seat, seat * 0.4), edge, random.choice((-1, 1, 3)))


def hung(ground: Scene, face: Typeface, size: int) -> Scene:
    """One to three drawn plates anywhere on a ground; `size` is what it will be scaled to."""
    scene = Scene(ground.image.copy(), list(ground.corners), list(ground.two_line))
    high, wide = scene.image.shape[:2]
    for _ in range(random.choice((1, 1, 2, 3))):
        plate, two_line = drawing(face)
        width = np.exp(random.uniform(np.log(24), np.log(200))) * wide / size
        shape = tilted(width, width * plate.shape[0] / plate.shape[1])
        middle = np.array([random.uniform(0.1, 0.9) * wide, random.uniform(0.1, 0.9) * high])
        if any(np.hypot(*(middle - c.mean(axis=0))) < 1.5 * width for c in scene.corners):
            continue
        if chance(0.6):
            body(scene.image, middle, width)
        paste(scene, plate, shape + middle.astype(np.float32), two_line)
    return scene


def lettered(ground: Scene) -> Scene:
    """Signs, shop fronts, lettering on lorries, foreign plates: none of them ours."""
    scene = Scene(ground.image.copy(), ground.corners, ground.two_line)
    for _ in range(random.randint(1, 4)):
        sign(scene, random.choice(WORDS) if chance(0.5) else f"{random.randint(0, 10**7)}")
    return scene


def sign(scene: Scene, text: str) -> None:
    """Writes it somewhere, unless a plate is near."""
    high, wide = scene.image.shape[:2]
    scale, face = wide / 640 * random.uniform(0.4, 2.5), cv2.FONT_HERSHEY_SIMPLEX
    (w, h), _ = cv2.getTextSize(text, face, scale, 2)
    x, y = random.randint(0, wide), random.randint(0, high)
    middle = np.array([x + w / 2, y - h / 2])
    if any(np.abs(c.mean(axis=0) - middle).max() < w + 60 for c in scene.corners):
        return
    tone = [float(random.randint(0, 255)) for _ in range(3)]
    if chance(0.7):
        pad = random.randint(2, max(3, h))
        block(scene.image, middle, (w / 2 + pad, h / 2 + pad), tone, -1)
        tone = [255 - v for v in tone]
    thick = max(1, round(scale * random.uniform(1, 4)))
    cv2.putText(scene.image, text, (x, y), face, scale, tone, thick, cv2.LINE_AA)


def shaded(image: Image) -> Image:
    """Uneven light over the whole scene."""
    high, wide = image.shape[:2]
    shade = 1 + random.uniform(0.1, 0.35) * cloud(high, wide, random.randint(2, 5))
    return np.clip(image * shade[..., None], 0, 255).astype(np.uint8)
