"""`python -m drivers.camera.commands.benching FOLDER SECONDS`: one model, in a process of its own,
so that its memory is its own and a crash of the runtime is no crash of the command."""

import json
import resource
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from agent.contract import Misconfigured
from drivers.camera.eyes import SIZE
from drivers.camera.vision.runner import Model, load

WARM = 3  # runs that do not count
SPACES = 32  # patches in one run of the occupancy net
LEAST = 5  # runs, however long they take


def measured(model: Model, seconds: float) -> dict[str, Any]:
    """`ms` an image: the middle and the quickest run; `memory`: MB of the whole process at most."""
    card = model.card
    size = int(card.options.get("size", SIZE))
    channels = card.input.shape[1] or 3
    count = SPACES if card.task == "occupancy" and card.input.shape[0] is None else 1
    shape = (count, channels, card.size[1] or size, card.size[0] or size)
    batch = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    for _ in range(WARM):
        model.run(batch)
    took: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(took) < LEAST:
        begun = time.perf_counter()
        model.run(batch)
        took.append((time.perf_counter() - begun) / count * 1000)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return {
        "ms": round(median(took), 3),
        "ms_quickest": round(min(took), 3),
        "memory": round(memory),
        "input": f"{shape[3]}x{shape[2]}",
    }


def main() -> None:
    folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
    try:
        told = measured(load(folder), seconds)
    except Misconfigured as error:
        told = {"refused": str(error)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
