"""Reads the gateway's file and the files that its `include:` names."""

from collections.abc import Iterator
from glob import glob, has_magic
from pathlib import Path
from typing import Any

from agent.config.document import Document
from agent.config.mistake import Mistake
from agent.config.source import Source, read_source
from agent.i18n import say

_SECTIONS = ("devices", "wires")


def read_document(file: Path) -> Document | list[Mistake]:
    """All files as one, or everything that keeps them from being that."""
    main = read_source(file)
    if isinstance(main, list):
        return main
    mistakes: list[Mistake] = []
    sources = [main]
    for included in _included(main, mistakes):
        source = read_source(included)
        if isinstance(source, list):
            mistakes += source
        else:
            mistakes += _not_for_here(source, main)
            sources.append(source)
    mistakes += _wires_twice(sources)
    return mistakes or _joined(sources)


def _included(main: Source, mistakes: list[Mistake]) -> list[Path]:
    """Each file once, in the order of the patterns."""
    patterns = main.data.get("include")
    if not isinstance(patterns, list):
        return []  # validation says what is wrong with it
    files: dict[Path, Path] = {}
    for position, pattern in enumerate(patterns):
        if not isinstance(pattern, str):
            continue
        found, wrong = _matches(main.file, pattern)
        if wrong:
            where = ("include", position)
            line = main.place(where)[0]
            mistakes.append(Mistake(main.file, line, f"include[{position}]", wrong))
        files |= {path.resolve(): path for path in found if path.resolve() not in files}
    return list(files.values())


def _matches(main: Path, pattern: str) -> tuple[list[Path], str]:
    """What the pattern names, and what is wrong with it."""
    if "\\" in pattern:
        return [], say("write / between folders, not \\")
    # Unlike pathlib's, this glob leaves hidden files out: editors leave some behind.
    names = sorted(glob(pattern, root_dir=main.parent, recursive=True))  # noqa: PTH207  as said above
    found = [main.parent / name for name in names]
    if any(path.resolve() == main.resolve() for path in found):
        return [], say("would include this file itself; keep the others in a folder of their own")
    if not found and not has_magic(pattern):
        return [], say("there is no such file; correct the name, or create it")
    return found, ""


def _not_for_here(source: Source, main: Source) -> Iterator[Mistake]:
    """An included file holds devices and wires, and does not include others."""
    for key in source.data:
        if key == "include":
            words = say(
                "an included file cannot include others; name them in {main}", main=main.file
            )
        elif key not in _SECTIONS:
            words = say(
                "an included file holds `devices:` and `wires:` only; write this in {main}",
                main=main.file,
            )
        else:
            words = _shape(key, source.data[key])
        if words:
            yield Mistake(source.file, source.place((key,))[0], key, words)


def _shape(key: str, value: Any) -> str:
    if key == "devices" and not isinstance(value, list | None):
        return say("write a list here, each entry on a line of its own that begins with `- `")
    if key == "wires" and not isinstance(value, dict | None):
        return say("write settings below it, one `key: value` a line, indented")
    return ""


def _wires_twice(sources: list[Source]) -> Iterator[Mistake]:
    first: dict[str, Source] = {}
    for source in sources:
        for name in _section(source, "wires", dict):
            if name not in first:
                first[name] = source
                continue
            there = first[name]
            yield Mistake(
                source.file,
                source.place(("wires", name))[0],
                f"wires.{name}",
                say(
                    "is in {file}:{line} too; keep one of them",
                    file=there.file,
                    line=there.place(("wires", name))[0],
                ),
            )


def _joined(sources: list[Source]) -> Document:
    main = sources[0]
    data = {key: value for key, value in main.data.items() if not _all_in_comments(main, key)}
    devices = tuple(
        (source, position)
        for source in sources
        for position, _ in enumerate(_section(source, "devices", list))
    )
    wires = {name: source for source in sources for name in _section(source, "wires", dict)}
    if isinstance(data.get("devices", []), list) and devices:
        data["devices"] = [source.data["devices"][position] for source, position in devices]
    if isinstance(data.get("wires", {}), dict) and wires:
        data["wires"] = {name: source.data["wires"][name] for name, source in wires.items()}
    return Document(main, data, devices, wires, tuple(source.file for source in sources))


def _all_in_comments(source: Source, key: str) -> bool:
    """`uplinks:` with nothing below it."""
    span = source.values[(key,)]
    return source.data[key] is None and span.start == span.end


def _section(source: Source, key: str, kind: type[Any]) -> Any:
    value = source.data.get(key)
    return value if isinstance(value, kind) else kind()
