"""Measures how well a camera sees, and whether it still looks where it looked. Child side.

What the view is compared with is learnt: the first good looks, averaged so that who drives through
is not in it, are the view as it should be; a slowly following average is what it is like now, which
carries it over from day to night. Neither holds gray levels, only directions of edges.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from drivers.camera import likeness
from drivers.camera.likeness import Field, Spectra
from drivers.camera.sight import TILES, View

Gray = NDArray[np.uint8]

BURNT = 250  # gray level
FIRST = 8  # looks that make the view as it should be
KEPT = 2  # views remembered: as it should be, and the same in quite another light
OTHER = 15  # looks in a row that only the followed view explains, before it is kept as well
FOLLOW = 0.05  # weight of a new look in what it is like now
FADED = 0.4  # of a tile's usual edges: fewer, and something smooth hangs in front of it
STRANGE = 0.02  # correlation of a tile with what is usual there
FEWEST = 12  # tiles that a share of them is taken of, at least
TELLING = 0.04  # share of edges that a tile must have to be judged; of the whole a quarter of it
CALM = 2.2  # standard deviations of one look, in the mean of the calmer half of two looks' change
BLUR = 9  # pixels of the blur that a blurred picture does not mind


def quarter(image: NDArray[np.uint8]) -> Gray:
    """Gray, a quarter of the frame's width and height. Halved twice: OpenCV is quick at that."""
    import cv2

    height, width = image.shape[:2]
    half = max(1, width // 2), max(1, height // 2)
    image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
    size = max(1, width // 4), max(1, height // 4)
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)


def blur(gray: Gray) -> float:
    """0 to 1: how little another blur changes it, whatever it shows (Crete, Dolmiere, Ladret,
    Nicolas, "The blur effect", SPIE 2007)."""
    import cv2

    sharp, shares = gray.astype(np.float32), []
    for axis, size in ((0, (1, BLUR)), (1, (BLUR, 1))):
        steps = np.abs(np.diff(sharp, axis=axis))
        left = np.abs(np.diff(cv2.blur(sharp, size), axis=axis))
        shares.append(float(np.minimum(steps, left).sum() / max(float(steps.sum()), 1e-6)))
    return max(shares)


def grain(gray: Gray, before: Gray | None) -> float:
    """Noise from look to look, as a share of the contrast, where least else has changed."""
    if before is None or before.shape != gray.shape:
        return 0.0
    change = gray[::2, ::2].astype(np.float32) - before[::2, ::2]
    change = np.abs(change - np.median(change)).ravel()
    calm = np.partition(change, change.size // 2)[: change.size // 2]
    return CALM * float(calm.mean()) / max(float(gray.std()), 1.0)


@dataclass(slots=True)
class Known:
    """What the view was like. `learn` is called after a look that was found well, and only then.
    `own`: tiles that a single space fills: what changes there is its vehicle."""

    own: frozenset[int] = frozenset()
    _kept: list[tuple[Field, Spectra]] = field(default_factory=list)
    _now: Field | None = None
    _learnt: int = 0
    _alone: int = 0  # looks in a row that nothing kept explains
    _last: Field | None = None
    _before: Gray | None = None
    _hidden: frozenset[int] = frozenset()

    @classmethod
    def from_text(cls, text: str) -> "Known":
        """What was remembered; anything else is nothing."""
        known = cls()
        for part in text.split(",")[:KEPT]:
            if (directions := likeness.unpack(part)) is not None:
                known._keep(directions)
        return known

    @property
    def settled(self) -> bool:
        """There were looks enough to hold on to."""
        return bool(self._kept)

    def to_text(self) -> str:
        return ",".join(likeness.pack(directions) for directions, _ in self._kept)

    def look(self, gray: Gray) -> View:
        """`gray`: a quarter frame."""
        self._last = directions = likeness.field(gray)
        self._hidden, strange = self._tiles(directions)
        before, self._before = self._before, gray
        return View(
            brightness=float(gray.mean()),
            contrast=float(gray.std()),
            blur=blur(gray),
            grain=grain(gray, before),
            glare=float(np.count_nonzero(gray >= BURNT) / gray.size),
            shift=self._shift(directions),
            strange=strange,
            hidden=self._hidden,
        )

    def learn(self) -> bool:
        """From the last look. True when there is something new to remember."""
        if self._last is None:
            return False
        seen, self._last = self._last, None
        self._learnt += 1
        if self._now is None:
            self._now = seen.copy()
        weight = max(FOLLOW, 1 / self._learnt) * _open(self._hidden)
        self._now += weight * (seen - self._now)
        first = not self._kept and self._learnt >= FIRST
        if self._alone >= OTHER or (first and _tells(self._now, Spectra.of(self._now))):
            self._keep(self._now.copy())
            return True
        return False

    def _keep(self, directions: Field) -> None:
        self._kept = [*self._kept[: KEPT - 1], (directions, Spectra.of(directions))]
        self._alone = 0

    def _shift(self, directions: Field) -> float | None:
        """Against the first view that is recognised; 0.0 while there is none to compare with."""
        spectra = Spectra.of(directions)
        for _, kept in self._kept:
            shift = likeness.compare(kept, spectra)
            if shift is not None:
                self._alone = 0
                return shift
        if self._now is None:
            return None if self._kept else 0.0
        now = Spectra.of(self._now)
        if not self._kept and not _tells(self._now, now):
            return 0.0
        shift = likeness.compare(now, spectra)
        self._alone = 0 if shift is None or not self._kept else self._alone + 1
        return shift

    def _tiles(self, directions: Field) -> tuple[frozenset[int], float]:
        """Tiles that something smooth hides; the share of tiles that are not as they were."""
        usual = self._now if self._now is not None else self._kept[0][0] if self._kept else None
        if usual is None:
            return frozenset(), 0.0
        before, after = (_tiled(np.abs(one) >= likeness.CLEAR) for one in (usual, directions))
        judged = before >= TELLING
        judged[list(self.own)] = False
        faded = judged & (after < FADED * before)
        power = np.sqrt(_tiled(np.abs(usual) ** 2) * _tiled(np.abs(directions) ** 2)) + 1e-6
        strange = judged & (_tiled((np.conj(usual) * directions).real) / power < STRANGE)
        share = float((faded | strange).sum()) / max(float(FEWEST), float(judged.sum()))
        return frozenset(np.flatnonzero(faded).tolist()), share


def _tells(directions: Field, spectra: Spectra) -> bool:
    """Whether there is enough in it to recognise it by."""
    edges = float((np.abs(directions) >= likeness.CLEAR).mean())
    return edges >= TELLING / 4 and likeness.telling(spectra)


def _tiled(values: NDArray[np.generic]) -> NDArray[np.float64]:
    """The mean of each tile, row by row."""
    across, down = TILES
    shape = down, likeness.HEIGHT // down, across, likeness.WIDTH // across
    return np.asarray(values.reshape(shape).mean(axis=(1, 3)), np.float64).ravel()


def _open(hidden: Sequence[int] | frozenset[int]) -> NDArray[np.float32]:
    """1 where nothing hides the view, else 0; a pixel each."""
    across, down = TILES
    tiles = np.ones(across * down, np.float32)
    tiles[list(hidden)] = 0
    high, wide = likeness.HEIGHT // down, likeness.WIDTH // across
    return tiles.reshape(down, across).repeat(high, 0).repeat(wide, 1)
