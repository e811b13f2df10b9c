"""What the view guard does when something happens to a camera over a parking lot.

    python benchmarks/view_guard.py [--real] [--scenes N] [FAULT…]
    python benchmarks/view_guard.py --days N

Each fault begins after 40 s of the picture as it is and lasts 34 s. By default the frames go
through the camera's work at once, on a clock of their own; `--real`: through the driver and its
process, in real time, from a folder that pictures are put into. A line of JSON each.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support_faults import FAULTS
from tests.support_lot import Course, Scene, Told, at_once, days, really, scenes, through


def result(one: Scene, name: str, told: Told) -> dict[str, Any]:
    lost = [(round(at, 1), why) for at, kind, why in told.events if kind == "view.lost"]
    false = [space for at, space in told.free if 0 <= at < Course.bad + 1 and space in one.taken]
    before = [space for at, space in told.free if at < 0 and space in one.taken]
    return {
        "fault": name,
        "scene": one.name,
        "lost": lost,
        "back": [round(at - Course.bad, 1) for at, kind, _ in told.events if kind == "view.back"],
        "taken": len(one.taken),
        "false_free": len(false),
        "false_free_before": len(before),
    }


def slept(seed: int, hold: float = 30.0) -> dict[str, Any]:
    """All pictures of the lot, in some order: other days, hours, weather, other cars."""
    order = scenes()
    random.Random(seed).shuffle(order)
    told = through(order[0], days(order, hold))
    lost = [(round(at, 1), why) for at, kind, why in told.events if kind == "view.lost"]
    return {"order": seed, "changes": len(order) - 1, "lost": lost}


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faults", nargs="*", default=[*FAULTS, "nothing"])
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--scenes", type=int, default=4, help="how many pictures of the lot")
    parser.add_argument("--days", type=int, default=0, help="no faults: all pictures, so often")
    args = parser.parse_args()
    for seed in range(args.days):
        print(json.dumps(slept(seed)), flush=True)
    if args.days:
        return
    chosen = sorted(scenes(), key=lambda one: -len(one.taken))
    chosen = chosen[:: max(1, 16 // args.scenes)][: args.scenes]
    for name in args.faults:
        if args.real:
            with tempfile.TemporaryDirectory() as folder:
                told = await asyncio.gather(
                    *(really(one, name, Path(folder) / one.name) for one in chosen)
                )
        else:
            told = [at_once(one, name) for one in chosen]
        for one, heard in zip(chosen, told, strict=True):
            print(json.dumps(result(one, name, heard), ensure_ascii=False), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
