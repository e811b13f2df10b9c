"""Samples for the detector: a cut of a scene and the targets of every cell."""

import random
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from detector_scene import (
    TRAINABLE,
    Frame,
    Scene,
    as_it_is,
    blotted,
    hung,
    lettered,
    load,
    replaced,
    shaded,
)
from plate_augment import Floats, Image, chance, colour, lens
from plate_render import Typeface
from torch.utils.data import IterableDataset

from drivers.camera.vision.boxes import GREY, centres, normalise

REACH = {8: (0, 72), 16: (48, 150), 32: (110, 10_000)}  # widths of plates, pixels, per stride
LEAST = 14  # pixels; narrower plates are not asked for


def cut(scene: Scene, size: int) -> Scene:
    """A square of the scene, size by size: rotated a little, scaled, somewhere in it."""
    high, wide = scene.image.shape[:2]
    if scene.corners and chance(0.85):
        corners = random.choice(scene.corners)
        wish = np.exp(random.uniform(np.log(24), np.log(size * 0.6)))
        zoom = wish / max(1.0, float(np.hypot(*(corners[1] - corners[0]))))
        zoom = max(zoom, 0.9 * size / max(high, wide))
        aside = np.array([random.uniform(-0.42, 0.42), random.uniform(-0.42, 0.42)])
        middle = corners.mean(axis=0) + aside * size / zoom
    else:
        zoom = size / max(high, wide) * np.exp(random.uniform(0, 1.2))
        middle = np.array([random.uniform(0.2, 0.8) * wide, random.uniform(0.2, 0.8) * high])
    matrix = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), random.gauss(0, 4), zoom)
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
    moved = [c @ matrix[:, :2].T + matrix[:, 2] for c in scene.corners]
    return Scene(cut_out, [m.astype(np.float32) for m in moved], scene.two_line)


class Targets:
    """For each cell: weight of its score, score, two lines, eight offsets of the corners."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.middles, self.strides = centres(size)

    def of(self, scene: Scene) -> Floats:
        rows = np.zeros((len(self.middles), 12), np.float32)
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
        positive = right & (away < 1.0).all(axis=1) & ((near < 0.35) | (away < 0.5)).all(axis=1)
        rows[inside & ~positive, 0] = 0
        offsets = (corners[None] - self.middles[:, None]) / self.strides[:, None]
        rows[positive, 0:2] = 1
        rows[positive, 2] = float(two_line)
        rows[positive, 3] = self.strides[positive, 0] / width
        rows[positive, 4:] = offsets[positive].reshape(-1, 8)


class Scenes(IterableDataset[tuple[torch.Tensor, torch.Tensor]]):
    """Endless."""

    def __init__(self, data: Path, size: int) -> None:
        frames = load(data)
        self.marked = [f for f in frames if f.source in TRAINABLE]
        self.bare = [f for f in frames if not f.plates]
        self.face = Typeface(data / "glyphs")
        self.size = size
        self.targets = Targets(size)

    def ground(self) -> Scene:
        frame: Frame = random.choice(self.marked if chance(0.6) else self.bare)
        scene = blotted(frame)
        if chance(0.5):
            scene.image = np.ascontiguousarray(scene.image[:, ::-1])
        return scene

    def scene(self) -> Scene:
        draw = random.random()
        if draw < 0.2:
            return as_it_is(random.choice(self.marked))
        if draw < 0.5:
            return replaced(random.choice(self.marked), self.face)
        if draw < 0.8:
            return hung(cut(self.ground(), self.size * 3 // 2), self.face, self.size)
        return lettered(self.ground())

    def sample(self) -> tuple[Image, Scene]:
        scene = self.scene()
        if scene.corners and chance(0.2):
            scene = lettered(scene)
        scene = cut(scene, self.size)
        image = scene.image
        if chance(0.4):
            image = shaded(image)
        if chance(0.6):
            gain = np.float32(np.exp(random.gauss(0, 0.4)))
            image = np.clip(colour(image.astype(np.float32) * gain), 0, 255).astype(np.uint8)
        return lens(image.astype(np.float32)) if chance(0.4) else image, scene

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        while True:
            image, scene = self.sample()
            yield torch.from_numpy(normalise(image)), torch.from_numpy(self.targets.of(scene))
