"""The look of `fieldgate privacy audit`: plate-like texts and pictures in a store. Reads only."""

import re
import sqlite3
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.buffer.export import rows
from agent.buffer.schema import FILE
from agent.contract import STREAMS

P = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
APART = re.compile(r"[\W_]+")  # what people and printers put between characters
HAN = re.compile(
    f"[{P}][A-Z][A-Z0-9]{{4,6}}|[{P}][A-Z][A-Z0-9]{{4}}[警学挂领港澳]|使[0-9]{{6}}|WJ[{P}][0-9]{{4}}[A-Z0-9]"
)
MILITARY = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[·. -]?[A-Z0-9][0-9]{4}(?![A-Za-z0-9])")
ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
LARGEST = 16 * 10**6  # bytes of a file that is read for texts


@dataclass(slots=True)
class Found:
    records: int = 0
    files: int = 0
    texts: Counter[str] = field(default_factory=Counter)  # where -> texts like a plate
    pictures: int = 0
    size: int = 0  # bytes
    oldest: float = 0.0  # s
    orphans: int = 0
    findings: list[dict[str, str]] = field(default_factory=list)

    def say(self, what: str, where: str) -> None:
        self.findings.append({"what": what, "where": where})

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def like_a_plate(text: str) -> bool:
    """Any kind of Chinese plate, also in full width, lower case, escaped or spaced."""
    plain = ESCAPE.sub(lambda one: chr(int(one[1], 16)), text)
    plain = unicodedata.normalize("NFKC", plain)
    return bool(HAN.search(APART.sub("", plain).upper()) or MILITARY.search(plain))


def look(
    store: sqlite3.Connection, folder: Path, now: float, max_age: float, *, no_plates: bool
) -> Found:
    """`now`: unix time; `max_age`: s that a picture may stay."""
    found, named = Found(), set[str]()
    for stream in STREAMS:
        for row in rows(store, stream, None, None):
            found.records += 1
            where = f"{stream} {row['epoch']}/{row['seq']}"
            texts = list(_texts({**row, "epoch": "", "time": ""}))
            named.update(texts)
            if any(map(like_a_plate, texts)):
                found.texts[stream] += 1
                if no_plates:
                    found.say("text like a plate", where)
            if no_plates and (stream == "media") and "plate" in texts:
                found.say("picture of a plate", where)
    _pictures(found, folder / "media", named, now, max_age)
    _files(found, folder, no_plates=no_plates)
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from (*_texts(key), *_texts(one))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def _pictures(found: Found, media: Path, named: set[str], now: float, max_age: float) -> None:
    if not media.is_dir():
        return
    if media.stat().st_mode & 0o077:
        found.say("folder that others may read", "media")
    for file in sorted(media.iterdir()):
        about = file.stat()
        age = now - about.st_mtime
        found.pictures, found.size = found.pictures + 1, found.size + about.st_size
        found.oldest = max(found.oldest, age)
        found.orphans += file.name.split(".")[0] not in named
        if age > max_age:
            found.say("picture that is too old", file.name)
        if about.st_mode & 0o077:
            found.say("file that others may read", file.name)


def _files(found: Found, folder: Path, *, no_plates: bool) -> None:
    """All but the store's database and the pictures."""
    for file in sorted(folder.rglob("*")):
        inner = file.relative_to(folder)
        if not file.is_file() or file.name.startswith(FILE) or inner.parts[0] == "media":
            continue
        found.files += 1
        if file.stat().st_size > LARGEST:
            found.say("file too large to be read", str(inner))
        elif any(map(like_a_plate, file.read_bytes().decode(errors="replace").splitlines())):
            found.texts[str(inner)] += 1
            if no_plates:
                found.say("text like a plate", str(inner))
