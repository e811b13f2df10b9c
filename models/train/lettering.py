"""Lettering that is no plate of ours: signs, shop fronts, lorries, foreign plates."""

import random
from collections.abc import Callable

import cv2
import numpy as np
from plate_augment import Floats, chance
from scene import Scene, block

from drivers.camera.vision.grammar import DIGITS, LETTERS

SPOKEN = [
    "STOP",
    "TAXI",
    "EXIT",
    "P2",
    "Ford",
    "TOYOTA",
    "MINI",
    "BUS",
    "TIR",
    "VOLVO",
    "CAUTION",
    "ISUZU",
    "SALE",
    "OPEN",
    "ATM",
    "GLASS",
    "DANGER",
    "洗车",
    "顺丰速运",
    "中国邮政",
    "修车补胎",
    "公交专用",
    "请勿停车",
    "货运",
    "消防通道",
    "入口",
    "大客车",
    "学校",
    "超市",
    "饭店",
    "安全第一",
    "限高",
    "慢",
    "保持车距",
    "危险品",
    "银行",
    "药房",
    "建设工程",
    "环卫",
    "救护",
    "收费站",
]
HANZI = "中国大小上下左右东西南北人工车路口门市场公司专用严禁停放出入请勿吸烟水电气油站物流运输建设"
FACES = ("sans", "italic", "uni")


def mixed(count: int) -> str:
    return "".join(random.choices(LETTERS + DIGITS + DIGITS, k=count))


def word() -> str:
    """Words, telephone numbers, foreign plates, and what is near a plate of ours but none."""
    kinds: tuple[Callable[[], str], ...] = (
        lambda: random.choice(SPOKEN),
        lambda: f"{random.choice(SPOKEN)} {random.randint(1, 99999)}",
        lambda: "".join(random.choices(HANZI, k=random.randint(1, 7))),
        lambda: str(random.randint(0, 10**11)),
        lambda: f"{mixed(2)}-{random.randint(100, 999)}-{mixed(2)}",
        lambda: f"{mixed(random.randint(1, 3))} {mixed(random.randint(2, 5))}",
        lambda: mixed(random.randint(2, 9)),
        lambda: f"{random.choice(HANZI)}{mixed(random.randint(2, 4))}",
    )
    return random.choice(kinds)()


def lettered(ground: Scene, draw: Callable[[], str] = word) -> Scene:
    """The scene with one to six pieces of lettering."""
    scene = Scene(ground.image.copy(), ground.corners, ground.two_line)
    for _ in range(random.randint(1, 6)):
        sign(scene, draw())
    return scene


def sign(scene: Scene, text: str) -> None:
    """Writes it somewhere, unless a plate is near."""
    high, wide = scene.image.shape[:2]
    size = max(8, round(wide / 640 * np.exp(random.uniform(np.log(10), np.log(80)))))
    face, weight = cv2.FontFace(random.choice(FACES)), random.choice((300, 500, 800))
    left, top, w, h = cv2.getTextSize((0, 0), text, (0, 0), face, size, weight)
    x, y = random.randint(-w // 3, wide - w // 3), random.randint(0, high)
    middle = np.array([x + left + w / 2, y + top + h / 2], np.float32)
    if any(np.abs(c.mean(axis=0) - middle).max() < w + 60 for c in scene.corners):
        return
    ink = [float(random.randint(0, 255)) for _ in range(3)]
    if chance(0.75):
        ink = board(scene, middle, w, h)
    cv2.putText(scene.image, text, (x, y), ink, face, size, weight)


def board(scene: Scene, middle: Floats, wide: int, high: int) -> list[float]:
    """What the lettering stands on, often in the colours of a plate; its ink."""
    tone = [float(random.randint(0, 255)) for _ in range(3)]
    if chance(0.5):
        tone = random.choice(([170.0, 70.0, 20.0], [30.0, 180.0, 235.0], [235.0] * 3, [20.0] * 3))
        tone = [min(255.0, max(0.0, v + random.gauss(0, 20))) for v in tone]
    dark = sum(tone) > 380
    ink = [random.uniform(0, 60) if dark else random.uniform(200, 255)] * 3
    pad = random.uniform(0.1, 0.8) * high
    half = wide / 2 + pad, high / 2 + pad * random.uniform(0.4, 1.2)
    block(scene.image, middle, half, tone, -1)
    if chance(0.4):
        block(scene.image, middle, (half[0] - 2, half[1] - 2), ink, 1)
    return ink
