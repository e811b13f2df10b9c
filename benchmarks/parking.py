"""What a magnetometer sample costs, in microseconds and against an empty loop.

The samples are a busy bay's: a car every three minutes, each with its wave. First the detector
alone, then the stage that the service has it in: three readings go in, are passed on, and become
records of the space. The empty loop adds three floats per sample; the ratio says how it would do on
a slower processor.
"""

import asyncio
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence

from agent.clock import Clock
from agent.config.parking import SpaceSettings
from agent.config.places import place_of
from agent.contract import Device, Event, Instant, PointInfo, Reading, Record
from agent.parking import Detector, Parking
from agent.status import Board

RATE = 5.0  # Hz
SAMPLES, RUNS = 40_000, 9
GOAL = 20.0  # us per sample, at most
Sample = tuple[float, float, float, float]


def bay() -> list[Sample]:
    """Noise of 0.4 uT; a car of 34 uT for 90 s of every 180 s, after a wave of 4 s."""
    luck = random.Random(1)
    samples = []
    for i in range(SAMPLES):
        t = i / RATE
        phase = (t + 90) % 180
        size = 1.0 if phase < 90 else 0.0
        wave = 60.0 if phase % 90 < 4 and i > RATE * 60 else 0.0
        x, y, z = (c * size + wave * luck.uniform(-1, 1) + luck.gauss(0, 0.4) for c in (12, -14, 8))
        samples.append((t, x, y + 34.5, z - 36.0))
    return samples


def empty(samples: Sequence[Sample]) -> None:
    a = b = c = 0.0
    for _, x, y, z in samples:
        a += x
        b += y
        c += z


def detect(samples: Sequence[Sample]) -> int:
    feed = Detector().feed
    return sum(feed(t, x, y, z) is not None for t, x, y, z in samples)


class Away:
    """A sink that only counts events."""

    def __init__(self) -> None:
        self.events = 0

    async def put(self, records: Sequence[Record]) -> None:
        if len(records) != 3:
            self.events += sum(isinstance(record, Event) for record in records)

    async def flush(self) -> None:
        """Nothing is kept."""


def polls(samples: Sequence[Sample]) -> list[list[Reading]]:
    """As a driver gives them."""
    found = []
    for t, *axes in samples:
        at = Instant("boot", round(t * 1e9) + 10**9, round(t * 1e9), trusted=True)
        found.append(
            [Reading("m", f"magnetic_{a}", v, "uT", at) for a, v in zip("xyz", axes, strict=True)]
        )
    return found


async def staged(given: Sequence[Sequence[Reading]]) -> tuple[float, int]:
    """us of CPU per sample, and how many events came of them."""
    points = [PointInfo(f"magnetic_{axis}", "uT") for axis in "xyz"]
    sensor = Device("m", "modbus", 1 / RATE)
    place = place_of("a-1", SpaceSettings(device="m"), sensor, points, streaming=False)
    sink = Away()
    parking = Parking(sink, Clock(), Board())
    parking.arrange([place])
    running = asyncio.create_task(parking.run())
    await asyncio.sleep(0.05)
    begin = time.process_time()
    for poll in given:
        await parking.put(poll)
    spent = time.process_time() - begin
    await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.wait([running])
    return spent / len(given) * 1e6, sink.events


def cost(what: Callable[[Sequence[Sample]], object], samples: Sequence[Sample]) -> float:
    """us of CPU per sample."""
    begin = time.process_time()
    what(samples)
    return (time.process_time() - begin) / len(samples) * 1e6


def main() -> None:
    samples = bay()
    changes = detect(samples)
    if changes < SAMPLES / RATE / 90 - 2:
        raise SystemExit(f"only {changes} changes: this is no busy bay")
    given = polls(samples)
    ours, stages, loops = [], [], []
    for _ in range(RUNS):
        ours.append(cost(detect, samples))
        spent, events = asyncio.run(staged(given))
        if events < changes:
            raise SystemExit(f"{changes} changes, but {events} events")
        stages.append(spent)
        loops.append(cost(empty, samples))
    report("CPU per magnetometer sample", ours, loops, changes)
    report("the same in the service's stage", stages, loops, changes)


def report(what: str, spent: Sequence[float], loops: Sequence[float], changes: int) -> None:
    value, loop = statistics.median(spent), statistics.median(loops)
    line = {
        "bench": f"parking: {what}, us",
        "value": round(value, 2),
        "goal": GOAL,
        "ok": value <= GOAL,
        "empty_loops": round(value / loop, 1),
        "changes": changes,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
