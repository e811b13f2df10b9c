"""An 8-bit variant of a model, in `int8/` below its folder:
`python models/train/quantise.py models/plate_reader --data FOLDER --metrics metrics.json`.

Convolutions only, one scale a channel; the first stays as it is. Which variant is faster depends
on the processor, so both are shipped where the smaller one reads as well.
"""

import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read at import

import cv2
import onnx
from common import fix_seeds
from export import write_golden, write_model
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quant_pre_process,
    quantize_static,
)
from plate_augment import Image, photograph
from plate_render import Typeface, render
from plate_text import draw_plate
from reader_data import grounds

from drivers.camera.vision import reading
from drivers.camera.vision.card import read_card
from drivers.camera.vision.recognising import joined


class Drawn(CalibrationDataReader):  # type: ignore[misc] # the library has no annotations
    """Drawn plates, so that no real source is looked at."""

    def __init__(self, data: Path, size: tuple[int, int], count: int) -> None:
        fix_seeds(8, 1)
        self.size = size
        face, pieces = Typeface(data / "glyphs"), grounds(data)
        self.images = [self.draw(face, pieces[k % len(pieces)]) for k in range(count)]

    @staticmethod
    def draw(face: Typeface, ground: Image) -> Image:
        plate = draw_plate()
        image = photograph(render(plate, face), ground)
        return joined(image) if plate.two_line else image

    def get_next(self) -> dict[str, Any] | None:
        return {"image": reading.prepare([self.images.pop()], *self.size)} if self.images else None


def first_convolution(file: Path) -> str:
    return next(node.name for node in onnx.load(file).graph.node if node.op_type == "Conv")


def quantise(source: Path, target: Path, drawn: Drawn) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        ready = Path(scratch) / "ready.onnx"
        quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)
        quantize_static(
            str(ready),
            str(target),
            drawn,
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=[first_convolution(ready)],
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--data", type=Path, default=Path("data/vision"))
    options.add_argument("--metrics", type=Path, action="append", default=[])
    options.add_argument("--bench", default="", help="cpu; threads; milliseconds")
    o = options.parse_args()
    cv2.setNumThreads(1)
    card = read_card(o.folder / "card.yaml")
    target = o.folder / "int8"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    quantise(card.file, target / "model.onnx", Drawn(o.data, card.size, 300))
    metrics = [line for file in o.metrics for line in json.loads(file.read_text("utf-8"))]
    about = {**card.about, "precision": "int8", "metrics": metrics, "bench": o.bench}
    write_model(about, target)
    shown = {Path("..") / each["image"]: each["shows"] for each in card.about["golden"]["images"]}
    write_golden(target, shown, tolerance=0.5)


if __name__ == "__main__":
    main()
