"""Samples for the detector: a cut of a scene and the targets of every cell."""

import random
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from detector_scene import (
    TRAINABLE,
    Drawing,
    as_it_is,
    blotted,
    drawn,
    hung,
    lifted,
    littered,
    load,
    mosaic,
    patches,
    replaced,
    shaded,
)
from lettering import lettered
from plate_augment import Floats, Image, chance, colour, lens
from plate_render import Typeface
from scene import Frame, Scene
from torch.utils.data import IterableDataset

from drivers.camera.vision.boxes import GREY, centres, normalise

REACH = {8: (0, 110), 16: (80, 260), 32: (200, 10_000)}  # widths of plates, pixels, per stride
KEPT = 800  # samples that a worker shows again
LEAST = 14  # pixels; narrower plates are not asked for


def within(middle: Floats, half: float, span: Floats) -> Floats:
    """Moved so that at most a third of the cut reaches over the image, where that can be."""
    least, most = np.minimum(half / 3, span / 2), np.maximum(span - half / 3, span / 2)
    return np.asarray(np.clip(middle, least, most), np.float32)


def cut(scene: Scene, size: int) -> Scene:
    """A square of the scene, size by size: rotated a little, scaled, somewhere in it."""
    high, wide = scene.image.shape[:2]
    if scene.corners and chance(0.85):
        corners = random.choice(scene.corners)
        wish = np.exp(random.uniform(np.log(20), np.log(size * 0.75)))
        zoom = wish / max(1.0, float(np.hypot(*(corners[1] - corners[0]))))
        zoom = max(zoom, 0.9 * size / max(high, wide))
        aside = np.array([random.uniform(-0.42, 0.42), random.uniform(-0.42, 0.42)])
        middle = corners.mean(axis=0) + aside * size / zoom
    else:
        zoom = size / max(high, wide) * np.exp(random.uniform(0, 1.2))
        middle = np.array([random.uniform(0.2, 0.8) * wide, random.uniform(0.2, 0.8) * high])
    middle = within(middle, size / 2 / zoom, np.array([wide, high], np.float32))
    turn = random.gauss(0, 15 if chance(0.15) else 4)
    matrix = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), turn, zoom)
    matrix[:, 2] += size / 2 - middle
    mode = cv2.INTER_AREA if zoom < 0.6 else cv2.INTER_LINEAR
    image = scene.image
    if mode == cv2.INTER_AREA:
        shrink = zoom * 1.5
        image = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        matrix[:, :2] /= shrink
    cut_out = cv2.warpAffine(image, matrix, (size, size), borderValue=(GREY, GREY, GREY))
    if mode == cv2.INTER_AREA:
        matrix[:, :2] *= shrink
    return Scene(cut_out, moved(scene.corners, matrix), scene.two_line)


def jolted(scene: Scene) -> Scene:
    """The same square moved, turned, scaled and lit a little differently."""
    size = scene.image.shape[0]
    turn, zoom = random.gauss(0, 3), np.exp(random.gauss(0, 0.12))
    matrix = cv2.getRotationMatrix2D((size / 2, size / 2), turn, zoom)
    matrix[:, 2] += [random.gauss(0, size / 16), random.gauss(0, size / 16)]
    image = cv2.warpAffine(scene.image, matrix, (size, size), borderValue=(GREY, GREY, GREY))
    lit = cv2.convertScaleAbs(image, alpha=np.exp(random.gauss(0, 0.2)), beta=random.gauss(0, 10))
    return Scene(np.asarray(lit, np.uint8), moved(scene.corners, matrix), scene.two_line)


def quartered(scenes: list[Scene]) -> Scene:
    """Four squares at half their size in one: many small plates. Where an edge cuts a plate, the
    square is left out."""
    size = scenes[0].image.shape[0]
    half = size // 2
    whole = Scene(np.full_like(scenes[0].image, GREY), [], [])
    for place, scene in enumerate(scenes):
        if any(corners.min() < 0 or corners.max() > size for corners in scene.corners):
            continue
        x, y = half * (place % 2), half * (place // 2)
        small = cv2.resize(scene.image, (half, half), interpolation=cv2.INTER_AREA)
        whole.image[y : y + half, x : x + half] = small
        whole.corners += [(c / 2 + [x, y]).astype(np.float32) for c in scene.corners]
        whole.two_line += scene.two_line
    return whole


def moved(corners: list[Floats], matrix: Floats) -> list[Floats]:
    return [(c @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32) for c in corners]


class Targets:
    """For each cell: weight of its score, score, two lines, a stride in widths and in heights of
    the plate, and eight offsets of the corners in strides."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.middles, self.strides = centres(size)

    def of(self, scene: Scene) -> Floats:
        rows = np.zeros((len(self.middles), 13), np.float32)
        rows[:, 0] = 1
        for corners, two_line in zip(scene.corners, scene.two_line, strict=True):
            self.mark(rows, corners, two_line)
        return rows

    def mark(self, rows: Floats, corners: Floats, two_line: bool) -> None:
        low, high = corners.min(axis=0), corners.max(axis=0)
        width, middle = float(high[0] - low[0]), corners.mean(axis=0)
        seen = np.clip(high, 0, self.size) - np.clip(low, 0, self.size)
        near = np.abs(self.middles - middle) / np.maximum(high - low, 1)
        inside = (near < 0.5).all(axis=1)
        if width < LEAST or np.prod(seen) < 0.75 * np.prod(high - low):
            rows[inside, 0] = 0
            return
        away = np.abs(self.middles - middle) / self.strides
        least, most = (np.array([REACH[int(s)][k] for s in self.strides[:, 0]]) for k in (0, 1))
        right = (width >= least) & (width < most)
        reach = np.array([0.2, 0.35], np.float32)
        positive = (
            right & ((near < reach) | (away < [1.0, 0.5])).all(axis=1) & (near < 0.5).all(axis=1)
        )
        rows[inside & ~positive, 0] = 0
        offsets = (corners[None] - self.middles[:, None]) / self.strides[:, None]
        rows[positive, 0:2] = 1
        rows[positive, 2] = float(two_line)
        rows[positive, 3:5] = self.strides[positive] / sides(corners)
        rows[positive, 5:] = offsets[positive].reshape(-1, 8)


def sides(corners: Floats) -> Floats:
    """Lengths of the plate's longer and shorter side, pixels."""
    across = (corners[1] - corners[0] + corners[2] - corners[3]) / 2
    down = (corners[3] - corners[0] + corners[2] - corners[1]) / 2
    return np.array([np.hypot(*across), np.hypot(*down)], np.float32)


class Scenes(IterableDataset[tuple[torch.Tensor, torch.Tensor]]):
    """Endless."""

    def __init__(self, data: Path, size: int) -> None:
        frames = load(data)
        self.marked = [f for f in frames if f.source in TRAINABLE]
        self.patches = patches(data)
        self.bare = [f for f in frames if not f.plates]
        self.face = Typeface(data / "glyphs")
        self.size = size
        self.targets = Targets(size)
        self.kept: list[Scene] = []

    def ground(self) -> Scene:
        if chance(0.25):
            return mosaic(self.patches)
        frame: Frame = random.choice(self.marked if chance(0.6) else self.bare)
        scene = blotted(frame)
        if chance(0.5):
            scene.image = np.ascontiguousarray(scene.image[:, ::-1])
        return scene

    def drawing(self) -> Drawing:
        """Also one of the few real plates, to be laid elsewhere."""
        return lifted(random.choice(self.marked)) if chance(0.25) else drawn(self.face)

    def scene(self) -> Scene:
        draw = random.random()
        if draw < 0.18:
            return as_it_is(random.choice(self.marked))
        if draw < 0.46:
            return replaced(random.choice(self.marked), self.drawing)
        if draw < 0.74:
            return hung(cut(self.ground(), self.size * 3 // 2), self.drawing, self.size)
        return random.choice((lettered, littered))(self.ground())

    def sample(self) -> tuple[Image, Scene]:
        scene = self.scene()
        if scene.corners and chance(0.5):
            scene = random.choice((lettered, littered))(scene)
        scene = cut(scene, self.size)
        image = scene.image
        if chance(0.4):
            image = shaded(image)
        if chance(0.6):
            gain = np.float32(np.exp(random.gauss(0, 0.4)))
            image = np.clip(colour(image.astype(np.float32) * gain), 0, 255).astype(np.uint8)
        return lens(image.astype(np.float32)) if chance(0.4) else image, scene

    def kept_or_new(self) -> tuple[Image, Scene]:
        """Making a sample costs more than learning from it: each is shown more than once."""
        if len(self.kept) == KEPT and chance(0.6):
            old = (
                quartered(random.sample(self.kept, 4)) if chance(0.5) else random.choice(self.kept)
            )
            scene = jolted(old)
            return scene.image, scene
        image, scene = self.sample()
        kept = Scene(image, scene.corners, scene.two_line)
        if len(self.kept) < KEPT:
            self.kept.append(kept)
        else:
            self.kept[random.randrange(KEPT)] = kept
        return image, kept

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        while True:
            image, scene = self.kept_or_new()
            yield torch.from_numpy(normalise(image)), torch.from_numpy(self.targets.of(scene))
