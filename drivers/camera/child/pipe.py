"""The child's end of the pipe: whole messages out, wishes in, and a heartbeat while it works."""

import json
import os
import select
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from drivers.camera import messages

HEAD = 4  # bytes
BEAT = 1.0  # s between two signs of life


class Pipe:
    """Takes stdout for itself: what a library prints goes to stderr."""

    def __init__(self) -> None:
        self._in = sys.stdin.fileno()
        self._out = os.dup(sys.stdout.fileno())
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        self._beaten = 0.0

    def setup(self) -> Mapping[str, Any]:
        """The first message. Ends the process when the parent has gone."""
        told: dict[str, Any] = json.loads(self._read())
        return told

    def wishes(self) -> list[Mapping[str, Any]]:
        """What the parent has asked for meanwhile."""
        found = []
        while select.select([self._in], [], [], 0)[0]:
            found.append(json.loads(self._read()))
        return found

    def tell(self, kind: str, body: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> None:
        self._write(messages.encode(kind, body, blobs))

    def beat(self) -> None:
        """Called at every turn of the work; says that it goes on."""
        if time.monotonic() - self._beaten >= BEAT:
            self._beaten = time.monotonic()
            self._write(b"")

    def _write(self, message: bytes) -> None:
        left = memoryview(len(message).to_bytes(HEAD, "big") + message)
        while left:
            left = left[os.write(self._out, left) :]

    def _read(self) -> bytes:
        return self._exactly(int.from_bytes(self._exactly(HEAD), "big"))

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = os.read(self._in, size - len(parts))
            if not part:
                raise SystemExit(0)
            parts += part
        return bytes(parts)
