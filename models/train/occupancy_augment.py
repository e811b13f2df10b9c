"""Changes to patches of parking spaces that keep what they show: occupied or free.

Patches are uint8 BGR, any size in, SIZE by SIZE out. Two cameras are all there is to learn from, so
the changes must reach further than those two: other angles, light, grounds and neighbours.
"""

import random

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = 64
Image = NDArray[np.uint8]


def chance(p: float) -> bool:
    return random.random() < p


def smooth_noise(cells: int) -> NDArray[np.float32]:
    """SIZE by SIZE, mean 0, about -2 to 2."""
    coarse = np.random.default_rng(random.getrandbits(32)).normal(size=(cells, cells))
    return cv2.resize(coarse.astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)


def warp(image: Image, *, occupied: bool) -> Image:
    """Rotation, scale, aspect, shear, perspective, flips. A vehicle stays mostly in view."""
    height, width = image.shape[:2]
    angle = random.gauss(0, 9) if chance(0.7) else random.uniform(-40, 40)
    angle += random.choice((0, 0, 0, 90, -90, 180))
    zoom = random.uniform(0.85, 1.2) if occupied else random.uniform(0.8, 1.6)
    aspect = np.exp(random.gauss(0, 0.15))
    slack = 0.11 if occupied else 0.2
    unit = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32) / 2
    turn = np.deg2rad(angle)
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]], np.float32)
    corners = unit * [1 / (zoom * aspect), aspect / zoom] @ spin
    corners += np.array([[random.uniform(-slack, slack), random.uniform(-slack, slack)]])
    corners += np.random.default_rng(random.getrandbits(32)).normal(0, 0.035, (4, 2))
    source = ((corners + 0.5) * [width, height]).astype(np.float32)
    target = ((unit + 0.5) * SIZE).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    border = random.choice((cv2.BORDER_REFLECT_101, cv2.BORDER_REPLICATE))
    mode = cv2.INTER_AREA if min(height, width) > 1.5 * SIZE else cv2.INTER_LINEAR
    if mode == cv2.INTER_AREA:
        shrink = SIZE * 1.3 / min(height, width)
        image = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        matrix = matrix @ np.diag([1 / shrink, 1 / shrink, 1])
    out = cv2.warpPerspective(
        image, matrix, (SIZE, SIZE), flags=cv2.INTER_LINEAR, borderMode=border
    )
    if chance(0.5):
        out = cv2.flip(out, 1)
    return cv2.flip(out, 0) if chance(0.2) else out


def soft_mask(polygon: NDArray[np.float32], blur: float) -> NDArray[np.float32]:
    mask = np.zeros((SIZE, SIZE), np.float32)
    cv2.fillPoly(mask, [polygon.astype(np.int32)], 1.0)
    return cv2.GaussianBlur(mask, (0, 0), blur)[..., None]


def other_ground(car: Image, ground: Image) -> Image:
    """The middle of `car` on the surroundings of `ground`."""
    inset = random.uniform(2, 9)
    a, b = inset, SIZE - inset
    shape = np.array([[a + 5, a], [b - 5, a], [b, b - 3], [a, b - 3]], np.float32)
    mask = soft_mask(shape, random.uniform(1.0, 4.0))
    return (car * mask + ground * (1 - mask)).astype(np.uint8)


def neighbour(image: Image, car: Image) -> Image:
    """A vehicle of the next space reaches in from one side, at most a quarter."""
    depth = round(SIZE * random.uniform(0.05, 0.27))
    side = random.randrange(4)
    turned = np.rot90(image, side).copy()
    strip = np.rot90(car, random.choice((0, side)))[:, :SIZE]
    if chance(0.6):
        edge = depth + np.cumsum(np.random.default_rng(random.getrandbits(32)).normal(0, 0.5, SIZE))
        mask = (np.arange(SIZE)[None, :] < edge[:, None]).astype(np.float32)
        shifted = np.roll(strip, -(SIZE - depth) + random.randint(2, 8), axis=1)
        mask = cv2.GaussianBlur(mask, (0, 0), random.uniform(0.5, 1.5))[..., None]
        turned = (shifted * mask + turned * (1 - mask)).astype(np.uint8)
    else:
        turned[:, :depth] = np.roll(strip, -(SIZE - depth) + 4, axis=1)[:, :depth]
    return np.rot90(turned, -side).copy()


def markings(image: Image) -> Image:
    """Painted lines, and sometimes a number or a sign."""
    out = image.copy()
    colour = random.choice(((255, 255, 255), (210, 220, 225), (60, 190, 230), (200, 130, 70)))
    for _ in range(random.randint(1, 3)):
        x, y = random.randint(0, SIZE), random.randint(0, SIZE)
        along = random.random() * np.pi
        dx, dy = int(90 * np.cos(along)), int(90 * np.sin(along))
        cv2.line(out, (x - dx, y - dy), (x + dx, y + dy), colour, random.randint(1, 4), cv2.LINE_AA)
    if chance(0.3):
        text, at = str(random.randint(0, 999)), (random.randint(0, 30), random.randint(25, 60))
        cv2.putText(out, text, at, cv2.FONT_HERSHEY_SIMPLEX, random.uniform(0.4, 1.2), colour, 2)
    strength = random.uniform(0.3, 1.0)
    return cv2.addWeighted(out, strength, image, 1 - strength, 0)


def shadows(image: Image) -> Image:
    """Half-planes, or the dapple under a tree."""
    shade = np.ones((SIZE, SIZE), np.float32)
    if chance(0.7):
        for _ in range(random.randint(1, 2)):
            turn, off = random.uniform(0, 2 * np.pi), random.uniform(-20, 20)
            ys, xs = np.mgrid[:SIZE, :SIZE].astype(np.float32) - SIZE / 2
            far = xs * np.cos(turn) + ys * np.sin(turn) + off
            soft = random.uniform(0.3, 4)
            shade *= 1 - random.uniform(0.25, 0.75) / (1 + np.exp(np.clip(-far / soft, -30, 30)))
    else:
        dapple = smooth_noise(random.randint(4, 14)) > random.uniform(-0.5, 0.8)
        shade -= random.uniform(0.3, 0.65) * cv2.GaussianBlur(dapple.astype(np.float32), (0, 0), 1)
    return np.clip(image * shade[..., None], 0, 255).astype(np.uint8)


def clutter(image: Image) -> Image:
    """What stands in the way: branches, poles, drops on the lens."""
    out = image.copy()
    kind = random.random()
    if kind < 0.5:
        leaves = (smooth_noise(random.randint(5, 16)) > random.uniform(0.9, 1.6))[..., None]
        green = np.array([random.randint(20, 90), random.randint(50, 150), random.randint(30, 110)])
        out = np.where(leaves, green * (1 + 0.25 * smooth_noise(32))[..., None], out)
    elif kind < 0.8:
        x, tone = random.randint(0, SIZE), random.randint(20, 230)
        lean = random.randint(-12, 12)
        cv2.line(out, (x, 0), (x + lean, SIZE), (tone, tone, tone), random.randint(1, 5))
    else:
        x, y = random.randint(0, SIZE), random.randint(0, SIZE)
        tone = [random.randint(0, 255) for _ in range(3)]
        cv2.ellipse(
            out, (x, y), (random.randint(3, 10), random.randint(3, 10)), 0, 0, 360, tone, -1
        )
    return np.clip(out, 0, 255).astype(np.uint8)


def tint(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Saturation, white balance, gamma, contrast, brightness; sometimes grey."""
    if chance(0.25):
        image = image.mean(axis=2, keepdims=True).repeat(3, axis=2)
    elif chance(0.6):
        grey = image.mean(axis=2, keepdims=True)
        image = grey + (image - grey) * random.uniform(0.2, 1.7)
        image = image * np.array([random.uniform(0.8, 1.2) for _ in range(3)], np.float32)
    image = 255 * np.clip(image / 255, 0, 1) ** np.exp(random.gauss(0, 0.3))
    return (image - 128) * random.uniform(0.5, 1.4) + 128 + random.gauss(0, 22)


def coarse(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """As if the space had been far away: 14 to 44 pixels wide."""
    low = random.randint(14, 44)
    image = cv2.resize(image, (low, low), interpolation=cv2.INTER_AREA)
    mode = random.choice((cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST))
    return cv2.resize(image, (SIZE, SIZE), interpolation=mode)


def camera(image: Image) -> Image:
    """Light, colour and the losses on the way from lens to file."""
    out = tint(image.astype(np.float32))
    if chance(0.15):
        out = out + random.uniform(15, 60) * (1 + smooth_noise(3))[..., None]
    if chance(0.45):
        out = coarse(out)
    if chance(0.3):
        out = cv2.GaussianBlur(out, (0, 0), random.uniform(0.4, 1.8))
    if chance(0.15):
        out = out + 0.7 * (out - cv2.GaussianBlur(out, (0, 0), 1.2))
    if chance(0.4):
        rng = np.random.default_rng(random.getrandbits(32))
        out = out + rng.normal(0, random.uniform(2, 16), out.shape)
    done = np.clip(out, 0, 255).astype(np.uint8)
    if chance(0.4):
        quality = [cv2.IMWRITE_JPEG_QUALITY, random.randint(20, 85)]
        done = np.asarray(cv2.imdecode(cv2.imencode(".jpg", done, quality)[1], cv2.IMREAD_COLOR))
    return done
