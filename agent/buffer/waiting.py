"""Records that are not on disk yet, and when they have to be. Pure; times are monotonic seconds."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.buffer.limits import Limits
from agent.contract import EVENTS, MEDIA, STREAMS, TELEMETRY, Event, Record

Tally = Counter[str]  # stream -> records
IDLE = 5.0  # s until what was settled is written without anything else to write


def stream_of(record: Record) -> str:
    if isinstance(record, Event):
        return MEDIA if record.kind == MEDIA else EVENTS
    return TELEMETRY


@dataclass(frozen=True, slots=True)
class Group:
    """What goes into one transaction; `discarded` follows `records` in the order of numbers."""

    records: Mapping[str, Sequence[Record]]
    discarded: Tally

    @property
    def count(self) -> int:
        return sum(len(records) for records in self.records.values())

    def __bool__(self) -> bool:
        return bool(self.count or self.discarded.total())


def _lists() -> dict[str, list[Record]]:
    return {stream: [] for stream in STREAMS}


@dataclass(slots=True)
class Waiting:
    limits: Limits
    count: int = 0
    urgent: bool = False  # an event, or somebody who waits for the flush
    since: float | None = None  # when the oldest record came
    settled_since: float | None = None
    erasing: bool = False
    _records: dict[str, list[Record]] = field(default_factory=_lists)
    _discarded: Tally = field(default_factory=Counter)
    _out: int = 0  # records of the group that is being written
    _began: float = float("-inf")

    def take(self, records: Sequence[Record], now: float) -> tuple[Tally, Tally]:
        """Returns how many there were, and how many found no room. Events may fill a tenth more."""
        taken, discarded = Tally(), Tally()
        room = self.limits.most_waiting - self.count - self._out
        for record in records:
            stream = stream_of(record)
            taken[stream] += 1
            if room > (-self.limits.most_waiting // 10 if stream == EVENTS else 0):
                self._records[stream].append(record)
                room -= 1
            else:
                discarded[stream] += 1
        self.count += taken.total() - discarded.total()
        self._discarded += discarded
        self.urgent = self.urgent or bool(taken[EVENTS])
        if self.since is None and self.count:
            self.since = now
        return taken, discarded

    @property
    def crowded(self) -> bool:
        return self.count + self._out >= self.limits.crowd

    def due(self) -> float | None:
        """When to write next; None when there is nothing to write."""
        wishes: list[float] = []
        if self.since is not None:
            full = self.urgent or self.count >= self.limits.commit_records
            wishes.append(self.since if full else self.since + self.limits.commit_every)
        if self.erasing or self._discarded:
            wishes.append(0.0)
        if self.settled_since is not None:
            wishes.append(self.settled_since + IDLE)
        if not wishes:
            return None
        return max(min(wishes), self._began + 1 / self.limits.flushes)

    def draw(self, now: float) -> Group:
        """All that waits. `written` or `failed` has to follow."""
        group = Group(self._records, self._discarded)
        self._out, self._began = self.count, now
        self._records, self._discarded, self.count = _lists(), Tally(), 0
        self.urgent, self.since, self.settled_since, self.erasing = False, None, None, False
        return group

    def written(self) -> None:
        self._out = 0

    def failed(self, group: Group, now: float) -> None:
        """Back to where it was, before what came meanwhile."""
        for stream, records in group.records.items():
            self._records[stream] = [*records, *self._records[stream]]
        self._discarded += group.discarded
        self.count, self._out = self.count + group.count, 0
        self.since = now if self.count else None
        self.urgent = self.erasing = True
