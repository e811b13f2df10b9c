"""How well a net does on a lot that it has not seen, before and after its calibration there.

    python benchmarks/occupancy_calibration.py MODEL --data FOLDER --source pklot_puc

MODEL is a folder with a card, of a net that has not learnt from that source. FOLDER has
`occ_frames.csv` (pictures with the polygons of their spaces) or, where a source is not among those,
`occ_patches.csv` (cut-out spaces). What calibrates and what is judged are never the same pictures.
Prints macro accuracy in per cent with its 95 % interval. Without arguments nothing is measured.
"""

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from drivers.camera.tasks.calibration import chance_of, counted, from_labels, from_looks, valley
from drivers.camera.vision import spaces
from drivers.camera.vision.lean import Open, fit
from drivers.camera.vision.runner import load

FEW = 8  # looks of a space that give it its own threshold: the data have 20, a camera's day 288
OWN_SHARE = 0.15  # in the smaller heap: of so few looks, two or three
GOAL = 95.0  # per cent, after calibration
ROUNDS = 400  # of the bootstrap
ALIKE = 0.8  # correlation of two patches at 24 by 24
Numbers = NDArray[np.float64]
Truths = NDArray[np.bool_]


@dataclass(frozen=True)
class Lot:
    """One row a look, by date. `alike`: groups that look so much the same that they may show one
    vehicle, or one free space, at two times of a day."""

    logits: Numbers
    features: NDArray[np.float32]
    taken: Truths
    spaces: NDArray[np.str_]  # "" where it is not known which
    pictures: NDArray[np.intp]
    dates: NDArray[np.str_]
    alike: NDArray[np.intp]

    def part(self, rows: NDArray[Any]) -> "Lot":
        return Lot(
            self.logits[rows], self.features[rows], self.taken[rows], self.spaces[rows],
            self.pictures[rows], self.dates[rows], self.alike[rows],
        )  # fmt: skip


def read(net: Open, data: Path, source: str) -> Lot:
    with (data / "occ_frames.csv").open(encoding="utf-8") as rows:
        found = [row for row in csv.DictReader(rows) if row["source"] == source]
    images = list(_cut(data, found)) if found else []
    if not found:
        with (data / "occ_patches.csv").open(encoding="utf-8") as rows:
            found = [row for row in csv.DictReader(rows) if row["source"] == source]
        images = [_image(data / "occ_patches" / row["file"]) for row in found]
    logits, features = net.sensed(images)
    alike = (
        _alike(images) if len({row["date"] for row in found}) == 1 else np.zeros(len(found), int)
    )
    order = sorted(range(len(found)), key=lambda n: (found[n]["date"], found[n]["file"]))
    files = {found[n]["file"]: None for n in order}
    numbers = {file: number for number, file in enumerate(files)}
    return Lot(
        logits[order].astype(np.float64),
        features[order],
        np.array([found[n]["occupied"] == "1" for n in order]),
        np.array([found[n].get("space_id", "") for n in order]),
        np.array([numbers[found[n]["file"]] for n in order]),
        np.array([found[n]["date"] for n in order]),
        alike[order],
    )


def _cut(data: Path, rows: Sequence[Mapping[str, str]]) -> Iterator[Any]:
    """As a camera's process cuts them."""
    images: dict[str, Any] = {}
    for row in rows:
        if row["file"] not in images:
            images = {row["file"]: _image(data / "occ_frames" / row["file"])}
        points = [tuple(map(float, point.split(","))) for point in row["polygon"].split(";")]
        yield spaces.patch(images[row["file"]], [(x, y) for x, y in points])


def _alike(images: Sequence[Any]) -> NDArray[np.intp]:
    """Numbers of groups: who is alike to one of a group belongs to it."""
    small = [cv2.resize(cv2.cvtColor(i, cv2.COLOR_BGR2GRAY), (24, 24), interpolation=cv2.INTER_AREA)
             for i in images]  # fmt: skip
    flat = np.array(small, np.float32).reshape(len(small), -1)
    flat -= flat.mean(1, keepdims=True)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True) + 1e-6
    near = flat @ flat.T > ALIKE
    groups = np.full(len(flat), -1)
    for first in range(len(flat)):
        reached = np.array([first]) if groups[first] < 0 else np.array([], int)
        while reached.size:
            groups[reached] = first
            reached = np.flatnonzero(near[reached].any(0) & (groups < 0))
    return groups


def _image(file: Path) -> Any:
    image = cv2.imread(str(file))
    if image is None:
        raise FileNotFoundError(file)
    return image


Method = Callable[[Lot, Lot], Truths]  # (what calibrates, what is judged) -> taken


def at_half(_: Lot, judged: Lot) -> Truths:
    return judged.logits >= 0


def looks_whole(known: Lot, judged: Lot) -> Truths:
    threshold = from_looks([chance_of(z) for z in known.logits]) or 0.5
    return np.array([chance_of(z) >= threshold for z in judged.logits])


def looks_own(known: Lot, judged: Lot) -> Truths:
    """As `tasks/looks.py`, with fewer looks."""
    usual = from_looks([chance_of(z) for z in known.logits]) or 0.5
    own = {}
    for space in set(known.spaces.tolist()):
        mine = [chance_of(z) for z in known.logits[known.spaces == space]]
        found = valley(counted(mine), FEW, OWN_SHARE)
        own[space] = usual if found is None else found.settle(usual)
    pairs = zip(judged.logits, judged.spaces.tolist(), strict=True)
    return np.array([chance_of(z) >= own.get(space, usual) for z, space in pairs])


def labels_threshold(known: Lot, judged: Lot) -> Truths:
    threshold = from_labels([chance_of(z) for z in known.logits], known.taken.tolist()) or 0.5
    return np.array([chance_of(z) >= threshold for z in judged.logits])


def labels_lean(known: Lot, judged: Lot) -> Truths:
    lean = fit(known.logits.astype(np.float32), known.features, known.taken)
    return np.asarray(lean.correct(judged.logits.astype(np.float32), judged.features) >= 0)


METHODS: Mapping[str, Method] = {
    "as it is, 0.5": at_half,
    "looks, one threshold": looks_whole,
    "looks, own thresholds": looks_own,
    "labels, one threshold": labels_threshold,
    "labels, net corrected": labels_lean,
}


def macro(taken: Truths, said: Truths) -> float:
    return float((said[taken].mean() + (~said[~taken]).mean()) * 50)


def interval(lot: Lot, said: Truths) -> tuple[float, float]:
    """95 %, by drawing whole pictures: what is in one picture is not independent."""
    rng = np.random.default_rng(1)
    rows = [np.flatnonzero(lot.pictures == number) for number in np.unique(lot.pictures)]
    drawn = []
    for _ in range(ROUNDS):
        chosen = np.concatenate([rows[n] for n in rng.integers(0, len(rows), len(rows))])
        if lot.taken[chosen].any() and not lot.taken[chosen].all():
            drawn.append(macro(lot.taken[chosen], said[chosen]))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def splits(lot: Lot) -> Iterator[tuple[str, list[tuple[Truths, Truths]]]]:
    """(name, pairs of what calibrates and what is judged)"""
    dates = sorted(set(lot.dates.tolist()))
    if len(dates) == 1:
        yield from _random(lot)
        return
    for count in (1, 2, 3, len(dates) // 2):
        first = np.isin(lot.dates, dates[:count])
        yield f"first {count} dates, {first.sum()} looks", [(first, ~first)]
    folds = [np.isin(lot.dates, dates[k::5]) for k in range(5)]
    yield "each fifth of the dates by the others", [(~fold, fold) for fold in folds]


def _random(lot: Lot) -> Iterator[tuple[str, list[tuple[Truths, Truths]]]]:
    """A lot with one date: halves, and a few of the one for the other."""
    for count in (100, 200, 400, len(lot.taken) // 2):
        pairs = []
        order = np.random.default_rng(3).permutation(len(lot.taken))
        for half, rest in ((order[::2], order[1::2]), (order[1::2], order[::2])):
            known, judged = np.zeros((2, len(order)), bool)
            known[half[:count]], judged[rest] = True, True
            pairs.append((known, judged))
        yield f"{count} random looks of the day, twice", pairs
    groups = np.random.default_rng(3).permutation(np.unique(lot.alike))
    folds = [np.isin(lot.alike, groups[fold::5]) for fold in range(5)]
    yield "each fifth by others that are not alike", [(~fold, fold) for fold in folds]


def measure(net: Open, data: Path, source: str) -> Iterator[dict[str, Any]]:
    lot = read(net, data, source)
    for name, pairs in splits(lot):
        for method, judge in METHODS.items():
            if judge is looks_own and not lot.spaces[0]:
                continue
            said = [judge(lot.part(known), lot.part(judged)) for known, judged in pairs]
            whole = lot.part(np.concatenate([np.flatnonzero(judged) for _, judged in pairs]))
            answers = np.concatenate(said)
            value = macro(whole.taken, answers)
            result = {"bench": f"{source}, {name}: {method}", "value": round(value, 1)}
            if judge is labels_lean:
                result |= {"goal": GOAL, "ok": value >= GOAL}
            yield result | {"interval": [round(end, 1) for end in interval(whole, answers)]}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("model", type=Path, nargs="?")
    options.add_argument("--data", type=Path)
    options.add_argument("--source", choices=("pklot_puc", "cnrparkA"), default="pklot_puc")
    o = options.parse_args()
    if o.model is None or o.data is None:
        print(json.dumps({"bench": "occupancy_calibration: not measured without MODEL, --data"}))
        return
    net = Open.of(load(o.model))
    if net is None:
        raise SystemExit("the last layer of this net is no linear one")
    for result in measure(net, o.data, o.source):
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
