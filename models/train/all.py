"""Trains, measures and exports all models: `make models DATA=folder`.

Every stage goes on from its checkpoint, so that a run may be interrupted and started again.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BUILD = Path("build/train")


def python(script: str, *words: str) -> None:
    print(f"== {script} {' '.join(words)}", flush=True)
    subprocess.run([sys.executable, str(HERE / script), *words], check=True)  # noqa: S603 - our own


def checkpoint(name: str) -> str:
    return str(BUILD / name / "checkpoint.pt")


def occupancy(data: str) -> None:
    """Each camera judged by a net that has only seen the other; the last has seen both."""
    for away in ("cnrparkA", "pklot_puc"):
        name = f"occupancy-without-{away}"
        out = str(BUILD / name)
        python("train_occupancy.py", "--data", data, "--hold-out", away, "--out", out)
        folder = str(BUILD / name / "model")
        python("export.py", "occupancy", checkpoint(name), "--folder", folder, "--data", data)
        report = str(BUILD / f"{name}.json")
        python(
            "evaluate.py", "occupancy", folder, "--data", data, "--sources", away, "--out", report
        )
    python("train_occupancy.py", "--data", data, "--out", str(BUILD / "occupancy"))
    reports = [str(BUILD / f"occupancy-without-{away}.json") for away in ("cnrparkA", "pklot_puc")]
    metrics = [word for report in reports for word in ("--metrics", report)]
    python("export.py", "occupancy", checkpoint("occupancy"), "--data", data, *metrics)


def reader(data: str) -> None:
    """Drawn and real plates without EasyPR's, to measure; then with them."""
    first, last = "reader-without-easypr", "reader"
    out = ("--hold-out", "easypr", "--out", str(BUILD / first))
    python("train_reader.py", "--data", data, "--real", "0.2", "--steps", "20000", *out)
    folder, report = str(BUILD / first / "model"), str(BUILD / "reader.json")
    python("export.py", "plate_reader", checkpoint(first), "--folder", folder, "--data", data)
    python("evaluate.py", "plates", folder, "--data", data, "--sources", "easypr", "--out", report)
    tune = ("--start", checkpoint(first), "--rate", "1e-3", "--real", "0.3", "--steps", "8000")
    python("train_reader.py", "--data", data, *tune, "--out", str(BUILD / last))
    export = ("plate_reader", checkpoint(last), "--data", data, "--metrics", report)
    python("export.py", *export)
    python("quantise.py", "models/plate_reader", "--data", data, "--metrics", report)


def detector(data: str) -> None:
    """Never sees EasyPR's frames: they measure it, with a reader that has not seen them either."""
    python("train_detector.py", "--data", data, "--out", str(BUILD / "detector"))
    last = ("plate_detector", checkpoint("detector"), "--data", data)
    python("export.py", *last)
    where = ("models/plate_detector", "--data", data)
    eyes = str(BUILD / "reader-without-easypr/model")
    reports = ["--metrics", str(BUILD / "false-plates.json")]
    python("count_false.py", *where, "--out", reports[-1])
    for size in ("640", "416", "320"):
        reports += ["--metrics", str(BUILD / f"detector-{size}.json")]
        out = ("--size", size, "--reader", eyes, "--out", reports[-1])
        python("evaluate.py", "detector", *where, "--sources", "easypr", *out)
    python("export.py", *last, *reports)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", default=os.environ.get("FIELDGATE_VISION_DATA", "data/vision"))
    options.add_argument("--only", choices=("occupancy", "reader", "detector"))
    o = options.parse_args()
    for stage in (occupancy, reader, detector):
        if o.only in (None, stage.__name__):
            stage(o.data)


if __name__ == "__main__":
    main()
