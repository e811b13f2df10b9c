"""All accounts of the buffer, and what is kept of every epoch. Pure.

What the disk has to know of them comes out as rows; only rows that changed are written.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from agent.buffer.account import NONE, Account, Book, Law
from agent.buffer.keys import OPEN, STREAM_IDS
from agent.contract import STREAMS, Ranges

Row = tuple[str | int, ...]
Of = tuple[str, str, str]  # uplink, epoch, stream
Table = tuple[str, Of]


@dataclass(slots=True)
class Epoch:
    """`id` orders epochs. `before` is the epoch that a stream had before, and its last number."""

    id: int
    name: str
    head: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STREAMS, 0))
    kept: dict[str, Ranges] = field(default_factory=lambda: dict.fromkeys(STREAMS, NONE))
    before: dict[str, tuple[str, int] | None] = field(
        default_factory=lambda: dict.fromkeys(STREAMS)
    )


@dataclass(slots=True)
class Past:
    """What the disk remembers of epochs that ended; oldest first. Gaps and skips by reason."""

    epochs: list[Epoch] = field(default_factory=list)
    uplinks: set[str] = field(default_factory=set)
    owed: dict[Of, Ranges] = field(default_factory=dict)
    gaps: dict[Of, dict[str, Ranges]] = field(default_factory=dict)
    skips: dict[Of, dict[str, Ranges]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gap:
    """What one uplink will never get."""

    uplink: str
    epoch: str
    stream: str
    numbers: Ranges
    reason: str


@dataclass(slots=True)
class Changes:
    """Rows (table, columns) to delete, by their first four columns, and then to insert.

    `rows` is what the disk will know once they are written.
    """

    delete: list[tuple[str, Row]] = field(default_factory=list)
    insert: list[tuple[str, Row]] = field(default_factory=list)
    rows: dict[Table, frozenset[Row]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.delete or self.insert)


class Accounts:
    """Of every uplink and stream; `running` is the epoch of this run."""

    def __init__(self, past: Past, running: Epoch, uplinks: Iterable[str]) -> None:
        self.epochs = {epoch.name: epoch for epoch in (*past.epochs, running)}
        self.running = running
        self.uplinks: list[str] = []
        self._accounts: dict[tuple[str, str], Account] = {}
        self._saved: dict[Table, frozenset[Row]] = {}
        self._unknown: set[str] = set()  # uplinks that the disk does not know
        self._past = past
        for uplink in uplinks:
            self.add(uplink)

    def __iter__(self) -> Iterator[tuple[str, str, Account]]:
        """Uplink, stream, account."""
        for (uplink, stream), account in self._accounts.items():
            yield uplink, stream, account

    def of(self, uplink: str, stream: str) -> Account:
        return self._accounts[uplink, stream]

    def law(self, uplink: str) -> dict[str, Law]:
        """Stream -> how its numbers stand, over all epochs."""
        return {stream: self.of(uplink, stream).law() for stream in STREAMS}

    def add(self, uplink: str) -> None:
        """A new uplink owes all that is stored."""
        self.uplinks.append(uplink)
        if uplink not in self._past.uplinks:
            self._unknown.add(uplink)
        for stream in STREAMS:
            account = self._accounts[uplink, stream] = Account()
            for epoch in self.epochs.values():
                if epoch is not self.running:
                    self._restore(account, uplink, epoch, stream)
            account.start(self.running.name)
            account.appended(self.running.head[stream])
            account.lack(self.running.kept[stream])

    def _restore(self, account: Account, uplink: str, epoch: Epoch, stream: str) -> None:
        head, kept, of = epoch.head[stream], epoch.kept[stream], (uplink, epoch.name, stream)
        if uplink not in self._past.uplinks:
            owed = Ranges.of(1, head) if kept else NONE
            account.restore(epoch.name, head, owed, kept, {}, {"evicted": Ranges.of(1, head)})
            return
        gaps, skips = self._past.gaps.get(of), self._past.skips.get(of)
        account.restore(epoch.name, head, self._past.owed.get(of, NONE), kept, gaps, skips)
        self._saved["owed", of] = frozenset(self._owed_rows(self._past.owed.get(of, NONE), of))
        self._saved["gap", of] = frozenset(self._reason_rows(gaps or {}, of))
        self._saved["skip", of] = frozenset(self._reason_rows(skips or {}, of))

    def appended(self, stream: str, last: int, stored: Ranges) -> None:
        """The running epoch reaches `last`, of which `stored` are new and on disk."""
        if last == self.running.head[stream]:
            return
        self.running.head[stream] = last
        self.running.kept[stream] = self.running.kept[stream] | stored
        for uplink in self.uplinks:
            self.of(uplink, stream).appended(last)

    def evict(self, epoch: str, stream: str, numbers: Ranges, reason: str) -> list[Gap]:
        """No longer stored, or never was. Returns what uplinks were still owed."""
        of = self.epochs[epoch]
        of.kept[stream] = of.kept[stream] - numbers
        gaps = []
        for uplink in self.uplinks:
            gone = self.of(uplink, stream).evict(epoch, numbers, reason)
            if gone:
                gaps.append(Gap(uplink, epoch, stream, gone, reason))
        return gaps

    def owed(self, epoch: str, stream: str) -> Ranges:
        """By anybody."""
        return Ranges.union(self.of(u, stream).book(epoch).owed for u in self.uplinks)

    @property
    def unsaved(self) -> bool:
        return any(book.unsaved for _, _, account in self for book in account)

    def changes(self) -> Changes:
        """What the disk does not know yet. Whoever takes them calls `saved` or `failed`."""
        changes = Changes(insert=[("uplink", (name,)) for name in sorted(self._unknown)])
        for uplink, stream, account in self:
            for book in account:
                if book.unsaved:
                    book.unsaved = False
                    changes.rows.update(self._rows(book, (uplink, book.epoch, stream)))
        for of, rows in changes.rows.items():
            old = self._saved.get(of, frozenset())
            if old == rows:
                continue
            changes.delete += [(of[0], row[:4]) for row in old - rows]
            changes.insert += [(of[0], row) for row in rows - old]
        return changes

    def saved(self, changes: Changes) -> None:
        self._saved.update(changes.rows)
        self._unknown -= {str(row[0]) for table, row in changes.insert if table == "uplink"}

    def failed(self, changes: Changes) -> None:
        for _, (uplink, epoch, stream) in changes.rows:
            self.of(uplink, stream).book(epoch).unsaved = True

    def _rows(self, book: Book, of: Of) -> dict[Table, frozenset[Row]]:
        rows: dict[Table, frozenset[Row]] = {
            ("owed", of): frozenset(self._owed_rows(self._due(book), of))
        }
        if book.gaps or ("gap", of) in self._saved:
            rows["gap", of] = frozenset(self._reason_rows(book.gaps, of))
        if book.skips or ("skip", of) in self._saved:
            rows["skip", of] = frozenset(self._reason_rows(book.skips, of))
        return rows

    def _due(self, book: Book) -> Ranges:
        if book.epoch != self.running.name:
            return book.owed
        if not book.backlog and not book.flight:
            return Ranges.of(book.live, OPEN)
        return book.owed | Ranges.of(book.head + 1, OPEN)

    def _owed_rows(self, owed: Ranges, of: Of) -> Iterator[Row]:
        for first, last in owed:
            yield (*self._where(of), first, last)

    def _reason_rows(self, reasons: Mapping[str, Ranges], of: Of) -> Iterator[Row]:
        for reason, numbers in reasons.items():
            for first, last in numbers:
                yield (*self._where(of), first, last, reason)

    def _where(self, of: Of) -> tuple[str, int, int]:
        return of[0], self.epochs[of[1]].id, STREAM_IDS[of[2]]


def kept_rows(epoch: Epoch, stream: str, *, running: bool) -> Sequence[Row]:
    """What the table `kept` says of it."""
    kept = epoch.kept[stream]
    if running:
        kept = kept | Ranges.of(epoch.head[stream] + 1, OPEN)
    return [(epoch.id, STREAM_IDS[stream], first, last) for first, last in kept]
