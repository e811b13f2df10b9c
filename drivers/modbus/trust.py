"""Whether the next answer of a unit can be believed.

An RTU frame does not say which request it answers. After an answer was lost it may still come,
and would then be taken for the answer to the next request: the right unit, function and size, the
wrong registers. So a unit that lost an answer is left alone until a late one must have come
(`max_late`), and must then answer a canary: a read whose answer has another shape than all others.
A late answer to anything else cannot pass for it, and once it has come nothing else is under way,
because a unit answers in order. An answer that comes later than `max_late` shows that this is too
short for the unit: it is left alone for longer, until it has answered in time for a while.
"""

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from agent.contract import Wire
from drivers.modbus.planner import Block

_MOST_PATIENCE = 16.0
_CALMING = 0.98  # an answer: from the most to none in 140


@dataclass(slots=True)
class Trust:
    """One unit on one wire, whichever devices of the configuration it stands for.

    `plans` are the reads that each of them will ask for. Times are of the event loop's clock.
    """

    proven: bool = False
    quiet_until: float = 0.0
    patience: float = 1.0  # times `max_late`
    plans: list[tuple[Block, ...]] = field(default_factory=list)

    @property
    def shapes(self) -> set[tuple[int, int]]:
        """What an answer that comes late may look like."""
        return {block.shape for plan in self.plans for block in plan}

    def wait(self, now: float) -> float:
        """Seconds for which the unit must not be asked anything."""
        return max(0.0, self.quiet_until - now)

    def answered_late(self) -> None:
        self.patience = min(self.patience * 2, _MOST_PATIENCE)

    def answered_in_time(self) -> None:
        if self.patience > 1.0:
            self.patience = max(1.0, self.patience * _CALMING)

    def doubt(self, quiet_until: float) -> None:
        self.proven = False
        self.quiet_until = max(self.quiet_until, quiet_until)


_units: WeakKeyDictionary[Wire, dict[int, Trust]] = WeakKeyDictionary()


def trust_in(wire: Wire, unit: int) -> Trust:
    """The same object for every device that is this unit."""
    return _units.setdefault(wire, {}).setdefault(unit, Trust())
