"""Crops of plates with their texts: drawn ones, and real ones from `plate_crops.csv`."""

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from no_plate import no_plate
from plate_augment import Image, again, noise, photograph
from plate_render import Typeface, render
from plate_text import draw_plate
from reader_net import HEIGHT, WIDTH
from torch.utils.data import IterableDataset

from drivers.camera.vision.grammar import ALPHABET, COLOURS, SLOTS
from drivers.camera.vision.reading import prepare
from drivers.camera.vision.recognising import joined

FRAMES_FOR_GROUND = ("ccpd", "misc")
KEPT = 3000  # drawings that a worker shows again
ANSWERED = 0.25  # share of the real crops whose province is asked for: they have few provinces, and
# the net would take those as a guess
NOT_ASKED = -100  # as a class: no loss
NOTHING = 0.12  # share of the drawings that show no plate: all slots empty, no colour asked for
Sample = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
Shown = tuple[Image, list[int], str | None]


@dataclass(frozen=True)
class Crop:
    image: Image
    text: str
    colour: str
    kind: str
    source: str
    file: str


def read_image(path: Path) -> Image:
    image = cv2.imread(str(path))
    if image is None:
        raise FileNotFoundError(path)
    return np.asarray(image, np.uint8)


def load(data: Path) -> list[Crop]:
    with (data / "plate_crops.csv").open(encoding="utf-8") as rows:
        return [
            Crop(
                read_image(data / "plate_crops" / row["file"]),
                row["text"],
                row["color"],
                row["kind"],
                row["source"],
                row["file"],
            )
            for row in csv.DictReader(rows)
        ]


def grounds(data: Path, count: int = 300) -> list[Image]:
    """Pieces of real scenes, 280 by 90; EasyPR's frames may only be looked at, not learnt from."""
    draw = random.Random(7)
    files = sorted((data / "occ_frames").glob("*.jpg"))
    for source in FRAMES_FOR_GROUND:
        files += sorted((data / "plate_frames").glob(f"{source}*.jpg"))
    frames = [read_image(file) for file in files]
    pieces = []
    while frames and len(pieces) < count:
        frame = draw.choice(frames)
        wide = draw.randint(60, min(500, frame.shape[1] - 1))
        high = min(wide // 3, frame.shape[0] - 1)
        x, y = draw.randint(0, frame.shape[1] - wide), draw.randint(0, frame.shape[0] - high)
        pieces.append(cv2.resize(frame[y : y + high, x : x + wide], (280, 90)))
    return pieces or [np.full((90, 280, 3), 90, np.uint8)]


def encode(text: str) -> list[int]:
    """One class a slot; 0 is an empty slot."""
    return [ALPHABET.index(c) + 1 for c in text] + [0] * (SLOTS - len(text))


def weight(crop: Crop) -> float:
    """Real crops are nearly all blue and from one province: the others come more often."""
    rare = 1.0 if crop.text[0] == "皖" else 4.0
    return rare * (1.0 if crop.colour == "blue" else 1.5)


def fitted(image: Image) -> Image:
    """At the size of the input, as `prepare` would make it."""
    shrinks = image.shape[0] > HEIGHT and image.shape[1] > WIDTH
    mode = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (WIDTH, HEIGHT), interpolation=mode), np.uint8)


def jolted(image: Image) -> Image:
    """Moved, stretched and lit a little differently."""
    matrix = np.eye(2, 3, dtype=np.float32)
    matrix += noise((2, 3), 1.0) * np.array([[0.02, 0.04, 2.0], [0.008, 0.03, 0.8]], np.float32)
    moved = cv2.warpAffine(image, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    gain, shift = np.exp(random.gauss(0, 0.2)), random.gauss(0, 12)
    return np.asarray(cv2.convertScaleAbs(moved, alpha=gain, beta=shift), np.uint8)


class Crops(IterableDataset[Sample]):
    """Endless. `real` is the share of real crops among the samples."""

    def __init__(self, data: Path, real: float, held_out: frozenset[str]) -> None:
        self.face = Typeface(data / "glyphs")
        self.grounds = grounds(data)
        self.crops = [crop for crop in load(data) if crop.source not in held_out]
        self.weights = [weight(crop) for crop in self.crops]
        self.real = real if self.crops else 0.0

        self.kept: list[Shown] = []

    def draw(self) -> Shown:
        """(image of the input's size, classes of the slots, colour); class -100, colour None: not
        asked for."""
        if random.random() < self.real:
            crop = random.choices(self.crops, self.weights)[0]
            classes = encode(crop.text)
            if random.random() > ANSWERED:
                classes[0] = NOT_ASKED
            return fitted(again(crop.image)), classes, crop.colour
        if len(self.kept) == KEPT and random.random() < 0.5:
            image, classes, colour = random.choice(self.kept)
            return jolted(image), classes, colour
        fresh = self.drawn()
        self.keep(fresh)
        return fresh

    def drawn(self) -> Shown:
        ground = random.choice(self.grounds)
        if random.random() < NOTHING:
            return fitted(no_plate(ground)), encode(""), None
        plate = draw_plate()
        image = photograph(render(plate, self.face), ground)
        image = fitted(joined(image) if plate.two_line else image)
        return image, encode(plate.text), plate.colour

    def keep(self, shown: Shown) -> None:
        """Drawing costs more than learning: each drawing is shown about twice."""
        if len(self.kept) < KEPT:
            self.kept.append(shown)
        else:
            self.kept[random.randrange(KEPT)] = shown

    def __iter__(self) -> Iterator[Sample]:
        while True:
            image, classes, colour = self.draw()
            yield (
                torch.from_numpy(prepare([image], WIDTH, HEIGHT)[0]),
                torch.tensor(classes),
                torch.tensor(NOT_ASKED if colour is None else COLOURS.index(colour)),
            )
