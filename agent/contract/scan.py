"""Looking for devices: what a driver is asked for, and what it tells while it looks."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.contract.wire import Line, Parity, Wire


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for. None: whatever the driver thinks likely.

    `profiles`: folders with the driver's profiles; of two files with one name the first counts.
    `line`: the only settings that the wire may have. `deep`: unlikely ones too. `budget`: seconds
    of bus time after which the search ends.
    """

    profiles: Sequence[Path]
    ids: Sequence[int] | None = None
    line: Line | None = None
    speeds: Sequence[int] | None = None
    parities: Sequence[Parity] | None = None
    deep: bool = False
    budget: float | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A profile, and how plausible it is that the device is of its kind: 0…1."""

    profile: str
    title: str
    title_zh: str
    score: float


@dataclass(frozen=True, slots=True)
class Remark:
    """Something worth knowing, as a code with the facts that belong to it; the command has words
    for it. Values are numbers, strings, or lists of them."""

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Find:
    """A device that answers, or speaks.

    `matches`: best first; the first `tied` of them cannot be told apart by what was heard.
    `options`: what its entry in the configuration says beside `id`, `driver` and `wire`.
    `values`: (point, value, unit) as the best match reads them. `draft`: lines of a profile to
    begin with, where no profile fits.
    """

    address: int | str | None
    line: Line | None
    matches: tuple[Match, ...] = ()
    tied: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    values: tuple[tuple[str, Any, str], ...] = ()
    remarks: tuple[Remark, ...] = ()
    draft: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """How far the search is. `bus`: seconds that the wire was kept so far, silence counted;
    `left`: seconds that the rest may take; `at`: what is being tried."""

    bus: float
    left: float
    line: Line | None
    address: int | str | None


Scan = Callable[[Wire, Search], AsyncIterator[Find | Step]]
"""Never writes to a device. Gives the wire away between two exchanges. Raises LinkLost while the
port or peer is not there."""
