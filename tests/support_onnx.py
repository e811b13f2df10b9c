"""ONNX files that always give the same numbers, written by hand: onnx is no dependency.

Field numbers after onnx.proto. A model has one input, which it does not look at, and for each
output a constant that goes through an Identity.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

FLOAT, OPSET, IR = 1, 17, 8
Values = NDArray[np.float32]


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def block(field: int, body: bytes | str) -> bytes:
    data = body.encode() if isinstance(body, str) else body
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _value(name: str, shape: tuple[int, ...]) -> bytes:
    """ValueInfoProto"""
    sizes = b"".join(block(1, number(1, size)) for size in shape)
    return block(1, name) + block(2, block(1, number(1, FLOAT) + block(2, sizes)))


def _tensor(name: str, values: Values) -> bytes:
    """TensorProto"""
    sizes = b"".join(number(1, size) for size in values.shape)
    data = np.asarray(values, "<f4").tobytes()
    return sizes + number(2, FLOAT) + block(8, name) + block(9, data)


def constant_model(shape: tuple[int, ...], outputs: Mapping[str, Values]) -> bytes:
    """ModelProto"""
    graph = block(2, "constants")
    for name, values in outputs.items():
        node = block(1, f"{name}_is") + block(2, name) + block(4, "Identity")
        graph += block(1, node) + block(5, _tensor(f"{name}_is", values))
        graph += block(12, _value(name, values.shape))
    graph += block(11, _value("image", shape))
    return number(1, IR) + block(7, graph) + block(8, block(1, "") + number(2, OPSET))


def write_model(
    folder: Path, task: str, shape: tuple[int, ...], outputs: Mapping[str, Values], **card: Any
) -> Path:
    """The folder, with model and card; `card`: what differs from a plain one."""
    folder.mkdir(parents=True, exist_ok=True)
    data = constant_model(shape, outputs)
    (folder / "model.onnx").write_bytes(data)
    told = {"layout": "NCHW", "colour": "RGB", "resize": "letterbox", "normalise": "scaled",
            "mean": 0.0, "scale": 0.00392156862745098, **card.pop("input", {})}  # fmt: skip
    whole = {
        "id": "foreign",
        "version": "7",
        "task": task,
        "file": "model.onnx",
        "sha256": hashlib.sha256(data).hexdigest(),
        "opset": OPSET,
        "precision": "fp32",
        "input": {"name": "image", "shape": list(shape), **told},
        "outputs": [{"name": n, "shape": list(v.shape)} for n, v in outputs.items()],
        "labels": {},
        "options": {},
        **card,
    }
    text = yaml.safe_dump(whole, sort_keys=False, allow_unicode=True)
    (folder / "card.yaml").write_text(text, encoding="utf-8")
    return folder
