"""How far planned reads are from the cheapest possible ones, and what planning gains.

The optimum is found by another way than the planner's: a search over sets of points that are not
yet covered, through every legal read that covers the first of them, whatever its start and length.
Layouts: every shipped profile, and those that ceilings were measured with, at four speeds and with
a quick and a slow device.
"""

import argparse
import heapq
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agent.contract import Line
from agent.paths import share
from drivers.modbus.planner import READ, Block, Cost, known, plan
from drivers.modbus.profile import Limits, Point, Profile, Table, load_profile

GOAL, GAIN = 1.05, 3.0
SPEEDS, LATENCIES = (4800, 9600, 19200, 115200), (0.0, 0.02)
LAYOUTS: dict[str, tuple[list[int], list[tuple[int, int]]]] = {
    "contiguous 0-6": ([*range(7)], []),
    "0-3 + 30-32": ([0, 1, 2, 3, 30, 31, 32], [(0, 32)]),
    "6, 18, 19, 21, 30-32": ([6, 18, 19, 21, 30, 31, 32], [(6, 32)]),
    "sparse 500-513": ([500, 501, 502, 503, 505, 506, 509, 511, 513], [(500, 513)]),
}


def layout(addresses: list[int], extents: list[tuple[int, int]]) -> Profile:
    head: dict[str, Any] = {"title": "t", "family": "soil", "source": ["s"], "confidence": "high"}
    points = {
        f"p{a}": {"table": "holding", "address": a, "type": "uint16", "unit": "1"}
        for a in addresses
    }
    readable = [{"table": "holding", "first": a, "last": b} for a, b in extents]
    return Profile(**head, points=points, readable=readable)


def legal(profile: Profile, table: Table, point: Point) -> Iterator[Block]:
    """Every read that holds the point."""
    limits: Limits = profile.limits
    bits = table in {"coil", "discrete"}
    longest, step = (limits.bits, 1) if bits else (limits.registers, limits.align)
    last = point.address + point.width - 1
    for low, high in known(profile, table):
        if not low <= point.address <= last <= high:
            continue
        for first in range(max(low, last - longest + 1), point.address + 1):
            for end in range(last, min(high, first + longest - 1) + 1):
                if first % step == 0 and (end - first + 1) % step == 0:
                    yield Block(table, first, end - first + 1)


def useful(blocks: Sequence[Block], points: Sequence[Point]) -> list[tuple[Block, frozenset[int]]]:
    """The shortest read of those that hold the same points, which is the cheapest of them."""
    best: dict[frozenset[int], Block] = {}
    for block in blocks:
        held = frozenset(i for i, point in enumerate(points) if block.holds(point))
        if held not in best or block.size < best[held].size:
            best[held] = block
    return [(block, held) for held, block in best.items()]


def optimum(profile: Profile, table: Table, cost: Cost) -> float:
    points = sorted(
        (p for p in profile.points.values() if p.table == table), key=lambda p: p.address
    )
    options = [useful(list(legal(profile, table, point)), points) for point in points]
    order = itertools.count()
    queue = [(0.0, next(order), frozenset(range(len(points))))]
    done: set[frozenset[int]] = set()
    while True:
        seconds, _, left = heapq.heappop(queue)
        if not left:
            return seconds
        if left in done:
            continue
        done.add(left)
        for block, held in options[min(left)]:
            heapq.heappush(queue, (seconds + cost.of(block), next(order), left - held))


def seconds(blocks: Sequence[Block], cost: Cost) -> float:
    return sum(cost.of(block) for block in blocks)


def report(bench: str, value: float, goal: float, *, ok: bool, **more: object) -> None:
    print(
        json.dumps(
            {"bench": f"planner: {bench}", "value": round(value, 3), "goal": goal, "ok": ok} | more
        )
    )


def shipped(folder: Path) -> dict[str, Profile]:
    return {file.stem: load_profile(file) for file in sorted(folder.glob("*.yaml"))}


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    layouts = {name: layout(*what) for name, what in LAYOUTS.items()}
    profiles = layouts | shipped(share() / "configs" / "profiles" / "modbus")
    ratios = {}
    for name, profile in profiles.items():
        for baud, latency in itertools.product(SPEEDS, LATENCIES):
            cost = Cost.on_line(Line(baud), latency, guard=0.0)
            planned = seconds(plan(profile, profile.points, cost), cost)
            best = sum(optimum(profile, table, cost) for table in READ)
            ratios[name, baud, latency] = planned / best
    worst = max(ratios, key=lambda key: ratios[key])
    report(
        f"bus time / optimum, worst of {len(ratios)}", ratios[worst], GOAL,
        ok=ratios[worst] <= GOAL, layout=worst[0], baud=worst[1],
    )  # fmt: skip
    cost = Cost.on_line(Line(9600), 0.02, guard=0.0)
    gains = {
        name: sum(cost.of(Block(p.table, p.address, p.width)) for p in profile.points.values())
        / seconds(plan(profile, profile.points, cost), cost)
        for name, profile in layouts.items()
    }
    least = min(gains, key=lambda name: gains[name])
    report(
        "bus time of one read per point / planned, least of the measured layouts", gains[least],
        GAIN, ok=gains[least] >= GAIN, layout=least,
    )  # fmt: skip


if __name__ == "__main__":
    main()
