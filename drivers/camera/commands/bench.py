"""`fieldgate vision bench`: the speed of each model on this device; chooses 32 or 8 bits."""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.contract import Tools
from drivers.camera.model_store import EIGHT_BITS, TASKS, ModelStore, model_of
from drivers.camera.vision.card import read_card

QUICKER = 0.9  # 8 bits are chosen when they take at most this share of the time
LONGEST = 300.0  # s that one model may take


@dataclass(frozen=True, slots=True)
class Bench:
    """`problem`: why there are no figures."""

    task: str
    folder: Path
    precision: str
    figures: dict[str, Any]
    problem: str = ""

    @property
    def ms(self) -> float:
        return float(self.figures["ms"]) if self.figures else float("inf")


def run(args: argparse.Namespace, tools: Tools) -> int:
    """1 when a model of those in use could not be measured."""
    failed = False
    rows = [[tools.say("task"), tools.say("bits"), tools.say("input"), "ms", tools.say("quickest"),
             tools.say("a second"), "MB", tools.say("use")]]  # fmt: skip
    for task in TASKS:
        store = ModelStore(args.store / "models" / task, tools.shipped(task))
        in_use = store.current()
        if in_use is None:
            continue
        found = [measure(task, folder, args.seconds) for folder in variants(in_use)]
        best = chosen(found)
        failed = failed or best is None
        if best is not None and not args.dry:
            store.use(best.folder)
        used = in_use if args.dry or best is None else best.folder
        for one in found:
            told = _plain(one, used)
            if args.json:
                print(json.dumps(told, ensure_ascii=False), flush=True)
            else:
                rows.append(_row(one, used, tools))
    if not args.json:
        print("\n".join(tools.table(rows)))
    return 1 if failed else 0


def variants(folder: Path) -> list[Path]:
    """Of the model in use: in 32 bits, and in 8 where there is one."""
    whole = model_of(folder)
    return [f for f in (whole, whole / EIGHT_BITS) if (f / "card.yaml").is_file()]


def chosen(found: Sequence[Bench]) -> Bench | None:
    """8 bits only where they gain something: they lose a little accuracy."""
    sound = [one for one in found if one.figures]
    if not sound:
        return None
    first = sound[0]
    return next((one for one in sound[1:] if one.ms <= QUICKER * first.ms), first)


def measure(task: str, folder: Path, seconds: float) -> Bench:
    """In a process of its own."""
    precision = str(read_card(folder / "card.yaml").about.get("precision", "?"))
    words = [sys.executable, "-I", "-m", "drivers.camera.commands.benching", str(folder),
             str(seconds)]  # fmt: skip
    try:
        done = subprocess.run(  # noqa: S603  our own module, no shell
            words, capture_output=True, text=True, timeout=LONGEST + seconds, check=False
        )
        figures = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return Bench(task, folder, precision, {}, "it did not end")
    except (ValueError, IndexError):
        return Bench(task, folder, precision, {}, f"its process ended with {done.returncode}")
    if "refused" in figures:
        return Bench(task, folder, precision, {}, figures["refused"])
    return Bench(task, folder, precision, figures)


def _plain(one: Bench, used: Path) -> dict[str, Any]:
    per_second = round(1000 / one.ms, 1) if one.figures else None
    return {
        "task": one.task, "precision": one.precision, "folder": str(one.folder), **one.figures,
        "per_second": per_second, "used": one.folder == used, "problem": one.problem,
    }  # fmt: skip


def _row(one: Bench, used: Path, tools: Tools) -> list[str]:
    use = tools.say("in use") if one.folder == used else "-"
    if one.problem:
        print(one.problem, file=sys.stderr)
        return [one.task, one.precision, "-", "-", "-", "-", "-", use]
    figures = one.figures
    return [
        one.task, one.precision, figures["input"], f"{one.ms:.2f}", f"{figures['ms_quickest']:.2f}",
        f"{1000 / one.ms:.0f}", str(figures["memory"]), use,
    ]  # fmt: skip
