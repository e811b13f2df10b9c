"""The scoring rule of the recorded traces, and how to read them."""

import csv
import gzip
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from agent.parking import Change, Detector
from tests.agent.parking.street import Sample, Trace

WITHIN = 60.0  # s after the edge, and before the next one
EARLY = 5.0  # s; the truth is marked while the car still moves


class Score(NamedTuple):
    edges: int
    found: int
    spurious: int

    @property
    def share(self) -> float:
        return self.found / self.edges


def run(samples: Iterable[Sample], detector: Detector | None = None) -> list[Change]:
    """Every change, the calibration first."""
    detector = detector or Detector()
    return [change for s in samples if (change := detector.feed(*s))]


def score(edges: Sequence[tuple[float, bool]], changes: Iterable[Change]) -> Score:
    """An edge is found by the first unused change to its state; what is left over is spurious."""
    left = [change for change in changes if change.branch != "calibrated"]
    found = 0
    for i, (t, occupied) in enumerate(edges):
        end = min([t + WITHIN, *(later for later, _ in edges[i + 1 : i + 2])])
        for change in left:
            if change.occupied is occupied and t - EARLY <= change.t <= end:
                left.remove(change)
                found += 1
                break
    return Score(len(edges), found, len(left))


def total(scores: Iterable[Score]) -> Score:
    edges, found, spurious = (sum(column) for column in zip(*scores, strict=True))
    return Score(edges, found, spurious)


def recorded(file: Path) -> Trace:
    """A trace of CSV lines t_s, x_uT, y_uT, z_uT, occupied."""
    trace, before = Trace([], []), False
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            t, x, y, z = (float(row[name]) for name in ("t_s", "x_uT", "y_uT", "z_uT"))
            occupied = row["occupied"] == "1"
            trace.samples.append((t, x, y, z))
            if occupied is not before:
                trace.edges.append((t, occupied))
            before = occupied
    return trace
