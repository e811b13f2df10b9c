"""The seams between the stages: numbers, packs, and who owes what to whom.

Every record has the key (gateway, epoch, stream, seq). `seq` counts from 1 without holes within an
epoch and stream; an epoch is drawn at every start of the service. Per uplink this law holds:

    1…head = settled + owed + skipped + gap, no number in two of them
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from agent.contract.ranges import Ranges
from agent.contract.reading import Event, Record, Value

TELEMETRY = "telemetry"
EVENTS = "events"
MEDIA = "media"  # what events show; each record is an event of kind `media`
STREAMS = (TELEMETRY, EVENTS, MEDIA)


class Lane(StrEnum):
    LIVE = "live"  # numbers only grow within an epoch, jumps allowed
    BACKLOG = "backlog"  # the lowest owed number first; steps back only in packs marked `again`


@dataclass(frozen=True, slots=True)
class Skip:
    """Numbers within a pack that it accounts for without carrying them."""

    first: int
    last: int
    reason: str  # filtered, class, thinned, evicted, unreadable


@dataclass(frozen=True, slots=True)
class Columns:
    """Consecutive readings, as columns of equal length.

    `series` is (device, point, unit); `index` names the series of each reading; `times` are ms
    since 1970 UTC by the best knowledge when the pack was made; `flags` maps a position to its
    quality where that is not good: "uncertain", "uncertain:range", "bad:timeout".
    """

    series: Sequence[tuple[str, str, str]]
    index: Sequence[int]
    times: Sequence[int]
    values: Sequence[Value | None]
    flags: Mapping[int, str]
    estimated: bool = False  # the clock was not trusted: times are marked `tq: estimated`

    def __len__(self) -> int:
        return len(self.index)

    def slice(self, start: int, stop: int) -> "Columns":
        return Columns(
            self.series,
            self.index[start:stop],
            self.times[start:stop],
            self.values[start:stop],
            {i - start: flag for i, flag in self.flags.items() if start <= i < stop},
            self.estimated,
        )


@dataclass(frozen=True, slots=True)
class Happening:
    """An event on its way out; `time` as in Columns."""

    event: Event
    time: int
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Pack:
    """A range of one stream that one uplink owes, and the records in it.

    It accounts for `first`…`last`; the members are those numbers less `skip`, in order. A
    telemetry pack has `columns`, any other `happenings`; never both. `previous` is the epoch
    before this one and its last number in this stream: known to the pack that has number 1.
    """

    epoch: str
    stream: str
    lane: Lane
    first: int
    last: int
    again: bool = False
    skip: tuple[Skip, ...] = ()
    columns: tuple[Columns, ...] = ()
    happenings: tuple[Happening, ...] = ()
    previous: tuple[str, int] | None = None

    @property
    def count(self) -> int:
        """Members carried."""
        return sum(len(c) for c in self.columns) + len(self.happenings)

    @property
    def range(self) -> Ranges:
        return Ranges.of(self.first, self.last)

    @property
    def skipped(self) -> Ranges:
        return Ranges.union(Ranges.of(s.first, s.last) for s in self.skip)

    @property
    def members(self) -> Sequence[int]:
        """The number of each member, in order."""
        return list((self.range - self.skipped).numbers())

    def split(self) -> "tuple[Pack, Pack]":
        """Two packs that account for the same range; for a pack of at least two members."""
        numbers = self.members
        middle = len(numbers) // 2
        border = numbers[middle]
        left, right = [], []
        at = 0
        for columns in self.columns:
            cut = min(max(middle - at, 0), len(columns))
            if cut:
                left.append(columns.slice(0, cut))
            if cut < len(columns):
                right.append(columns.slice(cut, len(columns)))
            at += len(columns)
        before = Ranges.of(self.first, border - 1)
        return (
            replace(
                self,
                last=border - 1,
                skip=_clip(self.skip, before),
                columns=tuple(left),
                happenings=self.happenings[:middle],
            ),
            replace(
                self,
                first=border,
                skip=_clip(self.skip, Ranges.of(border, self.last)),
                columns=tuple(right),
                happenings=self.happenings[middle:],
                previous=None,
            ),
        )


def _clip(skips: tuple[Skip, ...], within: Ranges) -> tuple[Skip, ...]:
    return tuple(
        Skip(first, last, skip.reason)
        for skip in skips
        for first, last in Ranges.of(skip.first, skip.last) & within
    )


class Sink(Protocol):
    async def put(self, records: Sequence[Record]) -> None:
        """Takes records; waits only while too much is uncommitted (counted)."""

    async def flush(self) -> None:
        """Returns once all that was put is safe on disk."""


class Outbox(Protocol):
    """One uplink's view of the buffer."""

    async def begin(self) -> None:
        """A session begins: what was in flight goes to the backlog, and so does all that is owed;
        the live lane starts with the next record."""

    async def owed(self, stream: str, lane: Lane, limit: int) -> Pack | None:
        """The next pack of at most `limit` records, from now on in flight; None: nothing owed."""

    async def settle(self, pack: Pack) -> None:
        """The broker acknowledged it. Settling twice is once."""

    async def give_back(self, pack: Pack) -> None:
        """It was not acknowledged: owed again, in the backlog."""

    async def refuse(self, pack: Pack, reason: str) -> None:
        """It will never be accepted: becomes a gap with that reason, announced as an event."""

    async def owe(self, epoch: str, stream: str, ranges: Ranges) -> None:
        """Owed again (overlap, replay): in the backlog, in packs marked `again`. Numbers that are
        no longer stored come back as skipped `evicted`; an epoch that is not known, and numbers
        that it never gave, are ignored."""

    async def changed(self) -> None:
        """Returns when there may be something new to send."""
