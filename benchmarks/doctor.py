"""`fieldgate doctor bus` on random wires with one thing wrong: is it among the causes it names?

Profiles, ids, speeds, parities, numbers of devices and the details of each fault are drawn at
random; the wires are pseudo-terminals at their real speed. Prints a table of what was named first,
second and third, and what was named instead.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random

from agent.doctor.causes import Ill, Judgement
from agent.doctor.gather import Plan
from agent.doctor.judge import judge
from benchmarks._doctor_cases import KINDS, healthy, measured

GOAL = 0.95


@dataclass(frozen=True)
class Outcome:
    kind: str
    seed: str
    truth: Ill | None
    judgement: Judgement
    seconds: float

    @property
    def named(self) -> list[Ill]:
        return [cause.ill for cause in self.judgement.causes]

    @property
    def right(self) -> bool:
        return self.judgement.well if self.truth is None else self.truth in self.named

    @property
    def certain(self) -> bool:
        """Whether it claims to know, which is wrong even when it is right."""
        return any(not 0 < cause.confidence < 1 for cause in self.judgement.causes)


@dataclass(frozen=True)
class Way:
    folder: Path
    room: asyncio.Semaphore
    shared: bool


async def examined(kind: str, seed: str, way: Way) -> Outcome:
    ail, truth = KINDS[kind]
    case = healthy(Random(seed))
    ail(case)
    port = way.folder / seed.replace(" ", "-").replace("/", "-")
    async with way.room:
        began = time.monotonic()
        evidence = await measured(case, port, Plan(speeds=not way.shared), shared=way.shared)
    return Outcome(kind, seed, truth, judge(evidence), time.monotonic() - began)


async def campaign(args: argparse.Namespace) -> list[Outcome]:
    threads = ThreadPoolExecutor(2 * args.at_once)  # a borrowed wire waits in one of its own
    asyncio.get_running_loop().set_default_executor(threads)
    with tempfile.TemporaryDirectory() as folder:
        way = Way(Path(folder), asyncio.Semaphore(args.at_once), args.shared)
        work = [
            examined(kind, f"{args.seed} {kind} {number}", way)
            for number in range(args.cases)
            for kind in args.kinds
        ]
        return list(await asyncio.gather(*work))


def table(outcomes: list[Outcome]) -> None:
    by_kind: defaultdict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_kind[outcome.kind].append(outcome)
    print(f"{'fault':<18}{'cases':>6}{'1st':>5}{'2nd':>5}{'3rd':>5}{'not':>5}  s   named first")
    for kind, all_of_it in by_kind.items():
        places = Counter(_place(o) for o in all_of_it)
        first = Counter(o.named[0].value if o.named else "well" for o in all_of_it)
        seconds = sum(o.seconds for o in all_of_it) / len(all_of_it)
        counts = "".join(f"{places[place]:>5}" for place in (1, 2, 3, 0))
        heads = ", ".join(f"{name} {count}" for name, count in first.most_common(4))
        print(f"{kind:<18}{len(all_of_it):>6}{counts}{seconds:>5.1f}  {heads}")


def _place(outcome: Outcome) -> int:
    """1, 2, 3; 0 where the truth was not named."""
    if outcome.truth is None:
        return 1 if outcome.right else 0
    return outcome.named.index(outcome.truth) + 1 if outcome.right else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20, help="of each kind")
    parser.add_argument("--kinds", nargs="*", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=24, help="wires examined side by side")
    parser.add_argument("--shared", action="store_true", help="through a service's socket")
    args = parser.parse_args()
    outcomes = asyncio.run(campaign(args))
    wrong = [o for o in outcomes if not o.right]
    share = 1 - len(wrong) / len(outcomes)
    certain = sum(o.certain for o in outcomes)
    table(outcomes)
    for outcome in wrong:
        print(f"not named: {outcome.seed}: {', '.join(outcome.named) or 'well'}")
    ok = share >= GOAL and not certain
    named = {"bench": "doctor: the true cause is among the three named", "unit": "share"}
    print(
        json.dumps(
            {
                **named,
                "value": round(share, 4),
                "goal": f">= {GOAL}",
                "ok": ok,
                "cases": len(outcomes),
                "claimed certain": certain,
                "seed": args.seed,
            }
        )
    )
    return 0 if ok else 1


if __name__ == "__main__":
    raise SystemExit(main())
