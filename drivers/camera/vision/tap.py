"""What the last layer of a net takes, as one more output of its ONNX file. After onnx.proto."""

from drivers.camera.vision.card import fields

SHAPING = frozenset({b"Squeeze", b"Reshape", b"Flatten", b"Identity"})
LAST = frozenset({b"Gemm", b"MatMul"})


def inner(model: bytes, output: str) -> str | None:
    """The name of what the last layer before `output` takes; None where that is no linear one."""
    makers = _makers(model)
    name = output.encode()
    for _ in makers:
        kind, source = makers.get(name, (b"", b""))
        if kind in LAST:
            return source.decode()
        if kind not in SHAPING:
            return None
        name = source
    return None


def tapped(model: bytes, name: str) -> bytes:
    """The model with that value as its last output: messages of protobuf that follow each other are
    merged, so what is appended adds to the graph (7) one output (12) with a name (1)."""
    return model + _block(7, _block(12, _block(1, name.encode())))


def _makers(model: bytes) -> dict[bytes, tuple[bytes, bytes]]:
    """Each value: the operator that makes it, and its first input. NodeProto: 1, 2, 4 are inputs,
    outputs, operator."""
    found: dict[bytes, tuple[bytes, bytes]] = {}
    graph = next((v for n, v in fields(model) if n == 7 and isinstance(v, bytes)), b"")
    for number, node in fields(graph):
        if number == 1 and isinstance(node, bytes):
            parts = [(n, v) for n, v in fields(node) if isinstance(v, bytes)]
            inputs = [v for n, v in parts if n == 1]
            kind = next((v for n, v in parts if n == 4), b"")
            found |= {v: (kind, inputs[0]) for n, v in parts if n == 2 and inputs}
    return found


def _block(field: int, body: bytes) -> bytes:
    size, length = bytearray(), len(body)
    while length > 0x7F:
        size.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([field << 3 | 2, *size, length]) + body
