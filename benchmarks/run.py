"""Runs every benchmark of this folder, one after the other, and shows what came out.

A benchmark is a program that prints JSON objects, one a line, {"bench": "file: what", "value",
"goal", "ok", …}; what it prints besides is passed on. Words on the command line choose some.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
Result = dict[str, Any]
KNOWN = {"bench", "value", "goal", "ok"}


def programs(names: Sequence[str]) -> list[Path]:
    """Files whose name begins with _ are parts of others."""
    found = [f for f in sorted(HERE.glob("*.py")) if f.name[0] != "_" and f != Path(__file__)]
    return [f for f in found if not names or f.stem in names]


def results(program: Path) -> Iterator[Result]:
    """As they come; one more that is not ok when the program fails or says nothing."""
    command = [sys.executable, str(program)]
    said = 0
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout or ():
            result = parsed(line)
            if result is None:
                print(line, end="", flush=True)
            else:
                said += 1
                yield result
    if running.returncode or not said:
        yield {"bench": f"{program.stem}: exit code {running.returncode}", "ok": False}


def parsed(line: str) -> Result | None:
    try:
        result = json.loads(line)
    except ValueError:
        return None
    return result if isinstance(result, dict) and "bench" in result else None


def row(result: Result) -> str:
    """With whatever else the benchmark tells, on a second line."""
    mark = {True: "ok", False: "MISSED", None: ""}[result.get("ok")]
    value, goal = result.get("value", ""), result.get("goal", "-")
    line = f"{mark:<7}{value!s:>10}  (goal {goal})  {result['bench']}"
    more = {key: value for key, value in result.items() if key not in KNOWN}
    return line + (f"\n{'':19}{more}" if more else "")


def main(names: Sequence[str]) -> int:
    """1 when a goal was missed."""
    missed = 0
    for program in programs(names):
        print(f"== {program.stem}", flush=True)
        for result in results(program):
            print(row(result), flush=True)
            missed += result.get("ok") is False
    print(f"{missed} missed" if missed else "every goal was met")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
