"""A device that no profile describes: what there is to read, and what it may mean."""

import math
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from agent.contract import Find, Remark
from drivers.modbus.planner import Block
from drivers.modbus.profile import Table
from drivers.modbus.scan.asking import Outcome

_TABLES: tuple[Table, ...] = ("holding", "input")
_STEP, _FAR = 8, 64  # registers in one read; how far is looked
_PAIRS = 2  # of registers that look like floats, at least: one is chance
_ORDERS = {  # as a profile says it -> where the bytes stand, most significant first
    "words: high_first": (0, 1, 2, 3),
    "words: low_first": (2, 3, 0, 1),
    "words: high_first, bytes: low_first": (1, 0, 3, 2),
    "words: low_first, bytes: low_first": (3, 2, 1, 0),
}

Words = Mapping[tuple[Table, int], int]


async def explore(
    read: Callable[[Block], Awaitable[Outcome]],
) -> AsyncIterator[tuple[Block, Outcome]]:
    """Reads the first registers of both tables; one by one where many are refused together."""
    for table in _TABLES:
        for first in range(0, _FAR, _STEP):
            block = Block(table, first, _STEP)
            outcome = await read(block)
            yield block, outcome
            if outcome.kind != "data":
                async for one in _one_by_one(table, first, read):
                    yield one


async def _one_by_one(
    table: Table, first: int, read: Callable[[Block], Awaitable[Outcome]]
) -> AsyncIterator[tuple[Block, Outcome]]:
    """Up to the end of what is there; where nothing is at the first two, nothing is looked for."""
    answered = refused = 0
    for place in range(_STEP):
        block = Block(table, first + place, 1)
        outcome = await read(block)
        yield block, outcome
        answered += outcome.kind == "data"
        refused += outcome.kind != "data"
        if refused and (answered or refused > 1):
            return


def guesses(find: Find, words: Words, identity: Sequence[str]) -> Find:
    remarks = [*find.remarks, *(Remark("identity", {"text": text}) for text in identity)]
    order = float_order(words)
    if order:
        remarks.append(Remark("byte_order", {"order": order}))
    return replace(find, remarks=tuple(remarks), draft=tuple(draft(words, order)))


def float_order(words: Words) -> str:
    """The order in which most pairs of registers are numbers that sensors show; "" for none."""
    pairs = _pairs(words)
    likely = {
        name: sum(_sensible(pair, order) for pair in pairs) for name, order in _ORDERS.items()
    }
    best = max(likely, key=lambda name: likely[name])
    zeros = sum(not any(pair) for pair in pairs)
    clear = list(likely.values()).count(likely[best]) == 1
    most = likely[best] >= max(_PAIRS, (len(pairs) - zeros) / 2)
    return best if clear and most else ""


def _pairs(words: Words) -> list[bytes]:
    """Two registers each, from even addresses on: where the floats of most makers stand."""
    return [
        struct.pack(">2H", word, words[table, address + 1])
        for (table, address), word in sorted(words.items())
        if table in _TABLES and address % 2 == 0 and (table, address + 1) in words
    ]


def _sensible(pair: bytes, order: Sequence[int]) -> bool:
    (value,) = struct.unpack(">f", bytes(pair[place] for place in order))
    return math.isfinite(value) and 1e-3 <= abs(value) <= 1e6


def draft(words: Words, order: str) -> list[str]:
    """Lines of a profile that reads everything that is there."""
    present = sorted(key for key in words if key[0] in _TABLES)
    lines = [
        "title: unknown device",
        'source: "unknown: put the manual and its table here"',
        "points:",
    ]
    for _, run in groupby(enumerate(present), lambda item: (item[1][0], item[1][1] - item[0])):
        registers = [key for _, key in run]
        lines += _floats(registers, words, order) if order else _integers(registers, words)
    return lines if present else []


def _floats(registers: Sequence[tuple[Table, int]], words: Words, order: str) -> list[str]:
    return [
        f"  {table}_{at}: {{table: {table}, address: {at}, type: float32, unit: '1', {order}}}"
        f"  # {_float_at(table, at, words, order):.6g}"
        for table, at in registers
        if at % 2 == 0 and (table, at + 1) in words
    ]


def _float_at(table: Table, at: int, words: Words, order: str) -> float:
    pair = struct.pack(">2H", words[table, at], words[table, at + 1])
    (value,) = struct.unpack(">f", bytes(pair[place] for place in _ORDERS[order]))
    return float(value)


def _integers(registers: Sequence[tuple[Table, int]], words: Words) -> list[str]:
    return [
        f"  {table}_{at}: {{table: {table}, address: {at}, type: int16, unit: '1'}}"
        f"  # {_readings(words[table, at])}"
        for table, at in registers
    ]


def _readings(word: int) -> str:
    """As it stands there, then with the most frequent scales, 0.1 and 0.01."""
    signed = word - 0x10000 if word & 0x8000 else word
    if not 10 <= abs(signed) <= 10000:
        return str(signed)
    return f"{signed}, {signed / 10:g}, {signed / 100:g}"
