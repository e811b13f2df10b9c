"""What the camera's process and its parent say to each other.

A message is a JSON header and pictures: 4 bytes of the header's length, the header, the pictures
one after the other; the header's `blobs` has their lengths. The parent believes nothing: the child
parses bytes from the network, so what it says is checked for form and size before it is used.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from agent.contract import Picture, Value
from drivers.camera.jpeg import size_of

HEAD = 4  # bytes
MOST_BLOBS = 8
LONGEST_TEXT = 200  # characters of any text from the child
MOST_ENTRIES = 40  # of an event's data
MOST = 2**53  # of any number
LONGEST_LOOKS = 60_000  # characters
MOST_LOOKS = 10_000  # between two counts of agreement
KINDS = ("ready", "measured", "happened", "frames", "snapshot", "remember", "refused", "shadow",
         "looks")  # fmt: skip
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_KIND = re.compile(r"[a-z][a-z_]{0,30}(\.[a-z][a-z_]{0,30})?")


class Nonsense(ValueError):
    """The child said what it never would."""


@dataclass(slots=True)
class Allowance:
    """How much a child may say: some at once, so much a second on the long run. Raises Nonsense."""

    left: float = 3000.0
    per_second: float = 50.0
    _at: float | None = None

    def spend(self, now: float) -> None:
        if self._at is not None:
            self.left = min(3000.0, self.left + self.per_second * (now - self._at))
        self._at = now
        self.left -= 1
        if self.left < 0:
            raise Nonsense("too much at once")


@dataclass(frozen=True, slots=True)
class Message:
    kind: str
    body: Mapping[str, Any]
    blobs: tuple[bytes, ...] = ()


def encode(kind: str, body: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> bytes:
    sizes = [len(blob) for blob in blobs]
    head = json.dumps({"kind": kind, "body": body, "blobs": sizes}, ensure_ascii=False).encode()
    return len(head).to_bytes(HEAD, "big") + head + b"".join(blobs)


def decode(data: bytes) -> Message:
    """Raises Nonsense."""
    size = int.from_bytes(data[:HEAD], "big")
    try:
        head = json.loads(data[HEAD : HEAD + size])
        kind, body, sizes = head["kind"], head["body"], head["blobs"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise Nonsense("no header") from error
    sound = isinstance(kind, str) and isinstance(body, dict) and isinstance(sizes, list)
    if not sound or len(sizes) > MOST_BLOBS or any(type(n) is not int or n < 0 for n in sizes):
        raise Nonsense("a header of another shape")
    blobs, at = [], HEAD + size
    for length in sizes:
        blobs.append(data[at : at + length])
        at += length
    if at != len(data):
        raise Nonsense(f"{len(data)} bytes instead of {at}")
    return Message(kind, body, tuple(blobs))


def instant(message: Message, now: float, oldest: float) -> float:
    """The boot-time second that it is about: not in the future, at most `oldest` s ago."""
    at = message.body.get("at")
    if not isinstance(at, float) or not now - oldest <= at <= now + 1.0:
        raise Nonsense("a time that is not now")
    return min(at, now)


def measured(message: Message, points: Sequence[str]) -> tuple[str, Value | None, str]:
    """(point, value, reason)."""
    point, value = message.body.get("point"), message.body.get("value")
    reason = message.body.get("reason", "")
    if point not in points or not _is_value(value) or not _is_reason(reason):
        raise Nonsense("a measurement of another shape")
    if (value is None) != bool(reason):
        raise Nonsense("a value with a reason against it, or none without")
    return str(point), value, str(reason)


def counted(message: Message, models: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Of each model on trial, by its sha256: looks, of which it agreed."""
    told = message.body.get("counted")
    if not isinstance(told, dict) or not set(told) <= set(models):
        raise Nonsense("a count of another shape")
    found = {}
    for model, pair in told.items():
        whole = isinstance(pair, list) and len(pair) == 2 and all(type(n) is int for n in pair)
        if not whole or not 0 <= pair[1] <= pair[0] <= MOST_LOOKS:
            raise Nonsense("a count of another shape")
        found[str(model)] = (pair[0], pair[1])
    return found


def looks(message: Message) -> str:
    """What its looks said of its spaces, as `Looks.to_text` writes it."""
    told = message.body.get("looks")
    if not isinstance(told, str) or len(told) > LONGEST_LOOKS:
        raise Nonsense("looks of another shape")
    return told


def happened(
    message: Message, kinds: Sequence[str], subjects: Sequence[str]
) -> tuple[str, str, dict[str, Value | None]]:
    """(kind, subject, data)."""
    kind, subject, data = (message.body.get(key) for key in ("kind", "subject", "data"))
    if kind not in kinds or subject not in subjects or not isinstance(data, dict):
        raise Nonsense("an event of another shape")
    if len(data) > MOST_ENTRIES:
        raise Nonsense("an event that says too much")
    for key, value in data.items():
        if not _ID.fullmatch(key) or not _is_value(value):
            raise Nonsense("an event of another shape")
    return str(kind), str(subject), dict(data)


def pictures(message: Message) -> tuple[Picture, ...]:
    """One for each blob; `body["pictures"]` has (role, width, height) of each."""
    about = message.body.get("pictures", [])
    if not isinstance(about, list) or len(about) != len(message.blobs):
        raise Nonsense("pictures that are not described")
    found = []
    for (role, width, height), jpeg in zip(map(_described, about), message.blobs, strict=True):
        if size_of(jpeg) != (width, height):
            raise Nonsense("a picture that is none")
        found.append(Picture(jpeg, width, height, role))
    return tuple(found)


def _described(about: Any) -> tuple[str, int, int]:
    if not isinstance(about, list) or len(about) != 3:
        raise Nonsense("pictures that are not described")
    role, width, height = about
    sizes = all(type(n) is int and 0 < n <= 16384 for n in (width, height))
    if role not in ("scene", "vehicle", "plate") or not sizes:
        raise Nonsense("pictures that are not described")
    return role, width, height


def text(value: Any) -> str:
    """A word of the child's that people read. Raises Nonsense."""
    if not isinstance(value, str) or not _is_value(value):
        raise Nonsense("a text of another shape")
    return value


def number(value: Any) -> int:
    """Raises Nonsense."""
    if type(value) is not int or not 0 <= value <= MOST:
        raise Nonsense("no number")
    return value


def _is_value(value: Any) -> bool:
    """Text without control characters or halves of characters, or a finite number."""
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT and value.isprintable()
    if isinstance(value, int | float):
        return isfinite(value) and abs(value) <= MOST
    return value is None


def _is_reason(reason: Any) -> bool:
    return reason == "" or (isinstance(reason, str) and bool(_KIND.fullmatch(reason)))
