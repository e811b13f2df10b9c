"""Patches of parking spaces from `occ_patches.csv`: both cameras, or one without the other."""

import csv
import random
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from occupancy_augment import (
    Image,
    camera,
    chance,
    clutter,
    markings,
    neighbour,
    other_ground,
    shadows,
    warp,
)
from torch.utils.data import IterableDataset

from drivers.camera.vision.spaces import prepare


def load(data: Path) -> dict[tuple[str, int], list[Image]]:
    """(source, occupied) -> patches."""
    patches: dict[tuple[str, int], list[Image]] = {}
    with (data / "occ_patches.csv").open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            image = cv2.imread(str(data / "occ_patches" / row["file"]))
            if image is None:
                raise FileNotFoundError(row["file"])
            patches.setdefault((row["source"], int(row["occupied"])), []).append(
                np.asarray(image, np.uint8)
            )
    return patches


class Patches(IterableDataset[tuple[torch.Tensor, torch.Tensor]]):
    """Endless: sources and labels in equal parts, every sample changed anew."""

    def __init__(self, data: Path, held_out: frozenset[str]) -> None:
        self.patches = {k: v for k, v in load(data).items() if k[0] not in held_out}
        self.sources = sorted({source for source, _ in self.patches})

    def draw(self, occupied: int) -> Image:
        source = random.choice(self.sources)
        image = random.choice(self.patches[source, occupied])
        return warp(image, occupied=bool(occupied))

    def compose(self, occupied: int) -> Image:
        image = self.draw(occupied)
        if not occupied and chance(0.3):
            image = markings(image)
        if chance(0.35):
            image = shadows(image)
        if occupied and chance(0.35):
            ground = self.draw(0)
            image = other_ground(image, markings(ground) if chance(0.4) else ground)
        if chance(0.4):
            image = neighbour(image, self.draw(1))
        if chance(0.2):
            image = clutter(image)
        return image

    def sample(self) -> tuple[NDArray[np.float32], int]:
        occupied = random.randint(0, 1)
        return prepare([camera(self.compose(occupied))])[0], occupied

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        while True:
            image, occupied = self.sample()
            yield torch.from_numpy(image), torch.tensor(float(occupied))
