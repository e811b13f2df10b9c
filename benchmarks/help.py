"""`fieldgate --help` in either language against a bare Python: CPU of the whole process."""

import json
import os
import statistics
import subprocess
import sys

RUNS = 30
GOAL = 3.0  # times a bare Python, at most


def cpu_seconds(*words: str, **environment: str) -> float:
    """User and system time of one run of this Python with these words, as the kernel counts it."""
    child = subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.DEVNULL, env={**os.environ, **environment}
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{words} left with {child.returncode}")
    return usage.ru_utime + usage.ru_stime


def measure(language: str) -> float:
    """Both are run in turn, so that a busy machine is busy for both."""
    bare, ours = [], []
    for _ in range(RUNS):
        bare.append(cpu_seconds("-c", "pass"))
        ours.append(cpu_seconds("-m", "agent", "--help", FIELDGATE_LANG=language))
    return statistics.median(ours) / statistics.median(bare)


def main() -> None:
    for language in ("en", "zh"):
        ratio = measure(language)
        report = {
            "bench": f"help: CPU of `fieldgate --help` ({language}) in bare Pythons",
            "value": round(ratio, 2),
            "goal": GOAL,
            "ok": ratio <= GOAL,
        }
        print(json.dumps(report))


if __name__ == "__main__":
    main()
