"""What a detector takes for a plate though it is none: lamps, grilles, emblems, roof signs, dates
written into the picture, bare boards where a plate would be.
"""

import random
from collections.abc import Callable

import cv2
import numpy as np
from lettering import word
from plate_augment import Floats, Image, chance, cloud, light

HIGH, WIDE = 90, 270  # pixels of a drawing
FACES = ("sans", "italic", "uni")
Drawn = tuple[Floats, Floats]  # BGR; how much of it is there, 0 to 1, with one channel


def tone(low: float, high: float) -> Floats:
    """A colour near grey."""
    return np.array([random.uniform(low, high)] * 3, np.float32) + np.array(
        [random.gauss(0, 8) for _ in range(3)], np.float32
    )


def plain(colour: Floats) -> Floats:
    image = np.empty((HIGH, WIDE, 3), np.float32)
    image[:] = colour
    return image


def whole() -> Floats:
    return np.ones((HIGH, WIDE, 1), np.float32)


def outlined(points: Floats) -> Floats:
    mask = np.zeros((HIGH, WIDE), np.float32)
    cv2.fillPoly(mask, [points.astype(np.int32)], 1.0, cv2.LINE_AA)
    return mask[..., None]


def written(image: Image, text: str, ink: tuple[float, float, float], border: int) -> None:
    """The text as broad as it fits; `border`: pixels of a dark rim around the letters."""
    face = cv2.FontFace(random.choice(FACES))
    size, weight = 60, random.choice((300, 500, 800))
    _, _, w, _ = cv2.getTextSize((0, 0), text, (0, 0), face, size, weight)
    size = max(10, min(60, size * (WIDE - 30) // max(1, w)))
    at = (15, HIGH // 2 + size // 3)
    for dx, dy in ((-border, 0), (border, 0), (0, -border), (0, border)) if border else ():
        cv2.putText(image, text, (at[0] + dx, at[1] + dy), (0, 0, 0), face, size, weight)
    cv2.putText(image, text, at, ink, face, size, weight)


def lamp() -> Drawn:
    """A headlight or fog lamp: a bright, leaning shape with bright parts in it."""
    x = WIDE * np.array([0, random.uniform(0.6, 1), 1, random.uniform(0, 0.4)])
    y = HIGH * np.array([random.uniform(0, 0.5), 0, random.uniform(0.4, 1), 1])
    image = plain(tone(90, 250))
    for _ in range(random.randint(1, 5)):
        at = (random.randrange(WIDE), random.randrange(HIGH))
        cv2.circle(image, at, random.randint(8, 45), tone(60, 255).tolist(), random.choice((-1, 3)))
    image += cloud(HIGH, WIDE, 7)[..., None] * random.uniform(5, 50)
    mask = outlined(np.stack([x, y], 1))
    return image, cv2.GaussianBlur(mask, (0, 0), random.uniform(1, 6))[..., None]


def grille() -> Drawn:
    """Bright bars over dark, or a fence."""
    image, bar = plain(tone(5, 70)), tone(80, 240).tolist()
    step, thick, lean = random.randint(7, 30), random.randint(1, 6), random.randint(-20, 20)
    for x in range(0, WIDE, step) if chance(0.6) else ():
        cv2.line(image, (x, 0), (x + lean, HIGH), bar, thick)
    for y in range(0, HIGH, step):
        cv2.line(image, (0, y), (WIDE, y + lean // 3), bar, thick)
    return image, whole()


def emblem() -> Drawn:
    """An oval with a word, or letters of metal on paint."""
    image = plain(tone(10, 120))
    canvas = image.astype(np.uint8)
    written(canvas, word(), tuple(tone(150, 255).tolist()), 0)
    mask = np.zeros((HIGH, WIDE), np.float32)
    cv2.ellipse(mask, (WIDE // 2, HIGH // 2), (WIDE // 2, HIGH // 2), 0, 0, 360, 1.0, -1)
    cv2.ellipse(
        canvas, (WIDE // 2, HIGH // 2), (WIDE // 2, HIGH // 2), 0, 0, 360, (210, 210, 215), 5
    )
    return canvas.astype(np.float32), mask[..., None]


def stamp() -> Drawn:
    """Bright words with a dark rim and nothing behind them: the recorder's date, a caption."""
    canvas = np.zeros((HIGH, WIDE, 3), np.uint8)
    date = f"{random.randint(2008, 2030)}{random.choice('-/.')}{random.randint(1, 12):02}"
    date += f"-{random.randint(1, 31):02}"
    clock = f"{random.randint(0, 23):02}:{random.randint(0, 59):02}:{random.randint(0, 59):02}"
    text = random.choice((date, clock, word()))
    written(canvas, text, (255, 255, 255), 0)
    rim = cv2.dilate(canvas[..., :1], np.ones((5, 5), np.uint8))
    ink = tone(200, 255)
    image = canvas.astype(np.float32) / 255 * ink
    return image, (np.asarray(rim, np.float32) / 255)[..., None]


BOARDS = ((170.0, 70.0, 20.0), (30.0, 180.0, 235.0), (235.0,) * 3, (120.0, 170.0, 80.0))


def roof_sign() -> Drawn:
    """A board, broader below than above, that says TAXI or the like."""
    cut = random.uniform(0, 0.18) * WIDE
    shape = np.array([[cut, 0], [WIDE - cut, 0], [WIDE, HIGH], [0, HIGH]])
    ground = np.array(random.choice(BOARDS), np.float32) + np.float32(random.gauss(0, 15))
    canvas = plain(np.clip(ground, 0, 255)).astype(np.uint8)
    ink = tone(0, 50) if ground.mean() > 130 else tone(190, 255)
    if chance(0.4):
        half = slice(0, WIDE // 2) if chance(0.5) else slice(WIDE // 2, WIDE)
        canvas[:, half] = 255 - canvas[:, half]
    written(canvas, random.choice(("TAXI", "出租", "的士", word())), tuple(ink.tolist()), 0)
    return canvas.astype(np.float32), outlined(shape)


def bare() -> Drawn:
    """A holder or a board without a text."""
    ground = np.array(random.choice((*BOARDS, *[(v,) * 3 for v in (20, 70, 120, 170)])), np.float32)
    image = plain(np.clip(ground + np.float32(random.gauss(0, 20)), 0, 255))
    image += cloud(HIGH, WIDE, random.randint(2, 5))[..., None] * random.uniform(0, 15)
    if chance(0.5):
        cv2.rectangle(image, (4, 4), (WIDE - 5, HIGH - 5), tone(0, 255).tolist(), 3)
    return image, whole()


KINDS: tuple[Callable[[], Drawn], ...] = (lamp, grille, emblem, stamp, roof_sign, roof_sign, bare)


def decoy() -> Drawn:
    image, mask = random.choice(KINDS)()
    return np.clip(light(image), 0, 255).astype(np.float32), mask


def lay(image: Image, corners: Floats) -> Image:
    """The image with a decoy where those corners (4, 2) are."""
    drawing, mask = decoy()
    high, wide = image.shape[:2]
    low = np.clip(np.floor(corners.min(axis=0)) - 2, 0, [wide, high]).astype(int)
    end = np.clip(np.ceil(corners.max(axis=0)) + 2, 0, [wide, high]).astype(int)
    if (end <= low).any():
        return image
    source = np.array([[0, 0], [WIDE, 0], [WIDE, HIGH], [0, HIGH]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, (corners - low).astype(np.float32))
    size = tuple((end - low).tolist())
    if end[0] - low[0] < WIDE / 1.6:
        drawing = cv2.GaussianBlur(drawing, (0, 0), 0.35 * WIDE / float(end[0] - low[0]))
    laid = cv2.warpPerspective(drawing, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    share = cv2.warpPerspective(mask, matrix, size)[..., None]
    done = image.copy()
    window = done[low[1] : end[1], low[0] : end[0]]
    window[:] = np.clip(laid * share + window * (1 - share), 0, 255)
    return done
