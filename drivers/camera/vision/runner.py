"""Runs a model by its card with ONNX Runtime, on one thread of the CPU.

The whole module is meant for the vision child: native code may crash, and the import is large.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drivers.camera.vision import boxes, feeding, spaces
from drivers.camera.vision.arrays import Floats, Image
from drivers.camera.vision.card import Card, Tensor, check_file, read_card, refused

if TYPE_CHECKING:
    import onnxruntime


SAMPLES = 16  # numbers of each output that a golden image pins
PREPARE: Mapping[str, Callable[[Image], Floats]] = {
    "patch": lambda image: spaces.standardise(boxes.planes(image))[None],
    "fixed": lambda image: boxes.normalise(image)[None],
}


class Model:
    """A checked model. `run` takes a batch in the card's layout."""

    def __init__(self, card: Card, session: "onnxruntime.InferenceSession") -> None:
        self.card = card
        self._session = session
        self._names = [output.name for output in card.outputs]

    def run(self, batch: Floats) -> dict[str, Floats]:
        """The outputs by name."""
        values = self._session.run(self._names, {self.card.input.name: batch})
        return dict(zip(self._names, values, strict=True))


def load(folder: Path, threads: int = 1) -> Model:
    """The model of a folder with `card.yaml`. Raises Misconfigured unless all of it is as the card
    says: hash, opset, names and shapes, and what it makes of the golden images."""
    card = read_card(folder / "card.yaml")
    check_file(card)
    opened = session(card, threads=threads)
    _check_shapes(card, opened)
    model = Model(card, opened)
    check_golden(model)
    return model


def session(
    card: Card, data: bytes | None = None, threads: int = 1
) -> "onnxruntime.InferenceSession":
    """`data`: in place of the card's file. Raises Misconfigured."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read at import: no file, no thread, no look-up
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            data or str(card.file), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # the runtime's own errors share no base class
        raise refused(card.file.parent, "{error}", error=str(error)[:200]) from error


def _check_shapes(card: Card, session: "onnxruntime.InferenceSession") -> None:
    _compare(card, [card.input], session.get_inputs())
    _compare(card, list(card.outputs), session.get_outputs())


def _compare(card: Card, wanted: list[Tensor], found: list[Any]) -> None:
    """A free size (None) in the card stands for any in the file."""
    for each in wanted:
        shape = next((node.shape for node in found if node.name == each.name), None)
        fits = shape is not None and len(shape) == len(each.shape)
        if not fits or any(
            w not in (None, f) for w, f in zip(each.shape, shape or (), strict=True)
        ):
            raise refused(
                card.file.parent,
                "{name} has shape {found}, not {wanted}",
                name=each.name,
                found=shape,
                wanted=list(each.shape),
            )


def samples(values: Floats) -> list[float]:
    """Sixteen numbers, evenly spread over an output."""
    flat = values.ravel()
    places = np.linspace(0, flat.size - 1, min(SAMPLES, flat.size)).round().astype(int)
    return [float(v) for v in flat[places]]


def golden_input(image: Path, normalise: str) -> Floats:
    """Raises FileNotFoundError."""
    return PREPARE[normalise](golden_pixels(image))


def golden_pixels(image: Path) -> Image:
    """Raises FileNotFoundError."""
    import cv2

    pixels = cv2.imread(str(image), cv2.IMREAD_COLOR)
    if pixels is None:
        raise FileNotFoundError(image)
    return np.asarray(pixels, np.uint8)


def _fed(image: Path, card: Card) -> Floats:
    if card.normalise == "scaled":
        return feeding.scaled(golden_pixels(image), card)[None]
    return golden_input(image, card.normalise)


def check_golden(model: Model) -> None:
    """Raises Misconfigured when this machine computes something else than the trainer's did."""
    card = model.card
    for golden in card.golden:
        try:
            outputs = model.run(_fed(golden.image, card))
        except FileNotFoundError as error:
            raise refused(
                card.file.parent, "{image} is missing", image=golden.image.name
            ) from error
        for name, wanted in golden.expect.items():
            off = float(np.abs(np.array(samples(outputs[name])) - np.array(wanted)).max())
            if not off <= card.tolerance:
                raise refused(
                    card.file.parent,
                    "{image} gives {name} off by {off:.3g}, allowed is {limit:g}",
                    image=golden.image.name,
                    name=name,
                    off=off,
                    limit=card.tolerance,
                )
