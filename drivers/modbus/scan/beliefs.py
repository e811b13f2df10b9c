"""What is known of one device that answers, and which profiles it may be. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from agent.contract import Line
from drivers.modbus.planner import Block
from drivers.modbus.profile import Table
from drivers.modbus.scan.sheet import Kind, Sheet

HOPELESS = 40.0  # bits behind the best: not looked at any more
_NEWS = 0.12  # worth of a register not yet seen, in bits
_ENOUGH = 0.04  # bits that a further read must bring


@dataclass(slots=True)
class Beliefs:
    """`kinds`: how each read was answered. `words`: all registers, and coils, that were seen."""

    unit: int
    line: Line | None
    sheets: Sequence[Sheet]
    kinds: dict[Block, Kind] = field(default_factory=dict)
    words: dict[tuple[Table, int], int] = field(default_factory=dict)
    evidence: dict[str, float] = field(default_factory=dict)  # bits, by the profile's name
    stranger: float = 0.0
    """Bits of the best explanation without a profile."""

    def learn(self, block: Block, kind: Kind, data: bytes) -> None:
        """`data` of another length than asked for counts as an answer without registers."""
        self.kinds[block] = kind
        if kind == "data" and len(data) == block.size:
            self.words.update(_words(block, data))
        self._weigh()

    def _weigh(self) -> None:
        bits = {sheet.name: self._bits(sheet) for sheet in self.sheets}
        best = max(bits.values(), default=0.0)
        self.sheets = [s for s in self.sheets if bits[s.name] > best - HOPELESS]
        self.evidence = {s.name: bits[s.name] for s in self.sheets}
        self.stranger = -1.0 * len(self.kinds)

    def _bits(self, sheet: Sheet) -> float:
        kinds = sum(sheet.kind_bits(block, kind) for block, kind in self.kinds.items())
        return kinds + sheet.value_bits(self.words, self.unit, self.line)

    @property
    def plausible(self) -> dict[str, float]:
        """By the profile's name, the best first; what is missing to 1 belongs to none of them."""
        bits = {s.name: self.evidence[s.name] + s.prior_bits(self.unit, self.line)
                for s in self.sheets}  # fmt: skip
        top = max([*bits.values(), self.stranger])
        weights = {name: 2.0 ** (b - top) for name, b in bits.items()}
        total = sum(weights.values()) + 2.0 ** (self.stranger - top)
        return {
            name: weight / total
            for name, weight in sorted(weights.items(), key=lambda item: -item[1])
        }

    def next_read(self) -> Block | None:
        """The read from whose answer most can be learnt; None when none is worth its time."""
        chances = self.plausible
        live = [sheet for sheet in self.sheets if chances[sheet.name] > 0.002]
        unread = {sheet.name: sheet.unread(self.words) for sheet in live}
        blocks = {block for sheet in live for block in sheet.reads if block not in self.kinds}
        worth = {block: _worth(block, live, chances, unread) for block in blocks}
        best = max(worth, key=lambda b: (worth[b], -b.count, b.table, -b.first), default=None)
        return best if best is not None and worth[best] > _ENOUGH else None


def _worth(
    block: Block,
    live: Iterable[Sheet],
    chances: Mapping[str, float],
    unread: Mapping[str, set[tuple[Table, int]]],
) -> float:
    """Bits: what the answer's being data or a refusal would tell, and registers not yet seen."""
    covers = _covers(block)
    expected = total = doubt = news = 0.0
    for sheet in live:
        chance, answered = chances[sheet.name], sheet.expects(block)
        total += chance
        expected += chance * answered
        doubt += chance * _entropy(answered)
        if answered > 0.5:
            news += chance * min(1.0, _NEWS * len(covers & unread[sheet.name]))
    return _entropy(expected / total) - doubt / total + news


@lru_cache(maxsize=1024)
def _entropy(chance: float) -> float:
    """Bits of a yes or no."""
    return -sum(p * math.log2(p) for p in (chance, 1 - chance) if p > 0)


def _covers(block: Block) -> set[tuple[Table, int]]:
    return {(block.table, address) for address in range(block.first, block.first + block.count)}


def _words(block: Block, data: bytes) -> dict[tuple[Table, int], int]:
    if block.bits:
        found = [data[place >> 3] >> (place & 7) & 1 for place in range(block.count)]
    else:
        found = [int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2)]
    return {(block.table, block.first + place): word for place, word in enumerate(found)}
