"""What to do next with a device that is being given an id, from what answers on the wire. Pure."""

from dataclasses import dataclass
from enum import Enum, auto

from agent.contract import Presence

FREE = 3  # silences in a row, then nobody is there; noises in a row, then two are
WRITES = 3  # of one id, without the device being started anew


class Move(Enum):
    WAIT = auto()
    ARRIVED = auto()  # one device answers at the new id
    WRITE = auto()
    RESTART = auto()  # it has the id, or may have it, once its supply was off and on
    GONE = auto()  # nobody answers at either id
    ASK = auto()  # somebody answers at the old id, and only a person knows whether it is the same
    ANOTHER = auto()  # the one at the old id is not the one that is to have the new id
    SEVERAL = auto()  # more than one at the old id
    CROWDED = auto()  # more than one at the new id
    NOT_TAKEN = auto()


@dataclass(frozen=True, slots=True)
class Seen:
    """`held`: what the device at the old id will be called after its next start, if it says."""

    new: Presence
    old: Presence
    held: int | None = None


@dataclass(slots=True)
class Progress:
    """`pending`: the device has said that it will have the id. `same`: the one at the old id is
    known to be the one meant; that is forgotten once nobody answered for a while."""

    target: int
    pending: bool = False
    same: bool = False
    unplugged: bool = False
    writes: int = 0
    dark: int = 0
    crowded: int = 0

    def next(self, seen: Seen) -> Move:
        self._count(seen)
        if seen.new is Presence.SEVERAL:
            return Move.CROWDED if self.crowded >= FREE else Move.WAIT
        if seen.new is Presence.ONE:
            return Move.ARRIVED
        if seen.old is Presence.SEVERAL:
            return Move.SEVERAL
        if seen.old is Presence.SILENT:
            return Move.GONE if self.dark >= FREE else Move.WAIT
        return self._at_old_id(seen.held)

    def _count(self, seen: Seen) -> None:
        self.crowded = self.crowded + 1 if seen.new is Presence.SEVERAL else 0
        if seen.new is seen.old is Presence.SILENT:
            self.dark += 1
            return
        if self.dark >= FREE:
            self.same, self.unplugged, self.writes = False, True, 0
        self.dark = 0

    def _at_old_id(self, held: int | None) -> Move:
        if held == self.target:
            self.pending = True
            return Move.RESTART
        if self.pending:
            return Move.ANOTHER
        if not self.same:
            return Move.ASK
        if self.writes < WRITES:
            self.writes += 1
            return Move.WRITE
        return Move.NOT_TAKEN if self.unplugged else Move.RESTART
