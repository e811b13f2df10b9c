"""Scenes with plates whose corners are known: real frames as they are, real frames with a drawn
plate where the real one was, drawn plates on any ground, and grounds with lettering but no plate.

Corners are clockwise from top left, in pixels. EasyPR's frames are for measuring only.
"""

import csv
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import decoys
import numpy as np
from plate_augment import Floats, Image, chance, cloud, light, tilted, wear
from plate_render import Typeface, render
from plate_text import draw_plate
from reader_data import read_image
from scene import Frame, Scene, block

TRAINABLE = ("ccpd", "misc-ccpd", "misc-bzpj")
DECEIVING = 0.15  # share of the real plates in whose place is something that is no plate


@dataclass(frozen=True)
class Drawing:
    """A plate seen from the front, with what is around it; `inner` (4, 2) are its corners."""

    image: Floats
    inner: Floats
    two_line: bool


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


def patches(data: Path) -> list[Path]:
    """Of free parking spaces: asphalt, shadows, edges of cars. On the cars of the taken ones are
    plates, if foreign ones."""
    with (data / "occ_patches.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [data / "occ_patches" / row["file"] for row in rows if row["occupied"] == "0"]


def mosaic(files: list[Path]) -> Scene:
    """Nine patches side by side."""
    tiles = [cv2.resize(read_image(random.choice(files)), (150, 150)) for _ in range(9)]
    return Scene(np.vstack([np.hstack(tiles[k : k + 3]) for k in (0, 3, 6)]), [], [])


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


def outline(width: float, height: float, edge: float = 0.0) -> Floats:
    """Corners of an upright rectangle whose sides lie `edge` inside a width by height image."""
    far = np.array([width - edge, height - edge])
    return np.array([[edge, edge], [far[0], edge], far, [edge, far[1]]], np.float32)


def paste(scene: Scene, drawing: Drawing, corners: Floats) -> None:
    """Lays a plate into the scene with its corners there, as soft as the scene is."""
    plate = drawing.image
    high, wide = plate.shape[:2]
    there = cv2.getPerspectiveTransform(drawing.inner, corners.astype(np.float32))
    outer = cv2.perspectiveTransform(outline(wide, high)[None], there)[0]
    across = float(np.hypot(*(outer[1] - outer[0])))
    if across < wide / 1.6:
        plate = cv2.GaussianBlur(plate, (0, 0), 0.35 * wide / across)
    scene.corners.append(corners.astype(np.float32))
    scene.two_line.append(drawing.two_line)
    x1, y1, x2, y2 = window(outer, scene.image)
    if x2 <= x1 or y2 <= y1:
        return
    matrix = np.array([[1, 0, -x1], [0, 1, -y1], [0, 0, 1]]) @ there
    size = x2 - x1, y2 - y1
    laid = cv2.warpPerspective(np.clip(plate, 0, 255).astype(np.float32), matrix, size)
    mask = cv2.warpPerspective(np.ones((high, wide), np.float32), matrix, size)
    mask = cv2.GaussianBlur(mask, (3, 3), 0)[..., None]
    image = scene.image.copy()
    image[y1:y2, x1:x2] = laid * mask + image[y1:y2, x1:x2] * (1 - mask)
    scene.image = image


def drawn(face: Typeface) -> Drawing:
    """A drawn plate, a third of them in a holder."""
    plate = draw_plate()
    image = light(wear(render(plate, face)))
    edge = 0
    if chance(0.35):
        edge = random.randint(2, 14)
        dark = random.choice((random.uniform(0, 60), random.uniform(120, 255)))
        tone = [dark * random.uniform(0.8, 1.2) for _ in range(3)]
        image = cv2.copyMakeBorder(image, *[edge] * 4, cv2.BORDER_CONSTANT, value=tone)
    high, wide = image.shape[:2]
    return Drawing(np.asarray(image, np.float32), outline(wide, high, edge), plate.two_line)


def lifted(frame: Frame) -> Drawing:
    """A real plate, cut out with a margin, lit differently."""
    corners = random.choice([corners for corners, ignored in frame.plates if not ignored])
    wide = round(float(np.hypot(*(corners[1] - corners[0]))))
    high, edge = max(8, round(wide * 0.32)), random.randint(2, max(3, wide // 12))
    inner = outline(wide + 2 * edge, high + 2 * edge, edge)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), inner)
    size = wide + 2 * edge, high + 2 * edge
    image = cv2.warpPerspective(frame.image, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return Drawing(light(image.astype(np.float32)).astype(np.float32), inner, False)


def replaced(frame: Frame, draw: Callable[[], Drawing]) -> Scene:
    """A real frame with other plates in the place of its own, or with what is none."""
    scene = Scene(frame.image, [], [])
    for corners, ignored in frame.plates:
        if not ignored:
            middle = corners.mean(axis=0)
            grown = middle + (corners - middle) * random.uniform(1.0, 1.1)
            if chance(DECEIVING):
                scene.image = decoys.lay(scene.image, grown.astype(np.float32))
                continue
            drawing = draw()
            if drawing.two_line:
                grown = middle + (grown - middle) * [1, 1.5]
            paste(scene, drawing, grown + np.float32(random.gauss(0, 1)))
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


def body(image: Image, middle: Floats, width: float) -> None:
    """Something like the back of a vehicle behind a plate that hangs in the air otherwise."""
    half = width * random.uniform(0.7, 1.6), width * random.uniform(0.25, 1.0)
    bright = random.choice((random.uniform(5, 70), random.uniform(120, 250)))
    block(image, middle, half, [bright * random.uniform(0.7, 1.1) for _ in range(3)], -1)
    if chance(0.5):
        seat = width * random.uniform(0.52, 0.62)
        edge = [random.uniform(0, 255)] * 3
        block(image, middle, (seat, seat * 0.4), edge, random.choice((-1, 1, 3)))


def hung(ground: Scene, draw: Callable[[], Drawing], size: int) -> Scene:
    """One to four plates anywhere on a ground; `size` is what it will be scaled to."""
    scene = Scene(ground.image.copy(), list(ground.corners), list(ground.two_line))
    high, wide = scene.image.shape[:2]
    for _ in range(random.choice((1, 2, 3, 4))):
        drawing = draw()
        width = np.exp(random.uniform(np.log(24), np.log(200))) * wide / size
        shape = tilted(width, width * drawing.inner[2, 1] / drawing.inner[2, 0])
        middle = np.array([random.uniform(0.1, 0.9) * wide, random.uniform(0.1, 0.9) * high])
        if any(np.hypot(*(middle - c.mean(axis=0))) < 1.5 * width for c in scene.corners):
            continue
        if chance(0.6):
            body(scene.image, middle, width)
        paste(scene, drawing, shape + middle.astype(np.float32))
    return scene


def littered(ground: Scene) -> Scene:
    """The scene with one to five decoys away from its plates."""
    scene = Scene(ground.image, ground.corners, ground.two_line)
    high, wide = scene.image.shape[:2]
    for _ in range(random.randint(1, 5)):
        width = np.exp(random.uniform(np.log(20), np.log(260))) * wide / 640
        shape = tilted(width, width * random.uniform(0.2, 0.6))
        middle = np.array([random.uniform(0, 1) * wide, random.uniform(0, 1) * high])
        if all(np.hypot(*(middle - c.mean(axis=0))) > 1.2 * width + 40 for c in scene.corners):
            scene.image = decoys.lay(scene.image, (shape + middle).astype(np.float32))
    return scene


def shaded(image: Image) -> Image:
    """Uneven light over the whole scene."""
    high, wide = image.shape[:2]
    shade = 1 + random.uniform(0.1, 0.35) * cloud(high, wide, random.randint(2, 5))
    return np.clip(image * shade[..., None], 0, 255).astype(np.uint8)
