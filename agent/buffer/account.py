"""Who is owed what: the account that one uplink has of one stream. Pure; no I/O, no clock.

Numbers move like this; `law` checks that each is in exactly one place:

    appended ──► live ──take──► flight ──settle──► settled (or skipped, for what a pack skips)
                  │               │ ├──refuse──► gap
    begin, jump ──┴──► backlog ◄──┘ └── take ◄── backlog
                          ▲    give_back, begin; owe brings back settled, skipped and gap
    evict: whatever is owed ──► gap

`owed` is backlog, flight and live together.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from agent.contract import Lane, Ranges, Skip

NONE = Ranges()
BEHIND = 4  # packs: the live lane jumps when more than this many wait before the newest group


@dataclass(frozen=True, slots=True)
class Taken:
    """Consecutive numbers, from now on in flight.

    `again`: they may have been sent before. `absent`: owed but no longer stored.
    """

    epoch: str
    first: int
    last: int
    again: bool = False
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Law:
    """How 1…head divides, in numbers, and whether that is a division at all."""

    head: int = 0
    settled: int = 0
    owed: int = 0
    skipped: int = 0
    gap: int = 0
    holds: bool = True


@dataclass(slots=True)
class Book:
    """The account of one epoch. The live lane has still to send `live`…`head`."""

    epoch: str
    head: int = 0
    live: int = 1
    newest: int = 1  # the first number of the group appended last
    settled: Ranges = NONE
    backlog: Ranges = NONE
    flight: Ranges = NONE
    again: Ranges = NONE  # within backlog and flight
    absent: Ranges = NONE  # within backlog and flight
    gaps: dict[str, Ranges] = field(default_factory=dict)  # reason -> numbers
    skips: dict[str, Ranges] = field(default_factory=dict)
    known: Law | None = None  # the law as counted since the last change
    unsaved: bool = True  # changed since it was last written to disk

    @property
    def waiting(self) -> Ranges:
        return Ranges.of(self.live, self.head)

    @property
    def owed(self) -> Ranges:
        return self.backlog | self.flight | self.waiting

    @property
    def gap(self) -> Ranges:
        return Ranges.union(self.gaps.values())

    @property
    def skipped(self) -> Ranges:
        return Ranges.union(self.skips.values())

    def touch(self) -> None:
        self.known = None
        self.unsaved = True

    def law(self) -> Law:
        if self.known is None:
            self.known = self._count()
        return self.known

    def _count(self) -> Law:
        owed, parts = self.owed, (self.settled, self.backlog, self.flight, self.waiting)
        written_off = (*self.gaps.values(), *self.skips.values())
        total = sum(len(part) for part in (*parts, *written_off))
        together = Ranges.union((*parts, *written_off))
        marked = (self.again | self.absent) - self.backlog - self.flight
        return Law(
            head=self.head,
            settled=len(self.settled),
            owed=len(owed),
            skipped=len(self.skipped),
            gap=len(self.gap),
            holds=total == self.head and together == Ranges.of(1, self.head) and not marked,
        )


class Account:
    """Epochs are added in their order; the one added last is running."""

    def __init__(self) -> None:
        self._books: dict[str, Book] = {}
        self._running = Book("")

    def __iter__(self) -> Iterator[Book]:
        return iter(self._books.values())

    def __contains__(self, epoch: str) -> bool:
        return epoch in self._books

    def book(self, epoch: str) -> Book:
        """Raises KeyError."""
        return self._books[epoch]

    def restore(
        self,
        epoch: str,
        head: int,
        owed: Ranges,
        stored: Ranges = NONE,
        gaps: Mapping[str, Ranges] | None = None,
        skips: Mapping[str, Ranges] | None = None,
    ) -> None:
        """An epoch that ended. What is owed of it may have been sent: it comes marked `again`.

        What nothing is known of is settled; where records contradict, the owed one wins.
        """
        whole = Ranges.of(1, head)
        owed = owed & whole
        book = Book(epoch, head=head, live=head + 1, newest=head + 1)
        book.backlog = book.again = owed
        book.absent = owed - stored
        taken = owed
        for mine, theirs in ((book.gaps, gaps or {}), (book.skips, skips or {})):
            for reason, ranges in theirs.items():
                mine[reason] = (ranges & whole) - taken
                taken = taken | mine[reason]
        book.settled = whole - taken
        self._books[epoch] = self._running = book

    def start(self, epoch: str) -> None:
        """The epoch that runs from now on."""
        self._books[epoch] = self._running = Book(epoch)

    def forget(self, epoch: str) -> None:
        del self._books[epoch]

    def appended(self, last: int) -> None:
        """The running epoch's numbers up to `last` are on disk."""
        book = self._running
        if last > book.head:
            book.newest, book.head = book.head + 1, last
            book.touch()

    def lack(self, stored: Ranges) -> None:
        """For an uplink that comes late: of the running epoch no more than this is stored."""
        book = self._running
        _leave(book, book.head + 1)
        book.absent = book.backlog - stored
        book.touch()

    def begin(self) -> None:
        """A session starts: all that is owed is backlog; live starts behind the newest."""
        for book in self._books.values():
            if book.flight:
                _back(book, book.flight)
        _leave(self._running, self._running.head + 1)

    def take(self, lane: Lane, limit: int) -> Taken | None:
        """The next numbers of that lane, at most `limit`; all that are absent in a row at once."""
        return self._take_live(limit) if lane is Lane.LIVE else self._take_backlog(limit)

    def _take_live(self, limit: int) -> Taken | None:
        book = self._running
        if book.newest - book.live > limit * BEHIND:
            _leave(book, book.newest)
        if book.live > book.head:
            return None
        first, last = book.live, min(book.head, book.live + limit - 1)
        book.live = last + 1
        book.flight = book.flight | Ranges.of(first, last)
        book.touch()
        return Taken(book.epoch, first, last)

    def _take_backlog(self, limit: int) -> Taken | None:
        book = next((book for book in self._books.values() if book.backlog), None)
        if book is None:
            return None
        first, last = book.backlog.intervals[0]
        again, last = _alike(book.again, first, last)
        absent, last = _alike(book.absent, first, last)
        last = last if absent else min(last, first + limit - 1)
        numbers = Ranges.of(first, last)
        book.backlog = book.backlog - numbers
        book.flight = book.flight | numbers
        book.touch()
        return Taken(book.epoch, first, last, again, absent)

    def settle(self, epoch: str, numbers: Ranges, skip: tuple[Skip, ...] = ()) -> Ranges:
        """Acknowledged. What is not in flight stays as it is. Returns what was settled."""
        book = self._books.get(epoch)
        if book is None:
            return NONE
        done = _land(book, numbers)
        rest = done
        for part in skip:
            skipped = rest & Ranges.of(part.first, part.last)
            _write_off(book.skips, part.reason, skipped)
            rest = rest - skipped
        book.settled = book.settled | rest
        return done

    def give_back(self, epoch: str, numbers: Ranges) -> None:
        """Not acknowledged: backlog, and `again`."""
        if epoch in self._books:
            book = self._books[epoch]
            _back(book, numbers & book.flight)

    def refuse(self, epoch: str, numbers: Ranges, reason: str) -> Ranges:
        """Will never be accepted. Returns the numbers that became a gap."""
        book = self._books.get(epoch)
        if book is None:
            return NONE
        refused = _land(book, numbers)
        _write_off(book.gaps, reason, refused)
        return refused

    def owe(self, epoch: str, numbers: Ranges, stored: Ranges) -> Ranges:
        """Owed again, unless still to be sent for the first time or in flight.

        Only numbers that the epoch has given count. Returns what is newly owed.
        """
        book = self._books.get(epoch)
        if book is None:
            return NONE
        fresh = (numbers & Ranges.of(1, book.head)) - book.owed
        book.settled = book.settled - fresh
        for written_off in (book.gaps, book.skips):
            for reason in list(written_off):
                written_off[reason] = written_off[reason] - fresh
        book.backlog = book.backlog | fresh
        book.again = book.again | fresh
        book.absent = book.absent | (fresh - stored)
        book.touch()
        return fresh

    def evict(self, epoch: str, numbers: Ranges, reason: str) -> Ranges:
        """No longer stored. What was owed becomes a gap; returns those numbers."""
        book = self._books[epoch]
        if numbers & book.waiting:
            _leave(book, (numbers & book.waiting).last + 1)
        gone = numbers & (book.backlog | book.flight)
        book.backlog = book.backlog - gone
        book.flight = book.flight - gone
        _unmark(book, gone)
        _write_off(book.gaps, reason, gone)
        return gone

    def law(self) -> Law:
        """Over all epochs."""
        laws = [book.law() for book in self._books.values()]
        return Law(
            head=sum(law.head for law in laws),
            settled=sum(law.settled for law in laws),
            owed=sum(law.owed for law in laws),
            skipped=sum(law.skipped for law in laws),
            gap=sum(law.gap for law in laws),
            holds=all(law.holds for law in laws),
        )


def _leave(book: Book, live: int) -> None:
    """The live lane goes on at `live`; what it passes over is backlog, never sent before."""
    if live > book.live:
        book.backlog = book.backlog | Ranges.of(book.live, min(live - 1, book.head))
        book.live = live
        book.touch()


def _back(book: Book, numbers: Ranges) -> None:
    book.flight = book.flight - numbers
    book.backlog = book.backlog | numbers
    book.again = book.again | numbers
    book.touch()


def _land(book: Book, numbers: Ranges) -> Ranges:
    """Takes out of the air, and returns, those that were in flight."""
    landed = numbers & book.flight
    book.flight = book.flight - landed
    _unmark(book, landed)
    return landed


def _unmark(book: Book, numbers: Ranges) -> None:
    book.again = book.again - numbers
    book.absent = book.absent - numbers
    book.touch()


def _alike(marked: Ranges, first: int, last: int) -> tuple[bool, int]:
    """Whether `first` is marked, and up to which number (at most `last`) the others are like it."""
    if not marked:
        return False, last
    within = marked & Ranges.of(first, last)
    if not within:
        return False, last
    start, end = within.intervals[0]
    return (True, end) if start == first else (False, start - 1)


def _write_off(where: dict[str, Ranges], reason: str, numbers: Ranges) -> None:
    if numbers:
        where[reason] = where.get(reason, NONE) | numbers
