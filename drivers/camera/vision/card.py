"""A model's card: what the file must be, what goes in, what comes out, and how that is known.

A card is `card.yaml` beside the model. Nothing of a model is used before its card was checked:
the file's hash and opset here, shapes and golden images in `runner.py`.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.contract import Misconfigured

NORMALISE = ("patch", "fixed", "scaled")
COLOURS = ("BGR", "RGB", "GRAY")
RESIZE = ("stretch", "letterbox")
DETECTORS = ("corners_v1", "yolo_v5", "yolo_v8", "yolo_v8_pose")
DECODERS = ("slots", "ctc_greedy", "sigmoid", *DETECTORS)
HINT = "copy the model and its card again, both from one release"


@dataclass(frozen=True, slots=True)
class Tensor:
    """A shape has None where the size is free."""

    name: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Golden:
    """An image of the input's own size, and sixteen numbers of each output for it."""

    image: Path
    expect: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Card:
    """`file`, `golden` images: whole paths. `about` is the card as written."""

    id: str
    version: str
    task: str
    file: Path
    sha256: str
    opset: int
    input: Tensor
    normalise: str  # "patch": each image to mean 0, deviation 1; "fixed": as in boxes.normalise;
    # "scaled": (value - mean) * scale of each colour, as the card says
    outputs: tuple[Tensor, ...]
    decode: str
    labels: Mapping[str, str | tuple[str, ...]]
    options: Mapping[str, float]  # thresholds of the decoder
    golden: tuple[Golden, ...]
    tolerance: float
    about: Mapping[str, Any]
    colour: str = "BGR"  # order in which the model takes them
    resize: str = "stretch"
    mean: tuple[float, ...] = (0.0,)  # of values 0 to 255; one for all colours, or one for each
    scale: tuple[float, ...] = (1.0,)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the input; 0 where it is free."""
        return self.input.shape[3] or 0, self.input.shape[2] or 0


def refused(card: Path, why: str, **args: object) -> Misconfigured:
    return Misconfigured(
        "the model of {card} is refused: {why}",
        hint=HINT,
        reason="model",
        card=card,
        why=why.format(**args),
    )


def read_card(path: Path) -> Card:
    """Raises Misconfigured: no card, or not one that can be used."""
    import yaml

    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        card = _card(raw, path.parent)
    except OSError as error:
        raise refused(path, "{error}", error=error.strerror or error) from error
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise refused(path, "the card cannot be read ({error!r})", error=error) from error
    for value, known in ((card.normalise, NORMALISE), (card.decode, DECODERS),
                         (card.colour, COLOURS), (card.resize, RESIZE)):  # fmt: skip
        if value not in known:
            raise refused(path, "{value} is none of {known}", value=value, known=", ".join(known))
    if card.colour != "BGR" and card.normalise != "scaled":
        raise refused(path, "normalise: {how} is for BGR", how=card.normalise)
    return card


def _card(raw: Mapping[str, Any], folder: Path) -> Card:
    golden = raw.get("golden", {})
    return Card(
        id=str(raw["id"]),
        version=str(raw["version"]),
        task=str(raw["task"]),
        file=folder / str(raw["file"]),
        sha256=str(raw["sha256"]),
        opset=int(raw["opset"]),
        input=_tensor(raw["input"]),
        normalise=str(raw["input"]["normalise"]),
        outputs=tuple(_tensor(each) for each in raw["outputs"]),
        decode=str(raw["decode"]),
        labels={k: v if isinstance(v, str) else tuple(v) for k, v in raw["labels"].items()},
        options={name: float(value) for name, value in raw.get("options", {}).items()},
        golden=tuple(_golden(each, folder) for each in golden.get("images", ())),
        tolerance=float(golden.get("tolerance", 0.0)),
        about=raw,
        colour=str(raw["input"].get("colour", "BGR")),
        resize=str(raw["input"].get("resize", "stretch")),
        mean=_numbers(raw["input"].get("mean", 0.0)),
        scale=_numbers(raw["input"].get("scale", 1.0)),
    )


def _numbers(raw: Any) -> tuple[float, ...]:
    return tuple(map(float, raw)) if isinstance(raw, list) else (float(raw),)


def _tensor(raw: Mapping[str, Any]) -> Tensor:
    shape = tuple(size if isinstance(size, int) else None for size in raw["shape"])
    return Tensor(str(raw["name"]), shape)


def _golden(raw: Mapping[str, Any], folder: Path) -> Golden:
    expect = {name: tuple(map(float, values)) for name, values in raw["expect"].items()}
    return Golden(folder / str(raw["image"]), expect)


def check_file(card: Card) -> None:
    """Raises Misconfigured when the file is not there or not the one the card describes."""
    folder = card.file.parent
    try:
        data = card.file.read_bytes()
    except OSError as error:
        raise refused(folder, "{error}", error=error.strerror or error) from error
    found = hashlib.sha256(data).hexdigest()
    if found != card.sha256:
        why = "sha256 of {file} is {found}…, not {wanted}…"
        name, wanted = card.file.name, card.sha256[:12]
        raise refused(folder, why, file=name, found=found[:12], wanted=wanted)
    opset = opset_of(data)
    if opset != card.opset:
        raise refused(folder, "opset is {found}, not {wanted}", found=opset, wanted=card.opset)


def opset_of(model: bytes) -> int:
    """The version of the standard operators that an ONNX file asks for; 0 where it names none.

    ModelProto, field 8 (opset_import): domain = 1, version = 2, after onnx.proto.
    """
    for number, value in fields(model):
        if number == 8 and isinstance(value, bytes):
            entry = dict(fields(value))
            if entry.get(1, b"") in (b"", b"ai.onnx") and isinstance(entry.get(2), int):
                return int(entry[2])
    return 0


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message; ends early where it is not one."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        if tag & 7 == 0:
            value, at = _varint(message, at)
            yield tag >> 3, value
        elif tag & 7 == 2:
            size, at = _varint(message, at)
            yield tag >> 3, message[at : at + size]
            at += size
        else:
            size = {1: 8, 5: 4}.get(tag & 7, len(message))
            at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """(value, where it ends)"""
    value = shift = 0
    while at < len(data):
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            break
    return value, at
