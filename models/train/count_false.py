"""Counts plates that are none: `python models/train/count_false.py FOLDER --out metrics.json`.

On squares of plate frames away from every labelled plate, and on drawn scenes with lettering (words
that the training does not draw) but no plate. A plate of a frame that nobody labelled counts too.
"""

import argparse
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import fix_seeds
from detector_scene import blotted, load
from evaluate import Line, share
from lettering import lettered
from scene import Frame, Scene

from drivers.camera.eyes import Eyes
from drivers.camera.vision import runner
from drivers.camera.vision.arrays import Floats, Image

TILES = 2000
WORDS = (
    "出租 6688",
    "停车场",
    "京东快递",
    "HOTEL",
    "NO PARKING",
    "24小时",
    "K1 MNO 42",
    "AB-123-CD",
)


def tiles(frames: list[Frame]) -> Iterator[Image]:
    """Endless: squares of 160 to 400 pixels that touch no plate, labelled or to be ignored."""
    while True:
        frame = random.choice(frames)
        high, wide = frame.image.shape[:2]
        side = min(random.randint(160, 400), high, wide)
        x, y = random.randint(0, wide - side), random.randint(0, high - side)
        tile = np.array([x, y, x + side, y + side], np.float32)
        if all(away(tile, corners) for corners, _ in frame.plates):
            yield frame.image[y : y + side, x : x + side]


def away(tile: Floats, corners: Floats) -> bool:
    """By a tenth of the plate's size."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    edge = (high - low) / 10
    return bool((tile[2:] < low - edge).any() or (tile[:2] > high + edge).any())


def scenes(frames: list[Frame]) -> Iterator[Image]:
    """Endless."""
    while True:
        ground = blotted(random.choice(frames))
        yield lettered(Scene(ground.image, [], []), lambda: random.choice(WORDS)).image


def count(eyes: Eyes, images: Iterator[Image], of: int, size: int, what: str) -> Line:
    """In how many of them the gateway would tell of a plate."""
    hits = [bool(replace(eyes, size=size).plates(next(images))) for _ in range(of)]
    return share("with a false plate", what, hits)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--data", type=Path, default=Path("data/vision"))
    options.add_argument("--reader", type=Path, help="without, the detector decides alone")
    options.add_argument("--count", type=int, default=TILES, help="of tiles; scenes: a quarter")
    options.add_argument("--out", type=Path)
    o = options.parse_args()
    fix_seeds(77, 1)
    eyes = Eyes(runner.load(o.folder), runner.load(o.reader) if o.reader else None)
    frames = load(o.data)
    held = [f for f in frames if f.source == "easypr"]
    lots = [f for f in frames if not f.plates]
    lines = [
        count(eyes, tiles(held), o.count, 320, "easypr, tiles at 320"),
        count(eyes, scenes(held), o.count // 4, 640, "lettering at 640"),
        count(eyes, iter([blotted(f).image for f in held]), len(held), 640, "their grounds at 640"),
        count(eyes, iter([f.image for f in lots]), len(lots), 640, "parking frames at 640"),
    ]
    for line in lines:
        print(f"{line['what']:28} {line['data']:24} n {line['n']:5}  {line['value']}", end="  ")
        print(line["interval"])
    if o.out:
        o.out.write_text(json.dumps(lines, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
