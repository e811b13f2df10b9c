"""What becomes of each reading here, for whoever looks on (`fieldgate trace`)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from agent.contract import Ranges, Reading, Record


@dataclass(frozen=True, slots=True)
class Stored:
    """A reading is on disk under this number."""

    epoch: str
    seq: int
    reading: Reading


@dataclass(frozen=True, slots=True)
class Sent:
    """These numbers of telemetry are acknowledged by the broker of `uplink`."""

    uplink: str
    epoch: str
    numbers: Ranges


Observers = set[Callable[[Stored | Sent], None]]
"""They are called on the event loop and must not raise. Nothing is made while there are none."""


def stored(epoch: str, numbers: Ranges, records: Sequence[Record]) -> Iterator[Stored]:
    for seq, record in zip(numbers.numbers(), records, strict=True):
        if isinstance(record, Reading):
            yield Stored(epoch, seq, record)
