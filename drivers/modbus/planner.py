"""Which reads cover the points in the fewest milliseconds on the bus. Pure.

A read never touches a register that the device does not have: only those of the profile's points
and of its `readable:` extents. A value is never split between two reads.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from agent.contract import Line, Ranges
from drivers.modbus.profile import Limits, Point, Profile, Table

READ: Mapping[Table, int] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}  # function codes
_BIT_TABLES = frozenset({"coil", "discrete"})
_TCP_BYTE = 1e-6  # s; only so that of two equal plans the shorter answers win


@dataclass(frozen=True, slots=True)
class Block:
    """One read: `count` registers or coils of a table from `first` on."""

    table: Table
    first: int
    count: int

    @property
    def function(self) -> int:
        return READ[self.table]

    @property
    def bits(self) -> bool:
        return self.table in _BIT_TABLES

    @property
    def size(self) -> int:
        """Data bytes of the answer."""
        return (self.count + 7) // 8 if self.bits else 2 * self.count

    @property
    def shape(self) -> tuple[int, int]:
        """All by which its answer can be told from another's: function code and size."""
        return self.function, self.size

    def holds(self, point: Point) -> bool:
        last = point.address + point.width
        return (
            point.table == self.table
            and self.first <= point.address
            and last <= self.first + self.count
        )


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds that a read keeps the bus."""

    byte: float  # one more byte in the answer
    read: float  # all the rest: request, frame, silences, the device's own time

    @classmethod
    def on_line(cls, line: Line, latency: float, guard: float) -> "Cost":
        """8 characters there, 5 and the data back, a silence of 3.5 before each."""
        frames = 13 * line.character + line.silence + max(line.silence, guard)
        return cls(line.character, frames + latency)

    @classmethod
    def on_tcp(cls, latency: float, guard: float) -> "Cost":
        return cls(_TCP_BYTE, latency + guard)

    def of(self, block: Block) -> float:
        return self.read + self.byte * block.size


def plan(profile: Profile, names: Iterable[str], cost: Cost) -> tuple[Block, ...]:
    """The cheapest blocks that hold every named point."""
    wanted = [profile.points[name] for name in names]
    return tuple(
        block for table in READ for block in _plan_table(_Terrain.of(profile, table), wanted, cost)
    )


def canary(profile: Profile, taken: Iterable[tuple[int, int]]) -> Block | None:
    """The smallest read whose answer has a shape that none of `taken` has; the profile's own
    comes first. None when every read of this device looks like one of them."""
    shapes = frozenset(taken)
    if profile.canary is not None:
        own = Block(profile.canary.table, profile.canary.address, profile.canary.count)
        if own.shape not in shapes:
            return own
    free = [block for block in _small_reads(profile) if block.shape not in shapes]
    return min(free, key=lambda block: block.size, default=None)


def known(profile: Profile, table: Table) -> Ranges:
    """The registers that the device has, as far as its profile says.

    A device that reads pairs only has both registers of a pair.
    """
    align = _align(profile.limits, table)
    points = [
        (p.address, p.address + p.width - 1) for p in profile.points.values() if p.table == table
    ]
    extents = [(e.first, e.last) for e in profile.readable if e.table == table]
    return Ranges.from_intervals(_aligned(*span, align) for span in points + extents)


@dataclass(frozen=True, slots=True)
class _Terrain:
    """What may be read of one table."""

    table: Table
    known: Ranges
    longest: int
    align: int

    @classmethod
    def of(cls, profile: Profile, table: Table) -> "_Terrain":
        limits = profile.limits
        longest = limits.bits if table in _BIT_TABLES else limits.registers
        return cls(table, known(profile, table), longest, _align(limits, table))

    def block(self, first: int, last: int) -> Block | None:
        """The read that covers first…last; None when it would be too long or leave known ground."""
        first, last = _aligned(first, last, self.align)
        fits = last - first < self.longest and not Ranges.of(first, last) - self.known
        return Block(self.table, first, last - first + 1) if fits else None


def _align(limits: Limits, table: Table) -> int:
    return 1 if table in _BIT_TABLES else limits.align


def _aligned(first: int, last: int, align: int) -> tuple[int, int]:
    return first - first % align, last + (align - 1 - last % align)


def _plan_table(terrain: _Terrain, wanted: Iterable[Point], cost: Cost) -> Iterator[Block]:
    """Dynamic programming over the values in order of their addresses.

    Once values that lie within others are left out, starts and ends grow together, so that some
    cheapest plan gives each read a run of neighbours.
    """
    spans = _outer(
        {(p.address, p.address + p.width - 1) for p in wanted if p.table == terrain.table}
    )
    best: list[tuple[float, int]] = [(0.0, 0)]  # cost and number of reads for the first i values
    last_read: list[Block] = []
    starts: list[int] = []
    for end, (_, last) in enumerate(spans):
        options = []
        for start in range(end, -1, -1):
            block = terrain.block(spans[start][0], last)
            if block is None:
                break
            seconds, reads = best[start]
            options.append((seconds + cost.of(block), reads + 1, start, block))
        seconds, reads, start, block = min(options, key=lambda option: option[:2])
        best.append((seconds, reads))
        last_read.append(block)
        starts.append(start)
    yield from _walk_back(last_read, starts)


def _outer(spans: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Without those that lie within another, by address."""
    longest_first = sorted(spans, key=lambda span: (span[0], -span[1]))
    reach = list(accumulate((last for _, last in longest_first), max, initial=-1))
    return [span for span, before in zip(longest_first, reach, strict=False) if span[1] > before]


def _walk_back(last_read: list[Block], starts: list[int]) -> list[Block]:
    chosen: list[Block] = []
    end = len(starts)
    while end:
        chosen.append(last_read[end - 1])
        end = starts[end - 1]
    return chosen[::-1]


def _small_reads(profile: Profile) -> Iterator[Block]:
    for table in READ:
        terrain = _Terrain.of(profile, table)
        for first, last in terrain.known:
            for end in range(first, min(last + 1, first + terrain.longest)):
                if block := terrain.block(first, end):
                    yield block
