"""Where to look first: which id, at which line settings, with which question. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.contract import Line, Parity, Search
from drivers.modbus.planner import Block
from drivers.modbus.profile import Profile

ANY_ID = range(1, 33)  # in the field, devices are numbered from 1 on
DEEP_IDS = range(1, 248)
_DEEP_SPEEDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
_PARITIES: tuple[Parity, ...] = ("none", "even", "odd")
_UNSEEN = 0.3  # of a profile: for settings that no device leaves the factory with
_FAR = 0.02
_FADING = 0.92  # from one id to the next
LATE = 6.0  # times the usual wait
_COMPANY = 4.0  # devices on one wire mostly share its settings
_QUESTIONS = (  # which read, how patient, how much less likely to be the first that is answered
    (Block("holding", 0, 1), 1.0, 1.0),
    (Block("input", 0, 1), 2.5, 0.05),
    (Block("coil", 0, 1), 2.5, 0.01),
)


@dataclass(frozen=True, slots=True)
class Try:
    """`patience`: times the usual wait. `chance`: relative, that a device shows itself."""

    line: Line | None
    unit: int
    block: Block
    patience: float
    chance: float


def lines(profiles: Iterable[Profile], search: Search) -> dict[Line, float]:
    """Settings with how likely they are; those that the search excludes are left out."""
    if search.line is not None and not (search.speeds or search.parities):
        return {search.line: 1.0}
    factory = Counter((p.line.baud, p.line.parity) for p in profiles)
    speeds = search.speeds or sorted({baud for baud, _ in factory} | set(_deep_speeds(search)))
    parities = search.parities or _parities(factory, search)
    stops = {
        (p.line.baud, p.line.parity): p.line.stop_bits for p in profiles if p.line.stop_bits > 1
    }
    return {
        Line(baud, parity, stops.get((baud, parity), 1)): factory[baud, parity] + _UNSEEN
        for baud in speeds
        for parity in parities
    }


def _deep_speeds(search: Search) -> Sequence[int]:
    return _DEEP_SPEEDS if search.deep else ()


def _parities(factory: Iterable[tuple[int, Parity]], search: Search) -> Sequence[Parity]:
    known = {parity for _, parity in factory} | {"none"}
    return [parity for parity in _PARITIES if search.deep or parity in known]


def ids(profiles: Iterable[Profile], search: Search) -> list[int]:
    if search.ids is not None:
        return list(search.ids)
    factory = {profile.line.unit for profile in profiles}
    return sorted({*(DEEP_IDS if search.deep else ANY_ID), *factory})


def tries(profiles: Sequence[Profile], search: Search, *, serial: bool) -> list[Try]:
    """All that may be asked, in no order. Not `serial`: there are no settings to try."""
    settings: Mapping[Line, float] | Mapping[None, float] = (
        lines(profiles, search) if serial else {None: 1.0}
    )
    total = sum(settings.values())
    units = Counter((p.line.baud, p.line.parity, p.line.unit) for p in profiles)
    anywhere = Counter(p.line.unit for p in profiles)
    found = []
    for line, weight in settings.items():
        for unit in ids(profiles, search):
            own = anywhere[unit] if line is None else units[line.baud, line.parity, unit]
            share = own / max(1, len(profiles)) + (_FADING**unit if unit in ANY_ID else _FAR) / len(
                ANY_ID
            )
            found += [
                Try(line, unit, block, patience, weight / total * share * chance)
                for block, patience, chance in _QUESTIONS
            ]
    return found


class Order:
    """The tries that are left: the first question to everybody, the best chance for its time
    first; then the questions for those who did not answer that."""

    def __init__(self, tries: Iterable[Try], cost: Callable[[Try], float]) -> None:
        """`cost`: bus time, s."""
        self._cost = cost
        self._favoured: set[Line | None] = set()
        self._settled: set[tuple[Line | None, int]] = set()  # found, or asked once more
        self._keep(tries)

    def __iter__(self) -> Iterator[Try]:
        while self._left:
            one = self._left.pop()
            self._seconds -= self._cost(one)
            self.first_left -= _is_first(one)
            yield one

    def left(self, budget: float) -> float:
        """Seconds of bus time, at most `budget`."""
        return min(budget, self._seconds)

    def found(self, line: Line | None, unit: int) -> None:
        """One device is there: it need not be looked for again, others may be like it."""
        self._settled.add((line, unit))
        self._favoured.add(line)
        self._keep(one for one in self._left if (one.line, one.unit) != (line, unit))

    def drop(self, line: Line | None) -> None:
        """At those settings nothing can be heard."""
        self._keep(one for one in self._left if one.line != line)

    def again(self, line: Line | None, unit: int) -> None:
        """That unit was heard, too late: it is asked next, once, with more patience."""
        if (line, unit) not in self._settled:
            self._settled.add((line, unit))
            self._left.append(Try(line, unit, _QUESTIONS[0][0], LATE, 1.0))
            self._count()

    def suspected(self, unit: int) -> None:
        """Something speaks when that unit is asked, but not so that it is understood: its other
        settings come first."""
        self._left.sort(key=lambda one: (one.unit == unit and _is_first(one), self._merit(one)))

    def _keep(self, tries: Iterable[Try]) -> None:
        self._left = sorted(tries, key=self._merit)
        self._count()

    def _count(self) -> None:
        self._seconds = sum(map(self._cost, self._left))
        self.first_left = sum(map(_is_first, self._left))
        """How many have not been asked the first question."""

    def _merit(self, one: Try) -> tuple[bool, float]:
        favour = _COMPANY if one.line in self._favoured else 1.0
        return _is_first(one), one.chance * favour / self._cost(one)


def _is_first(one: Try) -> bool:
    """Whether it is the question that everybody is asked."""
    return one.block == _QUESTIONS[0][0]
