"""What a magnetometer sample costs the detector, in microseconds and against an empty loop.

The samples are a busy bay's: a car every three minutes, each with its wave. The empty loop adds
three floats per sample; the ratio says how the detector would do on a slower processor.
"""

import json
import random
import statistics
import time
from collections.abc import Callable, Sequence

from agent.parking import Detector

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
    ours, loops = [], []
    for _ in range(RUNS):
        ours.append(cost(detect, samples))
        loops.append(cost(empty, samples))
    spent = statistics.median(ours)
    report = {
        "bench": "parking: CPU per magnetometer sample, us",
        "value": round(spent, 2),
        "goal": GOAL,
        "ok": spent <= GOAL,
        "empty_loops": round(spent / statistics.median(loops), 1),
        "changes": changes,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
