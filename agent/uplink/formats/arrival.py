"""What a receiver gets out of one message, whatever its format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.contract import Pack, Ranges, Skip, Value

VERSION = 1  # of docs/wire.md: the field `fg`


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading as it travelled: `unit` is SenML's, "" where there is none; `at` in ms."""

    device: str
    point: str
    value: Value | None
    unit: str
    at: int
    quality: str = "good"  # or "uncertain", "uncertain:range", "bad:timeout"
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One event as it travelled; `at` in ms."""

    kind: str
    subject: str
    data: Mapping[str, Any]
    at: int
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """A decoded pack: what it accounts for and what it carries.

    The members are `first`…`last` less `skip`, in order: `samples` or `occurrences`, never both.
    """

    gateway: str
    epoch: str
    stream: str
    first: int
    last: int
    skip: tuple[Skip, ...] = ()
    again: bool = False
    previous: tuple[str, int] | None = None
    catalogue: str = ""
    version: int = VERSION
    samples: tuple[Sample, ...] = ()
    occurrences: tuple[Occurrence, ...] = ()
    members: dict[int, Sample | Occurrence] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Raises ValueError when the numbers and what is carried do not match."""
        skipped = Ranges.union(Ranges.of(s.first, s.last) for s in self.skip)
        left = Ranges.of(self.first, self.last) - skipped
        carried: list[Sample | Occurrence] = [*self.samples, *self.occurrences]
        if len(left) != len(carried):
            raise ValueError(f"{len(carried)} records for {len(left)} numbers")
        object.__setattr__(self, "members", dict(zip(left.numbers(), carried, strict=True)))


def account(pack: Pack) -> dict[str, Any]:
    """The fields by which a pack says what it accounts for; scalars only, absent when empty."""
    fields: dict[str, Any] = {"first": pack.first, "last": pack.last}
    if pack.skip:
        fields["skip"] = ",".join(f"{s.first}-{s.last}:{s.reason}" for s in pack.skip)
    if pack.again:
        fields["again"] = True
    if pack.previous is not None:
        fields["prev"] = f"{pack.previous[0]}/{pack.previous[1]}"
    return fields


def skips(text: str) -> tuple[Skip, ...]:
    """`"3-5:evicted,9-9:filtered"`, as `account` writes it. Raises ValueError."""
    found = []
    for part in filter(None, text.split(",")):
        numbers, _, reason = part.partition(":")
        first, _, last = numbers.partition("-")
        found.append(Skip(int(first), int(last or first), reason))
    return tuple(found)


def previous(text: str) -> tuple[str, int] | None:
    """`"epoch/number"`; None for "". Raises ValueError."""
    if not text:
        return None
    epoch, _, number = text.rpartition("/")
    return epoch, int(number)
