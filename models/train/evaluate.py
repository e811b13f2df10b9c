"""Measures a model, by its card, on sources that it did not learn from:
`python models/train/evaluate.py plates FOLDER --sources easypr --out metrics.json`.

Each line: what, on which data, how many, the figure, and its 95 % interval (Wilson for shares,
bootstrap over images for areas and macro averages). `bench` needs no data.
"""

import argparse
import csv
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from detector_scene import corners_of
from detector_scene import load as load_frames
from occupancy_data import load as load_patches
from reader_data import Crop
from reader_data import load as load_crops
from stats import (
    Match,
    auc,
    average_precision,
    bootstrap,
    box_of,
    match_frame,
    overlap,
    wilson,
)

from drivers.camera.eyes import Eyes
from drivers.camera.sight import Plate
from drivers.camera.vision import boxes, reading, runner, spaces
from drivers.camera.vision.arrays import Floats, Image

Line = dict[str, Any]


def line(what: str, data: str, count: int, value: float, interval: Iterable[float]) -> Line:
    """Shares and areas in percent."""
    low, high = interval
    figures = [round(100 * v, 2) for v in (value, low, high)]
    return {"what": what, "data": data, "n": count, "value": figures[0], "interval": figures[1:]}


def share(what: str, data: str, hits: Sequence[bool]) -> Line:
    return line(what, data, len(hits), float(np.mean(hits)), wilson(sum(hits), len(hits)))


def read(model: runner.Model, images: Sequence[Image]) -> list[reading.Read]:
    """As the gateway reads them."""
    return [each for image in images if (each := Eyes(reader=model).read(image)) is not None]


def groups(crops: Sequence[Crop]) -> dict[str, list[int]]:
    """The positions of all crops, and of those of each source, kind and colour."""
    found: dict[str, list[int]] = defaultdict(list)
    for place, crop in enumerate(crops):
        for name in ("all", crop.source, f"kind {crop.kind}", f"colour {crop.colour}"):
            found[name].append(place)
    return found


def plates(model: runner.Model, data: Path, sources: frozenset[str]) -> list[Line]:
    crops = [c for c in load_crops(data) if c.source in sources]
    reads = read(model, [c.image for c in crops])
    lines = []
    for name, places in groups(crops).items():
        pairs = [(crops[k], reads[k]) for k in places]
        lines.append(share("exact", name, [c.text == r.text for c, r in pairs]))
        if name in {"all", *sources}:
            rest = [c.text[1:] == r.text[1:] for c, r in pairs]
            lines.append(share("exact without province", name, rest))
            lines.append(share("colour", name, [c.colour == r.colour for c, r in pairs]))
    for crop, got in zip(crops, reads, strict=True):
        if crop.text != got.text:
            print(f"  {crop.file}: {crop.text} read as {got.text} ({got.confidence:.2f})")
    return lines


def logits(model: runner.Model, patches: Sequence[Image]) -> Floats:
    parts = [
        model.run(spaces.prepare(patches[at : at + 64]))["logit"]
        for at in range(0, len(patches), 64)
    ]
    return np.concatenate(parts)


def occupancy(model: runner.Model, data: Path, sources: frozenset[str]) -> list[Line]:
    patches = load_patches(data)
    lines = []
    for source in sorted(sources):
        free, taken = (logits(model, patches[source, label]) for label in (0, 1))
        sizes = [len(free), len(taken)]

        def balanced(drawn: Sequence[Any], f: Floats = free, t: Floats = taken) -> float:
            return float((np.mean(f[drawn[0]] <= 0) + np.mean(t[drawn[1]] > 0)) / 2)

        def area(drawn: Sequence[Any], f: Floats = free, t: Floats = taken) -> float:
            return auc(f[drawn[0]], t[drawn[1]])

        every = [np.arange(size) for size in sizes]
        for what, measure in (("macro accuracy at 0.5", balanced), ("AUC", area)):
            found = measure(every)
            lines.append(line(what, source, sum(sizes), found, bootstrap(measure, sizes)))
    return lines


def detector(eyes: Eyes, data: Path, sources: frozenset[str]) -> list[Line]:
    """What the gateway would tell at its threshold, no surer and no less sure."""
    frames = [f for f in load_frames(data) if f.source in sources]
    matches, ends, texts = list[Match](), list[bool](), labelled_texts(data)
    for frame in frames:
        plates = eyes.plates(frame.image)
        found = [boxes.Found(plate.corners, plate.score, 0.0) for plate in plates]
        matches.append(match_frame(found, frame.plates))
        ends += [right(plates, *labelled) for labelled in texts.get(frame.file, [])]
    name = f"{', '.join(sorted(sources))} at {eyes.size}"
    lines = [ap(matches, name, least) for least in (0.5, 0.7)]
    errors = np.array([e for match in matches for e in match.corner_errors])
    if len(errors):
        middle = bootstrap(lambda drawn: float(np.mean(errors[drawn[0]])), [len(errors)])
        lines.append(line("corner error, % of width", name, len(errors), errors.mean(), middle))
    false = sum(share < 0.1 for match in matches for _, share, _ in match.finds)
    lines.append({"what": "false plates", "data": name, "n": len(frames), "value": false})
    return [*lines, share("exact end to end", name, ends)] if eyes.reader else lines


def right(plates: Sequence[Plate], text: str, corners: Any) -> bool:
    """Is the surest plate that was told there that one?"""
    near = [p for p in plates if overlap(np.array(p.box), box_of(corners)) > 0.3]
    return bool(near) and near[0].text == text


def ap(matches: Sequence[Match], name: str, least: float) -> Line:
    def measure(drawn: Sequence[Any]) -> float:
        return average_precision([matches[k] for k in drawn[0]], least)

    found = average_precision(matches, least)
    interval = bootstrap(measure, [len(matches)])
    return line(f"AP{round(100 * least)}", name, sum(m.plates for m in matches), found, interval)


def labelled_texts(data: Path) -> dict[str, list[tuple[str, Any]]]:
    """file -> (text, corners) of the plates that count."""
    texts: dict[str, list[tuple[str, Any]]] = defaultdict(list)
    with (data / "plate_frames.csv").open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            if row["ignore"] != "1" and row["text"]:
                texts[row["file"]].append((row["text"], corners_of(row)))
    return texts


def bench(model: runner.Model, size: int, batch: int) -> list[Line]:
    """Milliseconds an image on one thread: the quickest and the middle of 200 runs."""
    width, height = model.card.size
    shape = (batch, 3, height or size, width or size)
    images = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    took = []
    for _ in range(200):
        begun = time.perf_counter()
        model.run(images)
        took.append((time.perf_counter() - begun) / batch * 1000)
    name = f"{shape[3]} by {shape[2]}, batch of {batch}, one thread"
    found = {"quickest": min(took), "middle": float(np.median(took))}
    return [
        {"what": f"ms, {which}", "data": name, "n": 200, "value": round(value, 3)}
        for which, value in found.items()
    ]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("task", choices=("plates", "occupancy", "detector", "bench"))
    options.add_argument("folder", type=Path)
    options.add_argument("--data", type=Path, default=Path("data/vision"))
    options.add_argument("--sources", default="", help="comma separated")
    options.add_argument("--batch", type=int, default=1, help="images at once (bench)")
    options.add_argument("--size", type=int, default=640)
    options.add_argument("--reader", type=Path)
    options.add_argument("--out", type=Path)
    o = options.parse_args()
    sources, model = frozenset(o.sources.split(",")), runner.load(o.folder)
    if o.task == "detector":
        reader = runner.load(o.reader) if o.reader else None
        lines = detector(Eyes(model, reader, size=o.size), o.data, sources)
    elif o.task == "bench":
        lines = bench(model, o.size, o.batch)
    else:
        lines = {"plates": plates, "occupancy": occupancy}[o.task](model, o.data, sources)
    for each in lines:
        low, high = each.get("interval", ("", ""))
        print(
            f"{each['what']:28} {each['data']:24} n {each['n']:5}  {each['value']}  [{low}, {high}]"
        )
    if o.out:
        o.out.write_text(json.dumps(lines, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
