"""All that was said on a wire, with its time."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

Direction = Literal["tx", "rx"]
GAP = 0.02  # s without a byte that begin another piece; USB adapters hold bytes for 16 ms


@dataclass(frozen=True, slots=True)
class Piece:
    """`at` is unix time, s: of the first byte sent, of the last byte heard."""

    at: float
    direction: Direction
    data: bytes


@dataclass(slots=True)
class Tape:
    """A tap of a wire. `times` are of the event loop's clock."""

    pieces: list[Piece] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def note(self, direction: Direction, data: bytes) -> None:
        self.pieces.append(Piece(time.time(), direction, data))
        self.times.append(asyncio.get_running_loop().time())

    def mark(self) -> int:
        """A place on the tape: what comes behind it."""
        return len(self.pieces)

    def heard(self, since: int) -> bytes:
        return b"".join(p.data for p in self.pieces[since:] if p.direction == "rx")

    def first(self, since: int, direction: Direction, behind: int = 0) -> float | None:
        """Loop time at which more than so many bytes had passed in that direction."""
        passed = 0
        for place in range(since, len(self.pieces)):
            if self.pieces[place].direction == direction:
                passed += len(self.pieces[place].data)
                if passed > behind:
                    return self.times[place]
        return None

    def bursts(self, since: int) -> int:
        """Pieces heard with silence between them."""
        times = [t for t, p in zip(self.times[since:], self.pieces[since:], strict=True)
                 if p.direction == "rx"]  # fmt: skip
        return sum(b - a > GAP for a, b in zip([-1.0, *times], times, strict=False))


def frames(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Neighbours in time and direction, joined."""
    joined: Piece | None = None
    for piece in pieces:
        near = joined is not None and piece.at - joined.at <= GAP
        if joined is not None and near and piece.direction == joined.direction:
            joined = Piece(piece.at, piece.direction, joined.data + piece.data)
            continue
        if joined is not None:
            yield joined
        joined = piece
    if joined is not None:
        yield joined
