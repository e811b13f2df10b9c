"""Cut-outs of what a detector may find though it is no plate; a reader is to say nothing there."""

import random

import cv2
import numpy as np
from decoys import BOARDS, HIGH, WIDE, decoy, plain, tone, written
from lettering import word
from plate_augment import Floats, Image, chance, lens, light, photograph


def no_plate(ground: Image) -> Image:
    """Lettering on a board, a decoy, or nothing but the ground, as a camera shows it."""
    kind = random.random()
    if kind < 0.15:
        return lens(light(ground.astype(np.float32)))
    return photograph(lettering() if kind < 0.65 else over(ground), ground)


def lettering() -> Floats:
    """A word on a board, in the colours of a plate or others; or a part of it."""
    back = np.array(random.choice(BOARDS), np.float32) + np.float32(random.gauss(0, 20))
    if chance(0.4):
        back = tone(0, 255)
    canvas = plain(np.clip(back, 0, 255)).astype(np.uint8)
    ink = tone(0, 60) if back.mean() > 128 else tone(195, 255)
    written(canvas, word(), tuple(np.clip(ink, 0, 255).tolist()), 0)
    if chance(0.3):
        start, end = random.randint(0, WIDE // 3), random.randint(WIDE * 2 // 3, WIDE)
        canvas = np.asarray(cv2.resize(canvas[:, start:end], (WIDE, HIGH)), np.uint8)
    if chance(0.4):
        cv2.rectangle(canvas, (3, 3), (WIDE - 4, HIGH - 4), ink.tolist(), random.randint(1, 4))
    return canvas.astype(np.float32)


def over(ground: Image) -> Floats:
    """A decoy with the ground around it."""
    image, there = decoy()
    behind = cv2.resize(ground, (WIDE, HIGH)).astype(np.float32)
    return np.asarray(image * there + behind * (1 - there), np.float32)
