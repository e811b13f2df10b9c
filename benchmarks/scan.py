"""Three devices of different families on one wire: are they found, in what bus time, as what?

Twice 20 draws run on a simulated clock: once with the settings that the devices are made with,
once with settings drawn from all that any device is made with; then some on a real, paced
pseudo-terminal; and one beside a running service, whose polling must not wait for longer than a
cycle.
"""

import argparse
import asyncio
import json
import selectors
import sys
import tempfile
from asyncio.subprocess import DEVNULL
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, Literal

from agent import paths
from agent.borrow import borrow
from agent.cli.scan import give_way
from agent.clock import Clock
from agent.contract import Accept, Device, Find, Line, LinkLost, Search, Simulator, Step, Wire
from agent.host import DeviceHost
from agent.status import Board
from agent.wires import Wires, WireSpec
from agent.wires.faults import Faults
from agent.wires.spoken import misheard
from agent.wires.stage import PtyStage
from drivers.modbus.scan import scan, sheets
from drivers.modbus.simulate import simulate

PROFILES = Search([paths.share() / "configs" / "profiles" / "modbus"])
SHEETS = {sheet.name: sheet for sheet in sheets(PROFILES)[0]}
LINES = sorted({sheet.profile.line.line for sheet in SHEETS.values()}, key=repr)
QUICKEST, SLOWEST = 0.004, 0.045  # s until a device answers
READS = frozenset({1, 2, 3, 4, 17, 43})
EVERY = 1.0  # s between the service's polls
GAP = 0.1  # s, as in agent/wires/owner.py


@dataclass(frozen=True)
class Placed:
    profile: str
    unit: int
    line: Line
    delay: float


def draw(seed: int, *, as_made: bool) -> list[Placed]:
    """Three families, ids 1 to 32 or the factory's, the settings that devices are made with."""
    random = Random(seed)
    families: defaultdict[str, list[str]] = defaultdict(list)
    for name, sheet in SHEETS.items():
        families[sheet.profile.family].append(name)
    placed: list[Placed] = []
    for family in random.sample(sorted(families), 3):
        name = random.choice(families[family])
        factory = SHEETS[name].profile.line
        line = factory.line if as_made else random.choice(LINES)
        unit = factory.unit if factory.unit > 32 else random.randint(1, 32)
        while any(one.unit == unit and one.line == line for one in placed):
            unit = random.randint(1, 32)
        placed.append(Placed(name, unit, line, random.uniform(QUICKEST, SLOWEST)))
    return placed


def simulator(one: Placed, number: int) -> Simulator:
    options = {"profile": one.profile, "unit": one.unit}
    device = Device(f"device-{number}", "modbus", 1.0, wire="bus", options=options)
    return simulate([(device, DeviceHost(device, Clock()))], "rtu")


class Leaping(selectors.DefaultSelector):
    """Where the loop would wait, its clock is moved on instead."""

    time = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout:
            self.time += timeout
        return ready


class LeapingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._leaping = Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.time


@dataclass
class MemoryWire:
    """A line with devices that are set to lines of their own; all that is said takes its time."""

    devices: Sequence[tuple[Placed, Simulator]]
    sent: list[bytes] = field(default_factory=list)
    name: str = "bus"
    framing: Literal["rtu", "tcp"] = "rtu"

    @asynccontextmanager
    async def turn(self, line: Line | None = None, guard: float = 0.0) -> AsyncIterator[Any]:
        line = line or Line()
        await asyncio.sleep(max(line.silence, guard))
        yield MemoryTurn(self, line)

    def overhear(self, line: Line | None = None) -> Any:
        raise NotImplementedError


@dataclass
class MemoryTurn:
    wire: MemoryWire
    line: Line

    async def ask(self, request: bytes, accept: Accept, timeout: float) -> bytes:
        self.wire.sent.append(request)
        await asyncio.sleep(len(request) * self.line.character)
        heard = bytearray()
        for delay, answer, own in sorted(self._answers(request), key=lambda said: said[0]):
            if delay > timeout:
                break
            await asyncio.sleep(delay + len(answer) * own.character)
            heard += misheard(answer, own, self.line)
            if accepted := accept(heard):
                return accepted
        await asyncio.sleep(GAP if heard else timeout)
        raise LinkLost("no answer within {timeout:g} s", timeout=timeout)

    def _answers(self, request: bytes) -> list[tuple[float, bytes, Line]]:
        return [
            (max(one.delay, one.line.silence), answer, one.line)
            for one, device in self.wire.devices
            for answer in device.hear(misheard(request, self.line, one.line))
        ]

    async def tell(self, request: bytes) -> None:
        raise AssertionError(f"a scan writes to nobody: {request.hex()}")

    async def listen(self, seconds: float) -> bytes:
        await asyncio.sleep(seconds)
        return b""


@dataclass
class Run:
    placed: Sequence[Placed]
    finds: list[tuple[float, Find]] = field(default_factory=list)
    bus: float = 0.0
    sent: list[bytes] = field(default_factory=list)

    def when(self, one: Placed) -> float | None:
        """s of bus time after which it was found and named; None for never."""
        for bus, find in self.finds:
            names = [match.profile for match in find.matches[: find.tied]]
            same = find.line is not None and find.line.baud == one.line.baud
            if find.address == one.unit and same and one.profile in names:
                return bus
        return None

    def report(self) -> dict[str, Any]:
        times = [self.when(one) for one in self.placed]
        return {
            "devices": [f"{o.profile} id {o.unit} at {o.line.baud} {o.line.parity}"
                        for o in self.placed],
            "found_s": [None if t is None else round(t, 1) for t in times],
            "finds": [f"{find.address}: {find.tied} tied" for _, find in self.finds],
            "bus_s": round(self.bus, 1),
        }  # fmt: skip


async def hunt(wire: Wire, run: Run, now: Callable[[], float]) -> None:
    """Bus time is what the scan says, and the clock agrees with it."""
    began = now()
    async for news in scan(wire, PROFILES):
        if isinstance(news, Step):
            run.bus = news.bus
        else:
            run.finds.append((run.bus, news))
    assert 0.9 * run.bus < now() - began < 1.2 * run.bus + 1.0


def virtual(placed: Sequence[Placed]) -> Run:
    devices = [(one, simulator(one, number)) for number, one in enumerate(placed)]
    run, wire = Run(placed), MemoryWire(devices)
    loop = LeapingLoop()
    try:
        loop.run_until_complete(hunt(wire, run, loop.time))
    finally:
        loop.close()
    run.sent = wire.sent
    return run


async def on_pty(placed: Sequence[Placed]) -> Run:
    run = Run(placed)
    simulators = [simulator(one, number) for number, one in enumerate(placed)]
    lines = {s: one.line for s, one in zip(simulators, placed, strict=True)}
    random = Random(1)
    faults = Faults(delay=lambda: random.uniform(QUICKEST, SLOWEST))
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "bus"
        stage = PtyStage(link, simulators, Line(), faults, lines)
        async with stage, Wires([WireSpec("bus", port=str(link))], Board()) as wires:
            wires.taps("bus").add(lambda way, data: run.sent.append(data) if way == "tx" else None)
            await hunt(wires.wire("bus"), run, asyncio.get_running_loop().time)
    return run


async def beside_service() -> dict[str, Any]:
    """How long the service's polls kept a device waiting while a scan went on, against how often
    they were due. s."""
    polled = ["xy-md02", "renke-soil-7in1", "eastron-sdm120"]
    watch = Watch([(name, unit) for unit, name in enumerate(polled, 1)])
    stranger = Placed("peacefair-pzem-016", 20, Line(), 0.02)
    with tempfile.TemporaryDirectory() as name:
        folder, faults = Path(name), Faults(delay=0.02)
        (folder / "gateway.yaml").write_text(watch.configuration(folder))
        devices = [watch, simulator(stranger, 9)]
        async with PtyStage(folder / "bus", devices, Line(), faults):
            command = [sys.executable, "-m", "agent", "run", "--config", folder / "gateway.yaml"]
            service = await asyncio.create_subprocess_exec(*map(str, command), stderr=DEVNULL)
            try:
                await watch.polling.wait()
                found = await watch.scanned(folder)
            finally:
                service.terminate()
                await service.wait()
    return {
        "found": found,
        "every_s": EVERY,
        "longest_wait_s": round(watch.longest(), 3),
        "without_scan_s": round(watch.longest(before=True), 3),
    }


class Watch:
    """The service's devices, and when each was polled."""

    def __init__(self, devices: Sequence[tuple[str, int]]) -> None:
        self.devices = devices
        self.polls: dict[int, list[float]] = {unit: [] for _, unit in devices}
        self._inner = [simulator(Placed(p, u, Line(), 0.0), u) for p, u in devices]
        self.polling = asyncio.Event()
        self._began: float | None = None

    def hear(self, data: bytes) -> Sequence[bytes]:
        if data[0] in self.polls:
            self.polls[data[0]].append(asyncio.get_running_loop().time())
            if min(map(len, self.polls.values())) == 8:
                self.polling.set()
        return [answer for device in self._inner for answer in device.hear(data)]

    def configuration(self, folder: Path) -> str:
        entries = [
            f"  - {{id: d{unit}, driver: modbus, wire: bus, profile: {profile}, unit: {unit}, "
            f"every: {EVERY}s, line: {{baud: 9600}}}}\n"
            for profile, unit in self.devices
        ]
        return (
            f"gateway: {{id: bench}}\nstore: {{path: {folder}/store, max_size: 50MB}}\n"
            f"control: {{socket: {folder}/s}}\nmetrics: {{listen: null}}\n"
            f"wires: {{bus: {{port: {folder}/bus, baud: 9600}}}}\ndevices:\n" + "".join(entries)
        )

    async def scanned(self, folder: Path) -> list[int | str | None]:
        """Other ids than those of the service's devices, as `fieldgate scan` does it."""
        self._began = asyncio.get_running_loop().time()
        spec = WireSpec("mine", port=str(folder / "bus"))
        found, bus = [], 0.0
        async with borrow(spec, folder / "s") as lent:
            assert lent.shared
            search = Search(PROFILES.profiles, ids=range(4, 33), line=lent.line)
            async for news in scan(lent.wire, search):
                if isinstance(news, Find):
                    found.append(news.address)
                else:
                    await asyncio.sleep(give_way(news.bus - bus))
                    bus = news.bus
        return found

    def longest(self, *, before: bool = False) -> float:
        """s between two polls of one device during the scan, or before it."""
        border = self._began or 0.0
        parts = [[t for t in times if (t < border) == before] for times in self.polls.values()]
        return max(later - one for times in parts for one, later in pairwise(times))


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--pty", type=int, default=2, help="so many draws on a real pty")
    args = parser.parse_args(words)
    goals = [
        conclude(f"settings {'as made' if as_made else 'at random'}, simulated clock",
                 [virtual(draw(seed, as_made=as_made)) for seed in range(args.seeds)])
        for as_made in (True, False)
    ]  # fmt: skip
    if args.pty:
        runs = [asyncio.run(on_pty(draw(s, as_made=s % 2 == 0))) for s in range(args.pty)]
        goals.append(conclude("paced pty", runs))
        beside = asyncio.run(beside_service())
        wait = beside["longest_wait_s"]
        goals.append(wait <= 2 * EVERY and beside["found"] == [20])
        bench = "scan: longest wait for a poll of the service, s"
        print(json.dumps({"bench": bench, "value": wait, "goal": f"<= {2 * EVERY}",
                          "ok": goals[-1], **beside}))  # fmt: skip
    return 0 if all(goals) else 1


def conclude(how: str, runs: Sequence[Run]) -> bool:
    """Prints the draws, and the worst of them."""
    for run in runs:
        print(run.report(), flush=True)
    times = [run.when(one) for run in runs for one in run.placed]
    named = [time for time in times if time is not None]
    worst = max(named, default=0.0)
    reads = all(frame[1] in READS for run in runs for frame in run.sent)
    extra = sum(len(run.finds) for run in runs) - len(named)
    good = len(named) == len(times) and worst <= 60 and reads and not extra
    bench = f"scan: bus time until the last of three devices is named, s ({how})"
    print(json.dumps({"bench": bench, "value": round(worst, 1), "goal": "<= 60", "ok": good,
                      "named": f"{len(named)} of {len(times)}", "only_reads": reads,
                      "false_finds": extra,
                      "whole_scan_s": round(max(run.bus for run in runs), 1)}))  # fmt: skip
    return good


if __name__ == "__main__":
    sys.exit(main())
