"""Whether two pictures show the same place, whatever the light and whoever is parked there.

Of each pixel only the direction of the edge through it counts, doubled so that light on dark and
dark on light are the same, and weak edges count little: orientation correlation (Fitch, Kadyrov,
Christmas, Kittler, "Orientation Correlation", BMVC 2002). Its highest peak says how far one
picture lies beside the other; how far that stands out over the next says how sure it is. A camera
that was turned about its axis is seen in the quarters of the picture, which then move apart.
"""

import base64
import binascii
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Field = NDArray[np.complex64]  # (HEIGHT, WIDTH): length 0 to 1, angle: twice the edge's
Spectrum = NDArray[np.float32]  # (…, …, 2)

WIDTH, HEIGHT = 320, 180
WEAK = 6.0  # gray levels a pixel: an edge of that steepness counts half
REACH = 64, 16  # pixels that a movement is looked for, in the whole and in a quarter
NEAR = 3  # pixels that belong to the same peak
SURE = 1.2  # peak over the next: the same place in other light has more, another place less
TELLING = 1.35  # the same, of a picture with itself
STEPS = 15  # directions that a packed field tells apart; with "none" four bits
CLEAR = 0.3  # length from which a direction is one
_QUARTERS = [(y, x) for y in (0, HEIGHT // 2) for x in (0, WIDTH // 2)]


def field(gray: Gray) -> Field:
    """Of a gray picture of any size."""
    import cv2

    small = cv2.resize(gray, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    across = cv2.Sobel(small, cv2.CV_32F, 1, 0, ksize=3) / 4
    down = cv2.Sobel(small, cv2.CV_32F, 0, 1, ksize=3) / 4
    steep = across + 1j * down
    return np.asarray(steep * steep / (np.abs(steep) ** 2 + WEAK**2), np.complex64)


@dataclass(frozen=True, slots=True)
class Spectra:
    """Of a field and of its four quarters, faded out towards their edges, where a moved picture
    shows what the other does not."""

    whole: Spectrum
    quarters: tuple[Spectrum, ...]

    @classmethod
    def of(cls, directions: Field) -> "Spectra":
        high, wide = HEIGHT // 2, WIDTH // 2
        quarters = [_faded(directions[y : y + high, x : x + wide]) for y, x in _QUARTERS]
        return cls(_faded(directions), tuple(quarters))


def _faded(part: Field) -> Spectrum:
    import cv2

    window = _window(*part.shape)
    return np.asarray(cv2.dft(np.dstack([part.real * window, part.imag * window])), np.float32)


@cache
def _window(height: int, width: int) -> NDArray[np.float32]:
    return np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Match:
    """`shift`: as a share of the width, of a picture of 16:9. `clear`: the peak over the next."""

    shift: float
    clear: float


def compare(before: Spectra, after: Spectra) -> float | None:
    """How far `after` lies beside `before`, as `Match.shift`; None: it is another place."""
    whole = _match(before.whole, after.whole, REACH[0])
    if whole.clear < SURE:
        return None
    parts = [_match(b, a, REACH[1]) for b, a in zip(before.quarters, after.quarters, strict=True)]
    moved = sorted(part.shift for part in parts if part.clear >= SURE)
    return max(_but_for_one(moved), whole.shift)


def _but_for_one(moved: Sequence[float]) -> float:
    """The greatest of the quarters' shifts; of three or more, one may be mistaken."""
    return (moved[-2] if len(moved) > 2 else moved[-1]) if moved else 0.0


def telling(one: Spectra) -> bool:
    """Whether it can be told from itself a little beside: a blank wall and a fence cannot."""
    return _match(one.whole, one.whole, REACH[0]).clear >= TELLING


def _match(before: Spectrum, after: Spectrum, reach: int) -> Match:
    import cv2

    both = cv2.mulSpectrums(after, before, 0, conjB=True)
    plane = cv2.idft(both)[:, :, 0]
    near = np.arange(-reach, reach + 1)
    part = plane.take(near, 0, mode="wrap").take(near, 1, mode="wrap")
    y, x = np.unravel_index(int(part.argmax()), part.shape)
    highest = float(part[y, x])
    shift = float(np.hypot(x - reach, y - reach)) / WIDTH
    part[max(0, y - NEAR) : y + NEAR + 1, max(0, x - NEAR) : x + NEAR + 1] = 0
    return Match(shift, highest / max(float(part.max()), 1e-9) if highest > 0 else 0.0)


def pack(directions: Field) -> str:
    """Four bits a pixel, without what was there only now and then."""
    turns = np.angle(directions) / (2 * np.pi) % 1.0
    steps = np.where(np.abs(directions) >= CLEAR, 1 + np.round(turns * STEPS) % STEPS, 0)
    pairs = steps.astype(np.uint8).reshape(-1, 2)
    body = (pairs[:, 0] << 4 | pairs[:, 1]).astype(np.uint8).tobytes()
    return base64.b64encode(zlib.compress(body, 9)).decode()


def unpack(text: str) -> Field | None:
    """What `pack` made; None when it is nothing of the kind."""
    half = WIDTH * HEIGHT // 2
    try:
        body = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), half + 1)
    except (binascii.Error, ValueError, zlib.error):
        return None
    if len(body) != half:
        return None
    pairs = np.frombuffer(body, np.uint8)
    steps = np.stack([pairs >> 4, pairs & 15], axis=1).reshape(HEIGHT, WIDTH).astype(np.float32)
    turned = np.exp(2j * np.pi * (steps - 1) / STEPS)
    return np.where(steps > 0, turned, 0).astype(np.complex64)
