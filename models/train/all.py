"""Trains, measures and exports all models: `make models DATA=folder`.

Every stage goes on from its checkpoint, so that a run may be interrupted and started again. With
`--try` each stage takes a few steps, and `models/` stays as it is: to see that all stages fit.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
LOTS = ("cnrparkA", "pklot_puc")


def python(script: str, *words: object) -> None:
    line = [script, *map(str, words)]
    print("==", *line, flush=True)
    subprocess.run([sys.executable, str(HERE / script), *line[1:]], check=True)  # noqa: S603 - our own


@dataclass(frozen=True)
class Workshop:
    """`build`: checkpoints and reports; `models`: what is shipped; `steps`: of each stage, 0: as
    many as it takes."""

    data: Path
    build: Path
    models: Path
    steps: int

    def train(self, what: str, name: str, steps: int, *words: object) -> Path:
        """The checkpoint."""
        about = ("--data", self.data, "--out", self.build / name, "--steps", self.steps or steps)
        python(f"train_{what}.py", *about, *words)
        return self.build / name / "checkpoint.pt"

    def export(self, task: str, checkpoint: Path, folder: Path, *words: object) -> None:
        python("export.py", task, checkpoint, "--folder", folder, "--data", self.data, *words)

    def measure(self, what: str, folder: Path, sources: str, report: str, *words: object) -> Path:
        """The report."""
        out = self.build / f"{report}.json"
        about = ("--data", self.data, "--sources", sources, "--out", out)
        python("evaluate.py", what, folder, *about, *words)
        return out


def metrics(reports: Iterable[Path]) -> list[object]:
    return [word for report in reports for word in ("--metrics", report)]


def occupancy(shop: Workshop) -> None:
    """Each camera judged by a net that has only seen the other; the last has seen both."""
    reports = []
    for away in LOTS:
        name = f"occupancy-without-{away}"
        seen = shop.train("occupancy", name, 4000, "--hold-out", away)
        shop.export("occupancy", seen, shop.build / name / "model")
        reports.append(shop.measure("occupancy", shop.build / name / "model", away, name))
    last = shop.train("occupancy", "occupancy", 4000)
    shop.export("occupancy", last, shop.models / "occupancy", *metrics(reports))


def reader(shop: Workshop) -> None:
    """Drawn and real plates without EasyPR's, to measure; then with them."""
    first, folder = "reader-without-easypr", shop.models / "plate_reader"
    away = ("--real", 0.25, "--hold-out", "easypr")
    checkpoint = shop.train("reader", first, 40000, *away)
    shop.export("plate_reader", checkpoint, shop.build / first / "model")
    report = metrics([shop.measure("plates", shop.build / first / "model", "easypr", first)])
    tune = ("--start", checkpoint, "--rate", 1e-3, "--real", 0.3)
    shop.export("plate_reader", shop.train("reader", "reader", 8000, *tune), folder, *report)
    python("quantise.py", folder, "--data", shop.data, *report)


def detector(shop: Workshop) -> None:
    """Never sees EasyPR's frames: they measure it, with a reader that has not seen them either."""
    folder = shop.models / "plate_detector"
    checkpoint = shop.train("detector", "detector", 30000)
    shop.export("plate_detector", checkpoint, folder)
    eyes = ("--reader", shop.build / "reader-without-easypr/model")
    reports = [shop.build / "false-plates.json"]
    count = ("--count", 20) if shop.steps else ()
    python("count_false.py", folder, "--data", shop.data, "--out", reports[0], *eyes, *count)
    for size in (640, 416, 320):
        report = f"detector-{size}"
        more = ("--size", size, *eyes)
        reports.append(shop.measure("detector", folder, "easypr", report, *more))
    shop.export("plate_detector", checkpoint, folder, *metrics(reports))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    data = os.environ.get("FIELDGATE_VISION_DATA", "data/vision")
    options.add_argument("--data", type=Path, default=Path(data))
    options.add_argument("--only", choices=("occupancy", "reader", "detector"))
    options.add_argument("--try", dest="trial", action="store_true", help="a few steps a stage")
    o = options.parse_args()
    build = Path("build/try" if o.trial else "build/train")
    models = build / "models" if o.trial else HERE.parent
    for stage in (occupancy, reader, detector):
        if o.only in (None, stage.__name__):
            stage(Workshop(o.data, build, models, steps=4 if o.trial else 0))


if __name__ == "__main__":
    main()
