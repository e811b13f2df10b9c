"""A profile as the scan looks at it: which reads its device answers, and with what. Pure."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from agent.contract import Line
from drivers.modbus.planner import READ, Block, Cost, known, plan
from drivers.modbus.profile import Point, Profile, Table
from drivers.modbus.scan.likelihood import point_gain, setting_gain

Words = Mapping[tuple[Table, int], int]
Kind = Literal["data", "refusal", "silence"]

_FITS = {"data": math.log2(0.93), "refusal": math.log2(0.04), "silence": math.log2(0.03)}
_STRANGE = {"data": math.log2(0.25), "refusal": math.log2(0.6), "silence": math.log2(0.15)}
_UNSURE = {"data": math.log2(0.6), "refusal": math.log2(0.25), "silence": math.log2(0.15)}
_LINE = math.log2(0.15)  # of a device that does not speak as it left the factory
_UNIT = 3.0  # bits, for a factory id that few have
_COST = Cost(0.001, 0.03)


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """`sure`: registers that the device has; `likely`: those that set it up, which some devices do
    not show."""

    name: str
    profile: Profile
    sure: frozenset[tuple[Table, int]]
    likely: frozenset[tuple[Table, int]]
    points: tuple[tuple[Point, tuple[tuple[Table, int], ...]], ...]
    """Each with its registers."""
    reads: tuple[Block, ...]
    _expected: dict[Block, float] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, profile: Profile) -> "Sheet":
        sure = {
            (table, address)
            for table in READ
            for first, last in known(profile, table)
            for address in range(first, last + 1)
        }
        if own := profile.canary:
            sure |= {(own.table, a) for a in range(own.address, own.address + own.count)}
        likely: set[tuple[Table, int]] = set()
        for setting in profile.settings.values():
            width = 2 if setting.type == "float32" else 1
            likely |= {(setting.table, setting.address + place) for place in range(width)}
        points = tuple((point, registers_of(point)) for point in profile.points.values())
        return cls(
            name,
            profile,
            frozenset(sure),
            frozenset(likely - sure),
            points,
            tuple(_reads(profile)),
        )

    def expects(self, block: Block) -> float:
        """The chance that it answers with data."""
        if block not in self._expected:
            self._expected[block] = self._expectation(block)
        return self._expected[block]

    def _expectation(self, block: Block) -> float:
        registers = {(block.table, a) for a in range(block.first, block.first + block.count)}
        if not registers <= self.sure | self.likely or not self._allows(block):
            return 0.1
        return 0.93 if registers <= self.sure else 0.6

    def kind_bits(self, block: Block, kind: Kind) -> float:
        """How well it fits that the read was answered so."""
        chance = self.expects(block)
        if chance < 0.5:
            return _STRANGE[kind]
        return _FITS[kind] if chance > 0.9 else _UNSURE[kind]

    def value_bits(self, words: Words, unit: int, line: Line | None) -> float:
        """How much better than chance it explains the registers that were read."""
        covered: set[tuple[Table, int]] = set()
        bits = 0.0
        for point, at in self.points:
            if covered.isdisjoint(at) and all(register in words for register in at):
                bits += point_gain(point, [words[register] for register in at])
                covered.update(at)
        return bits + sum(self._setting_bits(words, unit, line, covered))

    def prior_bits(self, unit: int, line: Line | None) -> float:
        factory = self.profile.line
        same = line is None or (line.baud, line.parity) == (factory.baud, factory.parity)
        rare = factory.unit == unit and unit > 1
        return (0.0 if same else _LINE) + (_UNIT if rare else 0.0)

    def shows(self, words: Words) -> bool:
        """Whether one of its points, at least, was read."""
        return any(all(register in words for register in at) for _, at in self.points)

    def unread(self, words: Words) -> set[tuple[Table, int]]:
        """Registers of points that have not been seen."""
        return {register for _, at in self.points for register in at if register not in words}

    def _allows(self, block: Block) -> bool:
        limits = self.profile.limits
        if block.bits:
            return block.count <= limits.bits
        aligned = block.first % limits.align == 0 and block.count % limits.align == 0
        return block.count <= limits.registers and aligned

    def _setting_bits(
        self, words: Words, unit: int, line: Line | None, covered: set[tuple[Table, int]]
    ) -> Iterator[float]:
        for name, setting in self.profile.settings.items():
            word = words.get((setting.table, setting.address))
            taken = (setting.table, setting.address) in covered
            if word is None or taken or setting.type == "float32":
                continue
            if name == "unit_id":
                yield setting_gain(setting, word, unit)
            elif name == "baud" and line is not None and setting.values:
                code = (raw for raw, meaning in setting.values.items() if meaning == line.baud)
                yield setting_gain(setting, word, next(code, None))


def registers_of(point: Point) -> tuple[tuple[Table, int], ...]:
    return tuple((point.table, point.address + place) for place in range(point.width))


def _reads(profile: Profile) -> Iterable[Block]:
    """What is worth asking when the device may be of this kind: all points, the registers that
    tell its id and speed, the profile's canary, and one register behind the last."""
    yield from plan(profile, profile.points, _COST)
    for name in ("unit_id", "baud"):
        setting = profile.settings.get(name)
        if setting is not None:
            yield Block(setting.table, setting.address, 2 if setting.type == "float32" else 1)
    if own := profile.canary:
        yield Block(own.table, own.address, own.count)
    for table in READ:
        spans = list(known(profile, table))
        if spans and (behind := spans[-1][1] + 1) <= 0xFFFF:
            yield Block(table, behind, 1)
