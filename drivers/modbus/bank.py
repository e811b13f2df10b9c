"""The registers of one simulated device."""

from collections.abc import Callable, Iterable, MutableMapping, Sequence

from agent.contract import Story, Value
from drivers.modbus.address import IdRegister
from drivers.modbus.encode import encode
from drivers.modbus.planner import READ, known
from drivers.modbus.profile import Point, Profile, Table
from drivers.modbus.station import Station
from drivers.modbus.waves import fitted, value_at

ILLEGAL_ADDRESS, ILLEGAL_VALUE = 2, 3
_UNIT = "unit"  # in the memory


class Refusal(Exception):
    """The device answers with an exception; `code` is the one of the protocol."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Bank:
    """Points drift by themselves until `set` holds them; what the master writes stays.

    `unit` is the id that it answers to: what is in its register of the id, since it was written or,
    for some devices, since the next power-on. `refusals` maps (table, address) to the exception
    code that touching it brings.
    """

    def __init__(
        self,
        device: str,
        station: Station,
        now: Callable[[], float],
        memory: MutableMapping[str, str] | None = None,
    ) -> None:
        """`now`: s since 1970. `memory`: what the device itself keeps without power."""
        self._memory = {} if memory is None else memory
        self.unit = int(self._memory.get(_UNIT, station.unit))
        self.powered = True
        self.refusals: dict[tuple[Table, int], int] = {}
        self._device, self._profile, self._now = device, station.profile, now
        self._mapped = self._profile.identity | self._profile.points
        self._words: dict[tuple[Table, int], int] = dict.fromkeys(_registers(self._profile), 0)
        self._held: dict[str, Value | None] = {}
        self._written: set[str] = set()
        self._story: Story | None = None
        self._own_id = IdRegister.of(station.profile)
        if self._own_id is not None:
            self._put("holding", self._own_id.block.first, self._own_id.words(self.unit))

    def power(self, *, on: bool) -> None:
        """Unplugs it, or plugs it in again."""
        self.powered = on
        self.unit = int(self._memory.get(_UNIT, self.unit))

    def set(self, point: str, value: Value | None) -> None:
        """Holds a point; None: the first raw value that the profile calls a fault."""
        self._written.discard(point)
        self._held[point] = value

    def free(self, point: str) -> None:
        """Lets it drift again."""
        self._written.discard(point)
        self._held.pop(point, None)

    def follow(self, story: Story) -> None:
        """Points that are neither held nor written show what it tells."""
        self._story = story

    def read(self, table: Table, first: int, count: int) -> list[int]:
        """Raises Refusal."""
        self._check_reach(table, first, count)
        for name, point in self._points_in(table, first, count):
            self._refresh(name, point)
        return [self._words[table, address] for address in range(first, first + count)]

    def write(self, table: Table, first: int, words: Sequence[int]) -> None:
        """Raises Refusal."""
        self._check_known(table, first, len(words))
        self._take_id(table, first, words)
        self._put(table, first, words)
        for name, point in self._points_in(table, first, len(words)):
            if point.write is not None and point.write.words:
                self._put(table, point.address, [point.write.taken(words[point.address - first])])
            self._held.pop(name, None)
            self._written.add(name)

    def _take_id(self, table: Table, first: int, words: Sequence[int]) -> None:
        own = self._own_id
        if own is None or table != "holding" or not own.within(first, len(words)):
            return
        at = own.block.first - first
        unit = own.unit(words[at : at + own.block.count])
        if unit is None or not own.allows(unit):
            raise Refusal(ILLEGAL_VALUE)
        self._memory[_UNIT] = str(unit)
        if self._profile.address and self._profile.address.takes_effect != "power_cycle":
            self.unit = unit

    def _refresh(self, name: str, point: Point) -> None:
        drifts = name in self._profile.points
        if name in self._written or (name not in self._held and not drifts):
            return
        value = self._held[name] if name in self._held else self._measured(name, point)
        span = range(point.address, point.address + point.width)
        before = [self._words[point.table, address] for address in span]
        self._put(point.table, point.address, encode(point, value, before))

    def _measured(self, name: str, point: Point) -> Value:
        told = None if self._story is None else self._story(self._device, name)
        told = None if told is None else fitted(point, told)
        return value_at(self._device, name, point, self._now()) if told is None else told

    def _put(self, table: Table, first: int, words: Sequence[int]) -> None:
        for address, word in enumerate(words, first):
            self._words[table, address] = word

    def _points_in(self, table: Table, first: int, count: int) -> list[tuple[str, Point]]:
        """Those that these registers touch; bit fields last, for they change whole registers."""
        found = [
            (name, point)
            for name, point in self._mapped.items()
            if point.table == table
            and point.address < first + count
            and first < point.address + point.width
        ]
        return sorted(found, key=lambda item: item[1].bit is not None)

    def _check_reach(self, table: Table, first: int, count: int) -> None:
        limits = self._profile.limits
        bits = table in {"coil", "discrete"}
        if not 0 < count <= (limits.bits if bits else limits.registers):
            raise Refusal(ILLEGAL_VALUE)
        if not bits and (first % limits.align or count % limits.align):
            raise Refusal(ILLEGAL_ADDRESS)
        self._check_known(table, first, count)

    def _check_known(self, table: Table, first: int, count: int) -> None:
        for address in range(first, first + count):
            if (table, address) not in self._words:
                raise Refusal(ILLEGAL_ADDRESS)
            if code := self.refusals.get((table, address)):
                raise Refusal(code)


def _registers(profile: Profile) -> Iterable[tuple[Table, int]]:
    """All that the profile names: points, extents, canary, identity and settings."""
    spans = [(t, first, last + 1 - first) for t in READ for first, last in known(profile, t)]
    if canary := profile.canary:
        spans.append((canary.table, canary.address, canary.count))
    spans += [(p.table, p.address, p.width) for p in profile.identity.values()]
    spans += [(s.table, s.address, 1 + (s.type == "float32")) for s in profile.settings.values()]
    return ((table, first + at) for table, first, count in spans for at in range(count))
