"""Texts as they stand on Chinese number plates, drawn at random, with their layout in millimetres.

Measures after GA 36-2018. A layout is a list of boxes (x, y, width, height), one a character.
"""

import random
from dataclasses import dataclass

from drivers.camera.vision.grammar import DIGITS, LETTERS, PROVINCES

Box = tuple[float, float, float, float]
Size = tuple[float, float]


@dataclass(frozen=True)
class Plate:
    """`kind` as in the data folder's CSV, with the kinds that it has none of."""

    text: str
    colour: str
    kind: str
    size: Size
    boxes: tuple[Box, ...]
    dot: tuple[float, float] | None
    red: frozenset[int] = frozenset()  # positions of red characters
    two_line: bool = False


def row(widths: list[float], gaps: list[float], left: float, top: float, high: float) -> list[Box]:
    boxes, x = [], left
    for width, gap in zip(widths, [*gaps, 0.0], strict=True):
        boxes.append((x, top, width, high))
        x += width + gap
    return boxes


SINGLE = tuple(row([45] * 7, [12, 34, 12, 12, 12, 12], 15.5, 25, 90))
LATE_DOT = tuple(row([45] * 7, [12, 12, 12, 34, 12, 12], 15.5, 25, 90))
GREEN = tuple(row([45] + [43] * 7, [9, 49, 9, 9, 9, 9, 9], 15.5, 25, 90))
EIGHT = tuple(row([43] * 8, [5, 9, 24, 7, 7, 7, 7], 15, 25, 90))
DOUBLE = (*row([80] * 2, [60], 110, 15, 60), *row([65] * 5, [15] * 4, 27.5, 90, 110))


def tail(count: int) -> str:
    """Letters and digits; repeated and thin characters more often than by chance."""
    letters = random.choice((0, 0, 1, 1, 1, 2, 2, 3, count))
    chosen = random.choices(LETTERS, k=letters) + random.choices(DIGITS, k=count - letters)
    chosen = chosen[:count]
    random.shuffle(chosen)
    if random.random() < 0.25:
        at = random.randrange(count - 1)
        chosen[at + 1] = chosen[at]
    if random.random() < 0.15:
        chosen[random.randrange(count)] = "1"
    return "".join(chosen)


def head() -> str:
    letter = "A" if random.random() < 0.2 else random.choice(LETTERS)
    return random.choice(PROVINCES) + letter


def blue() -> Plate:
    return Plate(head() + tail(5), "blue", "std7", (440, 140), SINGLE, (134.5, 70))


def yellow() -> Plate:
    return Plate(head() + tail(5), "yellow", "std7", (440, 140), SINGLE, (134.5, 70))


def yellow_double() -> Plate:
    end = tail(4) + "挂" if random.random() < 0.3 else tail(5)
    kind = "suffix7" if end[-1] == "挂" else "std7"
    return Plate(head() + end, "yellow", kind, (440, 220), DOUBLE, (220, 45), two_line=True)


def learner() -> Plate:
    return Plate(head() + tail(4) + "学", "yellow", "suffix7", (440, 140), SINGLE, (134.5, 70))


def new_energy() -> Plate:
    digits = "".join(random.choices(DIGITS, k=4))
    kind = random.choice("DDDDFFFABCEGHJK")
    if random.random() < 0.8:
        free = random.choice(DIGITS * 2 + LETTERS)
        return Plate(head() + kind + free + digits, "green", "ne8", (480, 140), GREEN, None)
    text = head() + digits + random.choice(DIGITS) + kind
    return Plate(text, "yellow_green", "ne8", (480, 140), GREEN, None)


def police() -> Plate:
    red = frozenset({6})
    return Plate(head() + tail(4) + "警", "white", "suffix7", (440, 140), SINGLE, (134.5, 70), red)


def military() -> Plate:
    text = "".join(random.choices(LETTERS, k=2)) + tail(5)
    return Plate(text, "white", "army7", (440, 140), SINGLE, (134.5, 70), frozenset({0, 1}))


def armed_police() -> Plate:
    text = "WJ" + random.choice(PROVINCES) + "".join(random.choices(DIGITS, k=4))
    text += random.choice(DIGITS + "XBTSHJD")
    return Plate(text, "white", "wj8", (440, 140), EIGHT, (173, 70), frozenset({0, 1, 2}))


def cross_border() -> Plate:
    text = "粤Z" + tail(4) + random.choice("港澳")
    return Plate(text, "black", "suffix7", (440, 140), SINGLE, (134.5, 70))


def consulate() -> Plate:
    return Plate(head() + tail(4) + "领", "black", "suffix7", (440, 140), SINGLE, (134.5, 70))


def embassy() -> Plate:
    text = "使" + "".join(random.choices(DIGITS, k=6))
    return Plate(text, "black", "embassy7", (440, 140), LATE_DOT, (248.5, 70))


def black() -> Plate:
    return Plate(head() + tail(5), "black", "std7", (440, 140), SINGLE, (134.5, 70))


SHARES = (
    (blue, 52),
    (new_energy, 17),
    (yellow, 8),
    (yellow_double, 12),
    (learner, 3),
    (police, 4),
    (military, 1.5),
    (armed_police, 1.5),
    (cross_border, 3),
    (consulate, 1.5),
    (embassy, 1.5),
    (black, 1),
)


def draw_plate() -> Plate:
    kinds, weights = zip(*SHARES, strict=True)
    return random.choices(kinds, weights)[0]()
