"""What a camera's looks said of its spaces, in little memory, and the thresholds that follow. Pure.

Of each space one look in five minutes counts, so that a day is a day however often it is looked at.
What is kept are counts by log-odds, 48 bytes a space; where one would not fit into its byte, all of
that space are halved, so that what is long ago fades.
"""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from drivers.camera.tasks.calibration import BINS, LEAST, bin_of, valley

EVERY = 300.0  # s between two looks that count
MOST = 255  # of one kind, of one space
OWN_LEAST = 100  # looks of a space, for its own threshold
USUAL = 0.5
LONGEST = 60_000  # characters of a text


class NoLooks(ValueError):
    """A text that is none, or of other spaces."""


@dataclass(slots=True)
class Looks:
    """`rounds` counts how often all spaces were looked at."""

    spaces: Sequence[str]
    rounds: int = 0
    counts: dict[str, bytearray] = field(default_factory=dict)
    _last: float = float("-inf")

    def __post_init__(self) -> None:
        self.counts = {name: self.counts.get(name, bytearray(BINS)) for name in self.spaces}

    def add(self, at: float, chances: Mapping[str, float], every: float = EVERY) -> bool:
        """True when it was time. `at`: s of one boot."""
        if at - self._last < every or not self.spaces:
            return False
        self._last = at
        self.rounds += 1
        for space, counts in self.counts.items():
            if space in chances:
                _count(counts, bin_of(chances[space]))
        return True

    def to_text(self) -> str:
        body = b"".join(bytes(self.counts[space]) for space in self.spaces)
        return f"{self.rounds}:{b64encode(zlib.compress(body, 9)).decode()}"

    @classmethod
    def from_text(cls, text: str, spaces: Sequence[str]) -> "Looks":
        """What `to_text` made for these spaces. Raises ValueError, whatever else it is."""
        rounds, _, packed = text.partition(":")
        wanted = BINS * len(spaces)
        if len(text) > LONGEST or not rounds.isascii() or not rounds.isdigit():
            raise NoLooks("no looks")
        try:
            body = zlib.decompressobj().decompress(b64decode(packed, validate=True), wanted + 1)
        except zlib.error as error:
            raise NoLooks("no looks") from error
        if len(body) != wanted or len(rounds) > 9:
            raise NoLooks("looks of other spaces")
        parts = {s: bytearray(body[n * BINS : (n + 1) * BINS]) for n, s in enumerate(spaces)}
        return cls(spaces, int(rounds), parts)


def _count(counts: bytearray, place: int) -> None:
    if counts[place] == MOST:
        counts[:] = bytes(count // 2 for count in counts)
    counts[place] += 1


@dataclass(frozen=True, slots=True)
class Learnt:
    """`thresholds`: of spaces that need their own; "" for all others. `looks`: how many of them."""

    thresholds: Mapping[str, float]
    looks: int


def learn(looks: Looks) -> Learnt | None:
    """None where the looks show no two heaps, neither of the camera nor of any space."""
    every = [sum(column) for column in zip(*looks.counts.values(), strict=True)]
    whole = valley(every, LEAST) if every else None
    usual = USUAL if whole is None else whole.settle(USUAL)
    thresholds = {"": usual}
    for space, counts in looks.counts.items():
        own = valley(counts, OWN_LEAST)
        threshold = usual if own is None else own.settle(usual)
        if threshold != usual:
            thresholds[space] = threshold
    if whole is None and len(thresholds) == 1:
        return None
    return Learnt(thresholds, sum(every))
