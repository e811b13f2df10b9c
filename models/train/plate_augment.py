"""From a clean drawing, or a real cut-out, to what a camera at a gate makes of it."""

import random

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]


def chance(p: float) -> bool:
    return random.random() < p


def noise(shape: tuple[int, ...], deviation: float) -> Floats:
    rng = np.random.default_rng(random.getrandbits(32))
    return rng.standard_normal(shape, dtype=np.float32) * deviation


def cloud(height: int, width: int, cells: int) -> Floats:
    """Smooth noise, about -2 to 2."""
    return cv2.resize(
        noise((cells, cells + 1), 1.0), (width, height), interpolation=cv2.INTER_CUBIC
    )


def tilted(width: float, height: float) -> Floats:
    """Corners (clockwise from top left) of a plate as a camera above or beside the road sees it."""
    unit = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32) / 2
    points = unit * [width, height * random.uniform(0.75, 1.15)]
    points[:, 0] += points[:, 1] * random.gauss(0, 0.18)
    points[:, 1] += points[:, 0] * np.tan(np.deg2rad(random.gauss(0, 5.5)))
    points[:, 1] *= 1 + unit[:, 0] * random.gauss(0, 0.1)
    points[:, 0] *= 1 + unit[:, 1] * random.gauss(0, 0.03)
    return points.astype(np.float32)


def box_corners(width: float, height: float) -> Floats:
    """Where the corners of a tilted plate lie in its upright box, as fractions of the box."""
    points = tilted(width, height)
    low, high = points.min(0), points.max(0)
    span = high - low
    low -= span * [random.uniform(-0.015, 0.05), random.uniform(-0.03, 0.1)]
    high += span * [random.uniform(-0.015, 0.05), random.uniform(-0.03, 0.1)]
    return ((points - low) / (high - low)).astype(np.float32)


def rectified_corners() -> Floats:
    """Where they lie after a rectification by inexact corners."""
    x1, x2 = random.uniform(-0.02, 0.06), random.uniform(-0.02, 0.06)
    y1, y2 = random.uniform(-0.04, 0.12), random.uniform(-0.04, 0.12)
    points = np.array([[x1, y1], [1 - x2, y1], [1 - x2, 1 - y2], [x1, 1 - y2]], np.float32)
    points += noise((4, 2), random.choice((1.0, 1.0, 2.0))) * [0.012, 0.035]
    return points.astype(np.float32)


def place(plate: Floats, ground: Image) -> Floats:
    """The plate on `ground`, at the resolution that the camera had: 40 to 260 pixels wide."""
    high, wide = plate.shape[:2]
    corners = box_corners(wide, high) if chance(0.55) else rectified_corners()
    out_w = round(np.exp(random.uniform(np.log(44), np.log(230))))
    ratio = high / wide * random.uniform(0.9, 1.25)
    out_h = max(12, round(out_w * ratio))
    if ratio < 0.45 and chance(0.3):
        out_w, out_h = 94, 24
    source = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, corners * np.array([out_w, out_h], np.float32))
    scene = cv2.resize(ground, (out_w, out_h), interpolation=cv2.INTER_AREA).astype(np.float32)
    if out_w < wide / 1.7:
        plate = cv2.GaussianBlur(plate, (0, 0), 0.35 * wide / out_w)
    return cv2.warpPerspective(
        plate, matrix, (out_w, out_h), dst=scene, borderMode=cv2.BORDER_TRANSPARENT
    )


def in_holder(plate: Floats) -> Floats:
    """A rim of metal or plastic over the edges; often broader below, with words."""
    high, wide = plate.shape[:2]
    tone = random.choice((random.uniform(0, 60), random.uniform(110, 255)))
    colour = np.float32([tone * random.uniform(0.85, 1.1) for _ in range(3)])
    side, top = random.randint(1, wide // 40), random.randint(1, high // 14)
    below = random.randint(1, high // (7 if chance(0.4) else 14))
    for strip in (plate[:top], plate[high - below :], plate[:, :side], plate[:, wide - side :]):
        strip[:] = colour + noise((1, 1, 3), 6)
    if below > high // 12:
        left, right = random.randint(wide // 6, wide // 2), random.randint(wide // 2, wide)
        words = noise((below, right - left, 1), 60)
        plate[high - below :, left:right] += words * (np.arange(right - left) % 7 > 1)[:, None]
    return plate


def wear(plate: Floats) -> Floats:
    """Dirt, scratches, peeled paint, something over a corner."""
    high, wide = plate.shape[:2]
    if chance(0.25):
        mud = np.clip(cloud(high, wide, random.randint(3, 12)) - random.uniform(0.4, 1.4), 0, 1)
        tone = np.array([90, 110, 125], np.float32) * random.uniform(0.4, 1.6)
        plate += (tone - plate) * (mud * random.uniform(0.2, 0.9))[..., None]
    if chance(0.08):
        x, tone = random.randrange(wide), random.uniform(20, 240)
        lean = random.randint(-40, 40)
        cv2.line(plate, (x, 0), (x + lean, high), (tone,) * 3, random.randint(1, 3), cv2.LINE_AA)
    if chance(0.04):
        plate[: random.randint(2, 12)] *= random.uniform(0.2, 0.8)
    return plate


def light(image: Floats) -> Floats:
    """Shadow edges, glare, headlights, dusk, fog."""
    high, wide = image.shape[:2]
    if chance(0.25):
        turn = random.uniform(0, 2 * np.pi)
        xs, ys = np.meshgrid(np.linspace(-1, 1, wide), np.linspace(-1, 1, high))
        edge = (xs * np.cos(turn) + ys * np.sin(turn) + random.uniform(-0.6, 0.6)) * 12
        edge *= random.uniform(0.3, 3)
        shade = 1 - random.uniform(0.2, 0.7) / (1 + np.exp(np.clip(edge, -30, 30)))
        image *= shade[..., None].astype(np.float32)
    if chance(0.25):
        image *= (1 + random.uniform(0.05, 0.3) * cloud(high, wide, random.randint(2, 4)))[
            ..., None
        ]
    if chance(0.1):
        image += np.clip(cloud(high, wide, 3), 0, 2)[..., None] * random.uniform(30, 120)
    if chance(0.25):
        fog = random.uniform(0.3, 0.85)
        tone = [random.uniform(60, 210)] * 3 + noise((3,), 12)
        image = image * (1 - fog) + tone.astype(np.float32) * fog
    gain = np.exp(random.gauss(0, 0.35))
    image = image * gain * (1 + noise((3,), 0.1)) + random.gauss(0, 12)
    return np.clip(image, 0, 265)


def colour(image: Floats) -> Floats:
    if chance(0.35):
        grey = image.mean(axis=2, keepdims=True)
        image = grey + (image - grey) * random.uniform(0.15, 1.5)
    if chance(0.3):
        image = 255 * np.clip(image / 255, 0, 1) ** np.exp(random.gauss(0, 0.35))
    if chance(0.15):
        image = image * np.array(random.choice(((0.6, 0.8, 1.2), (1.2, 1.2, 0.7), (1.0, 1.3, 0.9))))
    return image.astype(np.float32)


def motion(image: Floats, length: int) -> Floats:
    kernel = np.zeros((length, length), np.float32)
    turn = random.uniform(0, np.pi)
    half = (length - 1) / 2
    dx, dy = half * np.cos(turn), half * np.sin(turn)
    ends = [(round(half + s * dx), round(half + s * dy)) for s in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def lens(image: Floats) -> Image:
    """Blur, sensor noise, sharpening, compression, for a plate as wide as the image."""
    size = image.shape[1] / 100
    if chance(0.45):
        image = cv2.GaussianBlur(image, (0, 0), max(0.3, random.uniform(0.2, 1.3) * size))
    if chance(0.2):
        image = motion(image, max(3, round(random.uniform(2, 6) * size)))
    if chance(0.35):
        image = image + noise(image.shape, random.uniform(1, 14))
    if chance(0.15):
        image = image + random.uniform(0.4, 1.2) * (image - cv2.GaussianBlur(image, (0, 0), 1.0))
    done = np.clip(image, 0, 255).astype(np.uint8)
    if chance(0.4):
        quality = [cv2.IMWRITE_JPEG_QUALITY, random.randint(25, 90)]
        done = np.asarray(cv2.imdecode(cv2.imencode(".jpg", done, quality)[1], cv2.IMREAD_COLOR))
    return done


def photograph(plate: Floats, ground: Image) -> Image:
    """A drawing, on a real ground, through a bad camera."""
    if chance(0.25):
        plate = in_holder(plate)
    return lens(colour(light(place(wear(plate), ground))))


def again(crop: Image) -> Image:
    """A real cut-out, changed so that it is another picture of the same plate."""
    high, wide = crop.shape[:2]
    corners = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
    moved = corners + noise((4, 2), 1.0) * np.array([wide * 0.025, high * 0.06], np.float32)
    moved[:, 1] += (moved[:, 0] - wide / 2) * np.tan(np.deg2rad(random.gauss(0, 2.5)))
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    out_w = (
        min(wide, round(np.exp(random.uniform(np.log(50), np.log(230))))) if wide > 100 else wide
    )
    matrix = np.diag([out_w / wide, out_w / wide, 1]) @ matrix
    size = (out_w, max(8, round(high * out_w / wide)))
    if out_w < wide / 1.5:
        crop = cv2.GaussianBlur(crop, (0, 0), 0.3 * wide / out_w)
    image = cv2.warpPerspective(crop, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    image = image.astype(np.float32)
    if chance(0.6):
        image = light(image)
    if chance(0.5):
        image = colour(image)
    return lens(image) if chance(0.6) else np.clip(image, 0, 255).astype(np.uint8)
