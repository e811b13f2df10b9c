"""What has to go: what is too old, what was settled long enough ago, what the bound has no room
for. Whole batches only, the oldest first, and never the newest of the running epoch.

Where room is needed, first goes what nobody is owed any more, then pictures, then readings, then
events.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from agent.buffer.accounts import Accounts, Epoch
from agent.buffer.limits import PAGE, Limits
from agent.buffer.reader import Extent
from agent.contract import EVENTS, MEDIA, STREAMS, TELEMETRY, Instant, Ranges

EVICTED, EXPIRED, SETTLED = "evicted", "expired", "settled"
SLACK = 64  # the part of the room that is made free at once
OVERHEAD = 60  # bytes of a batch beside its body, about
CHUNK = 256  # batches looked at in one go
MARKS = 24  # times within `keep_settled` that it is noted what is settled
MS = 1_000_000  # ns

Numbers = dict[tuple[str, str], Ranges]  # epoch, stream

Look = Callable[[Epoch, str, Ranges, int], Awaitable[Sequence[Extent]]]
"""Batches that begin within the numbers, at most so many, oldest first."""


@dataclass(frozen=True, slots=True)
class Victim:
    """`settled`: nobody is owed any of it."""

    epoch: str
    stream: str
    numbers: Ranges
    reason: str


class Retention:
    def __init__(self, limits: Limits, accounts: Accounts, look: Look) -> None:
        self._limits = limits
        self._accounts = accounts
        self._look = look
        # what was settled at some time (ms on CLOCK_BOOTTIME); `keep_settled` later it is ripe
        self._marks: deque[tuple[int, Numbers]] = deque()
        self._ripe: Numbers = {}

    @property
    def period(self) -> float:
        """Seconds between two looks at the age of things."""
        return min(60.0, max(1.0, self._limits.keep_settled / MARKS))

    def crowded(self, pages: int) -> bool:
        """Whether the file comes near its bound."""
        return pages * PAGE > self._limits.room * (SLACK - 1) // SLACK

    async def for_room(self, pages: int) -> list[Victim]:
        """Enough of the oldest to be well below the bound."""
        need = pages * PAGE - self._limits.room * (SLACK - 2) // SLACK
        return await self._oldest(need, self._order())

    async def for_full_disk(self) -> list[Victim]:
        """A little of what nobody is owed, so that its place can be used again."""
        return await self._oldest(self._limits.room // SLACK, self._unowed())

    async def _oldest(
        self, need: int, order: Iterator[tuple[Epoch, str, Ranges, str]]
    ) -> list[Victim]:
        victims: list[Victim] = []
        for epoch, stream, numbers, reason in order:
            left = numbers
            while need > 0 and left:
                extents = await self._look(epoch, stream, left, CHUNK)
                chosen, need = _enough(extents, numbers, need)
                if chosen:
                    victims.append(Victim(epoch.name, stream, chosen, reason))
                left = left - Ranges.of(1, extents[-1].last) if extents else Ranges()
        return victims

    def _unowed(self) -> Iterator[tuple[Epoch, str, Ranges, str]]:
        for epoch, stream, kept in self._kept(STREAMS):
            yield epoch, stream, kept - self._accounts.owed(epoch.name, stream), SETTLED

    def _order(self) -> Iterator[tuple[Epoch, str, Ranges, str]]:
        yield from self._unowed()
        for only in (MEDIA, TELEMETRY, EVENTS):
            for epoch, stream, kept in self._kept((only,)):
                yield epoch, stream, kept, EVICTED

    def _kept(self, streams: Sequence[str]) -> Iterator[tuple[Epoch, str, Ranges]]:
        for epoch in list(self._accounts.epochs.values()):
            for stream in streams:
                if epoch.kept[stream]:
                    yield epoch, stream, epoch.kept[stream]

    async def for_age(self, now: Instant) -> list[Victim]:
        """What is older than `max_age`, and what has been settled for `keep_settled`."""
        victims = []
        for stream in STREAMS:
            victims += await self._expired(stream, now)
        return [*victims, *await self._settled(now)]

    async def _expired(self, stream: str, now: Instant) -> list[Victim]:
        """A batch of unknown age is too old when a later one is."""
        waiting: list[Victim] = []
        for epoch, _, kept in self._kept((stream,)):
            extents = await self._look(epoch, stream, kept, CHUNK)
            ages = [_age(extent, now) for extent in extents]
            old = [n for n, age in enumerate(ages) if age and age > self._limits.max_age]
            gone = extents[: old[-1] + 1] if old else extents
            numbers = Ranges.union(Ranges.of(e.first, e.last) for e in gone)
            waiting.append(Victim(epoch.name, stream, numbers, EXPIRED))
            if old:
                return waiting
            if any(age is not None for age in ages):
                return []
        return []

    async def _settled(self, now: Instant) -> list[Victim]:
        self._mark(now.mono // MS)
        victims: list[Victim] = []
        for (name, stream), numbers in self._ripe.items():
            epoch = self._accounts.epochs[name]
            left = (numbers & epoch.kept[stream]) - self._accounts.owed(name, stream)
            extents = await self._look(epoch, stream, left, CHUNK) if left else []
            chosen, _ = _enough(extents, left, 1 << 62)
            if chosen:
                victims.append(Victim(name, stream, chosen, SETTLED))
        return victims

    def _mark(self, mono: int) -> None:
        keep = self._limits.keep_settled * 1000
        if not self._marks or mono - self._marks[-1][0] >= keep / MARKS:
            self._marks.append((mono, dict(self._all_settled())))
        while self._marks and self._marks[0][0] <= mono - keep:
            self._ripe = self._marks.popleft()[1]

    def _all_settled(self) -> Iterator[tuple[tuple[str, str], Ranges]]:
        for epoch, stream, kept in self._kept(STREAMS):
            settled = kept - self._accounts.owed(epoch.name, stream)
            if settled:
                yield (epoch.name, stream), settled


def _enough(extents: Sequence[Extent], within: Ranges, need: int) -> tuple[Ranges, int]:
    """Whole batches that lie within the numbers until the need (bytes) is met; what is left."""
    chosen = Ranges()
    for extent in extents:
        if need <= 0:
            break
        batch = Ranges.of(extent.first, extent.last)
        if not batch - within:
            chosen = chosen | batch
            need -= extent.size + OVERHEAD
    return chosen, need


def _age(extent: Extent, now: Instant) -> float | None:
    """Seconds; None when the clocks of then and now cannot be compared."""
    if extent.boot == now.boot:
        return now.mono / 1e9 - extent.mono / 1e3
    if extent.trusted and now.trusted:
        return now.wall / 1e9 - extent.wall / 1e3
    return None
