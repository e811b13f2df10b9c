"""Sets of record numbers, kept as closed intervals."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter

Interval = tuple[int, int]
_FIRST, _LAST = itemgetter(0), itemgetter(1)


@dataclass(frozen=True, slots=True)
class Ranges:
    """A set of whole numbers. `intervals` are (first, last), sorted, disjoint, not adjacent."""

    intervals: tuple[Interval, ...] = ()

    @classmethod
    def of(cls, first: int, last: int) -> "Ranges":
        """first…last, both included; empty when last < first."""
        return cls(((first, last),)) if first <= last else cls()

    @classmethod
    def union(cls, several: "Iterable[Ranges]") -> "Ranges":
        return cls.from_intervals(pair for one in several for pair in one.intervals)

    @classmethod
    def from_intervals(cls, pairs: Iterable[Interval]) -> "Ranges":
        """In any order, overlapping or not."""
        merged: list[Interval] = []
        for first, last in sorted(pairs):
            if last < first:
                continue
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        return cls(tuple(merged))

    @classmethod
    def parse(cls, text: str) -> "Ranges":
        """`"1-5,9"`, as `str` writes it. Raises ValueError."""
        pairs = []
        for part in filter(None, text.replace(" ", "").split(",")):
            first, _, last = part.partition("-")
            pairs.append((int(first), int(last or first)))
        return cls.from_intervals(pairs)

    def __str__(self) -> str:
        return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in self.intervals)

    def __bool__(self) -> bool:
        return bool(self.intervals)

    def __iter__(self) -> Iterator[Interval]:
        return iter(self.intervals)

    def __len__(self) -> int:
        """How many numbers."""
        return sum(last - first + 1 for first, last in self.intervals)

    def __contains__(self, number: int) -> bool:
        at = bisect_left(self.intervals, number, key=_LAST)
        return at < len(self.intervals) and self.intervals[at][0] <= number

    @property
    def first(self) -> int:
        """The lowest number; ValueError when empty."""
        if not self.intervals:
            raise ValueError("an empty set has no first number")
        return self.intervals[0][0]

    @property
    def last(self) -> int:
        """The highest number; ValueError when empty."""
        if not self.intervals:
            raise ValueError("an empty set has no last number")
        return self.intervals[-1][1]

    def numbers(self) -> Iterator[int]:
        for first, last in self.intervals:
            yield from range(first, last + 1)

    def __or__(self, other: "Ranges") -> "Ranges":
        if not other.intervals:
            return self
        if not self.intervals:
            return other
        if len(other.intervals) == 1:
            return self._with(*other.intervals[0])
        return Ranges.from_intervals((*self.intervals, *other.intervals))

    def _with(self, first: int, last: int) -> "Ranges":
        mine = self.intervals
        low = bisect_left(mine, first - 1, key=_LAST)
        high = bisect_right(mine, last + 1, key=_FIRST)
        if low < high:
            first, last = min(first, mine[low][0]), max(last, mine[high - 1][1])
        return Ranges((*mine[:low], (first, last), *mine[high:]))

    def __and__(self, other: "Ranges") -> "Ranges":
        if len(other.intervals) == 1:
            return self._within(*other.intervals[0])
        if len(self.intervals) == 1:
            return other._within(*self.intervals[0])
        found: list[Interval] = []
        a, b = 0, 0
        mine, theirs = self.intervals, other.intervals
        while a < len(mine) and b < len(theirs):
            first, last = max(mine[a][0], theirs[b][0]), min(mine[a][1], theirs[b][1])
            if first <= last:
                found.append((first, last))
            if mine[a][1] < theirs[b][1]:
                a += 1
            else:
                b += 1
        return Ranges(tuple(found))

    def _within(self, first: int, last: int) -> "Ranges":
        low = bisect_left(self.intervals, first, key=_LAST)
        high = bisect_right(self.intervals, last, key=_FIRST)
        kept = list(self.intervals[low:high])
        if kept:
            kept[0] = (max(kept[0][0], first), kept[0][1])
            kept[-1] = (kept[-1][0], min(kept[-1][1], last))
        return Ranges(tuple(kept))

    def __sub__(self, other: "Ranges") -> "Ranges":
        if not other.intervals or not self.intervals:
            return self
        if len(other.intervals) == 1:
            return self._without(*other.intervals[0])
        left: list[Interval] = []
        theirs = other.intervals
        b = 0
        for first, last in self.intervals:
            while b < len(theirs) and theirs[b][1] < first:
                b += 1
            at = b
            while at < len(theirs) and theirs[at][0] <= last:
                if first < theirs[at][0]:
                    left.append((first, theirs[at][0] - 1))
                first = theirs[at][1] + 1  # noqa: PLW2901  what is left of the interval
                at += 1
            if first <= last:
                left.append((first, last))
        return Ranges(tuple(left))

    def _without(self, first: int, last: int) -> "Ranges":
        mine = self.intervals
        low = bisect_left(mine, first, key=_LAST)
        high = bisect_right(mine, last, key=_FIRST)
        rest: list[Interval] = []
        if low < high and mine[low][0] < first:
            rest.append((mine[low][0], first - 1))
        if low < high and mine[high - 1][1] > last:
            rest.append((last + 1, mine[high - 1][1]))
        return Ranges((*mine[:low], *rest, *mine[high:]))

    def head(self, limit: int) -> "Ranges":
        """The lowest `limit` numbers."""
        kept: list[Interval] = []
        for first, last in self.intervals:
            if limit <= 0:
                break
            kept.append((first, min(last, first + limit - 1)))
            limit -= last - first + 1
        return Ranges(tuple(kept))
