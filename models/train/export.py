"""A checkpoint to `model.onnx`, its card and golden images:
`python models/train/export.py plate_reader CHECKPOINT --metrics metrics.json`.
"""

import argparse
import hashlib
import json
import random
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import torch
import yaml
from common import MODELS, fix_seeds, load_weights
from detector_net import DetectorNet
from detector_scene import drawn, hung
from occupancy_net import OccupancyNet
from plate_augment import Image
from plate_render import Typeface, render
from plate_text import blue, new_energy, yellow_double
from reader_net import HEIGHT, WIDTH, ReaderNet
from scene import Scene

from drivers.camera.vision import runner
from drivers.camera.vision.grammar import ALPHABET, COLOURS
from drivers.camera.vision.recognising import joined

OPSET = 17
Entry = dict[str, Any]

CCPD = {"name": "CCPD", "licence": "MIT", "source": "detectRecog/CCPD", "count": 547}
EASYPR = {
    "name": "EasyPR, plate-only cut-outs",
    "licence": "GDSL 0.1, which exempts cut-outs and trained models",
    "source": "liuruoze/EasyPR",
    "count": 135,
}
DRAWN = {"name": "drawn plates", "licence": "Apache-2.0", "source": "models/train", "count": 0}
GLYPHS = {
    "name": "glyphs of the plate typeface",
    "licence": "MIT",
    "source": "chinese_license_plate_generator",
    "count": 227,
}
PKLOT = {
    "name": "PKLot, camera PUCPR",
    "licence": "CC BY 4.0",
    "source": "Almeida et al. 2015",
    "count": 1999,
}
CNRPARK = {
    "name": "CNRPark, camera A",
    "licence": "ODbL 1.0 as stated on its site",
    "source": "Amato et al. 2016, 2017",
    "count": 3200,
}


@dataclass(frozen=True)
class Task:
    net: Callable[[], torch.nn.Module]
    size: tuple[int, int] | None  # width, height; None: free
    example: tuple[int, int]
    outputs: tuple[Entry, ...]
    decode: str
    normalise: str
    labels: Entry
    options: dict[str, float]
    data: tuple[Entry, ...]


TASKS = {
    "occupancy": Task(
        OccupancyNet,
        (64, 64),
        (64, 64),
        ({"name": "logit", "shape": ["n"], "meaning": "above 0: occupied"},),
        "sigmoid",
        "patch",
        {"classes": ["free", "occupied"]},
        {"threshold": 0.5},
        (PKLOT, CNRPARK),
    ),
    "plate_reader": Task(
        ReaderNet,
        (WIDTH, HEIGHT),
        (WIDTH, HEIGHT),
        (
            {"name": "text", "shape": ["n", 8, 73], "meaning": "logits, class 0 an empty slot"},
            {"name": "colour", "shape": ["n", 6], "meaning": "logits"},
        ),
        "slots",
        "patch",
        {"alphabet": ALPHABET, "colours": list(COLOURS)},
        {"split": 1},
        (DRAWN, GLYPHS, CCPD, EASYPR),
    ),
    "plate_detector": Task(
        DetectorNet,
        None,
        (640, 640),
        ({"name": "cells", "shape": [1, "cells", 10], "meaning": "as in boxes.py"},),
        "corners_v1",
        "fixed",
        {"classes": ["plate"]},
        {"threshold": 0.5, "doubt": 0.2, "overlap": 0.4, "size": 640},
        (DRAWN, GLYPHS, {**CCPD, "count": 32}, PKLOT, CNRPARK),
    ),
}


def convert(task: Task, net: torch.nn.Module, file: Path) -> None:
    width, height = task.example
    free = {0: "n"} if task.size else {2: "height", 3: "width"}
    names = [output["name"] for output in task.outputs]
    axes = {name: {0: "n"} if task.size else {1: "cells"} for name in names}
    torch.onnx.export(
        net,
        (torch.zeros(1, 3, height, width),),
        str(file),
        opset_version=OPSET,
        dynamo=False,
        input_names=["image"],
        output_names=names,
        dynamic_axes={"image": free, **axes},
    )
    model = onnx.load(file)
    onnx.checker.check_model(model)
    for node, output in zip(model.graph.output, task.outputs, strict=True):
        state_shape(node, output["shape"])
    onnx.save(model, file)


def state_shape(node: onnx.ValueInfoProto, shape: list[int | str]) -> None:
    """Says of an output what the exporter could not infer."""
    for dimension, size in zip(node.type.tensor_type.shape.dim, shape, strict=True):
        if isinstance(size, int):
            dimension.dim_value = size
        else:
            dimension.dim_param = size


def golden_images(name: str, task: Task, folder: Path, data: Path) -> dict[Path, str]:
    """Our own drawings, at the size of the input, and the text on those that show one plate."""
    fix_seeds(5, 1)
    face = Typeface(data / "glyphs")
    (folder / "golden").mkdir(exist_ok=True)
    shown = {}
    for number in range(1 if name == "plate_detector" else 3):
        image, text = draw_golden(name, task, face, number)
        file = folder / "golden" / f"{number}.png"
        cv2.imwrite(str(file), image, [cv2.IMWRITE_PNG_COMPRESSION, 9])
        shown[file.relative_to(folder)] = text
    return shown


def draw_golden(name: str, task: Task, face: Typeface, number: int) -> tuple[Image, str]:
    size = task.size or (320, 320)
    grey = np.full((size[1], size[0], 3), random.randint(70, 150), np.uint8)
    if name == "plate_detector":
        return hung(Scene(grey, [], []), lambda: drawn(face), size[0]).image, ""
    if name == "plate_reader":
        plate = (blue, new_energy, yellow_double)[number]()
        clean = np.clip(render(plate, face), 0, 255).astype(np.uint8)
        clean = joined(clean) if plate.two_line else clean
        return cv2.resize(clean, size, interpolation=cv2.INTER_AREA), plate.text
    tone = [random.randint(0, 255) for _ in range(3)]
    cv2.rectangle(grey, (14, 6), (random.randint(30, 54), 58), tone, -1)
    return cv2.GaussianBlur(grey, (0, 0), 1.5), ""


def commit() -> str:
    words = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - fixed words


def card_of(name: str, task: Task, about: Entry) -> Entry:
    """All but what depends on the file."""
    width, height = task.size or ("width", "height")
    return {
        "id": name.replace("_", "-"),
        "version": about["version"],
        "task": name,
        "file": "model.onnx",
        "sha256": "",
        "bytes": 0,
        "opset": OPSET,
        "precision": "fp32",
        "licence": "Apache-2.0",
        "data": list(task.data),
        "code": {"commit": commit(), "seed": about["seed"], "samples": about["samples"]},
        "input": {
            "name": "image",
            "shape": ["n" if task.size else 1, 3, height, width],
            "layout": "NCHW",
            "colour": "BGR",
            "resize": "stretch" if task.size else "letterbox",
            "normalise": task.normalise,
        },
        "outputs": list(task.outputs),
        "labels": task.labels,
        "decode": task.decode,
        "options": task.options,
        "metrics": about["metrics"],
        "bench": about["bench"],
    }


def write_model(card: Entry, folder: Path) -> None:
    """The card of a file that is in the folder, without golden values yet."""
    data = (folder / "model.onnx").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    whole = {**card, "sha256": digest, "bytes": len(data), "golden": {}}
    save(whole, folder / "card.yaml")
    print(card["id"], card["precision"], f"{len(data) / 1e6:.2f} MB", digest[:12])


def write_golden(folder: Path, shown: dict[Path, str], tolerance: float) -> None:
    """What the model makes of images (relative to the folder), as the runner computes it."""
    session = runner.load(folder)
    entries = [
        {"image": str(image), "shows": text, "expect": expected(session, folder / image)}
        for image, text in shown.items()
    ]
    card = {**session.card.about, "golden": {"tolerance": tolerance, "images": entries}}
    save(card, folder / "card.yaml")
    runner.check_golden(runner.load(folder))


def expected(model: runner.Model, image: Path) -> dict[str, list[float]]:
    outputs = model.run(runner.golden_input(image, model.card.normalise))
    return {name: [round(v, 4) for v in runner.samples(out)] for name, out in outputs.items()}


def save(card: Entry, path: Path) -> None:
    text = yaml.safe_dump(card, sort_keys=False, allow_unicode=True, width=100)
    path.write_text(text, encoding="utf-8")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("task", choices=sorted(TASKS))
    options.add_argument("checkpoint", type=Path)
    options.add_argument("--folder", type=Path, help="default: models/<task>")
    options.add_argument("--data", type=Path, default=Path("data/vision"))
    options.add_argument("--version", default="1")
    options.add_argument("--seed", type=int, default=20)
    options.add_argument("--samples", type=int, default=0, help="drawn while training")
    options.add_argument("--metrics", type=Path, action="append", default=[])
    options.add_argument("--bench", default="", help="cpu; threads; milliseconds")
    o = options.parse_args()
    folder = o.folder or MODELS / o.task
    folder.mkdir(parents=True, exist_ok=True)
    task = TASKS[o.task]
    net = task.net().eval()
    load_weights(net, o.checkpoint)
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "model.onnx"
        convert(task, net, file)
        (folder / "model.onnx").write_bytes(file.read_bytes())
    metrics = [line for file in o.metrics for line in json.loads(file.read_text("utf-8"))]
    write_model(card_of(o.task, task, {**vars(o), "metrics": metrics}), folder)
    write_golden(folder, golden_images(o.task, task, folder, o.data), tolerance=0.05)


if __name__ == "__main__":
    main()
