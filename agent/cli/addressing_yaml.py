"""Entries for the configuration: as text to paste, or into a file that is then checked as a whole.

An edit adds lines or replaces one value; every other character of the file stays. The file as it
was is kept beside it (`.bak`), and comes back when the configuration is not sound with the new one.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from agent.contract import Misconfigured

if TYPE_CHECKING:
    from agent.config.mistake import KeyPath
    from agent.config.source import Source


def entry(name: str, driver: str, wire: str, options: Mapping[str, str | int]) -> str:
    """One item of `devices:`."""
    import yaml

    device = {"id": name, "driver": driver, "wire": wire, **options}
    text = yaml.safe_dump([device], sort_keys=False, allow_unicode=True)
    return "".join(f"  {line}\n" for line in text.splitlines())


def add_device(file: Path, main: Path, text: str) -> None:
    """Appends an entry to the `devices:` of a file that `main` includes, or of `main` itself.
    Raises Misconfigured, and then the file is as it was."""
    if not file.exists():
        replace(file, f"devices:\n{text}", main)
        return
    replace(file, _with_item(source_of(file), text), main)


def set_value(main: Path, device: str, key: str, value: str) -> Path:
    """Writes one setting of a device where the device is written; returns the file.
    Raises Misconfigured, and then the file is as it was."""
    file, position = _home(main, device)
    replace(file, with_value(source_of(file), ("devices", position), "id", key, value), main)
    return file


def source_of(file: Path) -> "Source":
    """Raises Misconfigured."""
    from agent.config.load import refusal
    from agent.config.source import read_source

    source = read_source(file)
    if isinstance(source, list):
        raise refusal(file, source)
    return source


def _home(main: Path, device: str) -> tuple[Path, int]:
    from agent.config.include import read_document
    from agent.config.load import refusal

    document = read_document(main)
    if isinstance(document, list):
        raise refusal(main, document)
    for source, position in document.devices:
        if source.data["devices"][position].get("id") == device:
            return source.file, position
    raise Misconfigured(
        "{file} has no device '{name}'",
        hint="give the settings with --config",
        file=main,
        name=device,
    )


def _with_item(source: "Source", text: str) -> str:
    """The item after the last one, as far from the margin as that is."""
    items = source.data.get("devices")
    if not items:
        if "devices" in source.data:
            raise by_hand(source.file)
        return _ended(source.text) + f"devices:\n{text}"
    last: KeyPath = ("devices", len(items) - 1)
    ends = [span.end for at, span in source.values.items() if at[:2] == last and span.scalar]
    end = line_end(source.text, max(ends))
    margin = _margin(source, last)
    shifted = "".join(margin + line[2:] for line in text.splitlines(keepends=True))
    return _ended(source.text[:end]) + shifted + source.text[end:].removeprefix("\n")


def _margin(source: "Source", item: "KeyPath") -> str:
    """What stands before the dash of an item."""
    start = source.keys[item].start
    line = source.text[source.text.rfind("\n", 0, start) + 1 : start]
    before, dash, _ = line.partition("-")
    if not dash or before.strip():
        raise by_hand(source.file)
    return before


def with_value(source: "Source", item: "KeyPath", anchor: str, key: str, value: str) -> str:
    """The text with that value; a new key comes behind the key `anchor` of the same item."""
    text, written = source.text, json.dumps(value, ensure_ascii=False)
    if old := source.values.get((*item, key)):
        return text[: old.start] + written + text[old.end :]
    start, end = source.keys[(*item, anchor)].start, source.values[(*item, anchor)].end
    if text[source.values[item].start] == "{":
        return f"{text[:end]}, {key}: {written}{text[end:]}"
    column = start - text.rfind("\n", 0, start) - 1
    end = line_end(text, end)
    return f"{_ended(text[:end])}{' ' * column}{key}: {written}\n" + text[end:].removeprefix("\n")


def line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def by_hand(file: Path) -> Misconfigured:
    return Misconfigured(
        "{file} is written in a way that only a person can add to",
        hint="paste the lines by hand, then: fieldgate check",
        file=file,
    )


def replace(file: Path, text: str, main: Path) -> None:
    """New file, fsync, rename; then all is read as the service would. Raises Misconfigured, and
    then the file is as it was."""
    from agent.config.load import examine, refusal

    before = file.read_bytes() if file.exists() else None
    if before is not None:
        _write(file.with_name(file.name + ".bak"), before)
    _write(file, text.encode())
    configuration, mistakes = examine(main)
    if configuration is not None and file.resolve() in {f.resolve() for f in configuration.files}:
        return
    if before is None:
        file.unlink()
    else:
        _write(file, before)
    if mistakes:
        raise refusal(main, mistakes)
    raise Misconfigured(
        "{main} does not include {file}",
        hint="add it to `include:`, like devices/*.yaml",
        main=main,
        file=file,
    )


def _write(file: Path, data: bytes) -> None:
    fresh = file.with_name(file.name + ".new")
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o644
    try:
        with fresh.open("wb") as to:
            os.fchmod(to.fileno(), mode)
            to.write(data)
            to.flush()
            os.fsync(to.fileno())
        fresh.replace(file)
    except OSError as error:
        raise Misconfigured(
            "{file} cannot be written: {why}",
            hint="use sudo, or paste the lines by hand",
            file=file,
            why=error.strerror or error,
        ) from error
