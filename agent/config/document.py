"""The gateway's file and the files it includes, as one mapping that knows where all is from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.config import damage
from agent.config.mistake import KeyPath, Mistake, dotted
from agent.config.source import Source, Span
from agent.config.syntax import odd_character


@dataclass(frozen=True, slots=True)
class Document:
    """Paths count devices through all files; mistakes count them within their own file."""

    main: Source
    data: dict[str, Any]
    devices: tuple[tuple[Source, int], ...]  # where each entry of data["devices"] stands
    wires: Mapping[str, Source]
    files: tuple[Path, ...]

    def at(self, where: KeyPath) -> Any:
        """What is written there, None where nothing is."""
        value: Any = self.data
        for step in where:
            try:
                value = value[step]
            except (LookupError, TypeError):
                return None
        return value

    def written(self, where: KeyPath) -> KeyPath:
        """The steps of `where` that are in a file; others (union tags) are stepped over."""
        known: KeyPath = ()
        value: Any = self.data
        for step in where:
            try:
                value = value[step]
            except (LookupError, TypeError):
                continue
            known = (*known, step)
        return known

    def place(self, where: KeyPath) -> tuple[Path, int]:
        """File and line of the deepest written step of `where`."""
        source, local = self._origin(where)
        return source.file, source.place(local)[0]

    def mistake(self, where: KeyPath, problem: str, *, key: bool = False) -> Mistake:
        """`problem` with the value at `where` (or its key). When a character of a foreign
        keyboard stands in it, that is what is said."""
        source, local = self._origin(where)
        span = (source.keys if key else source.values).get(local)
        for offset in _odd(source.text, span):
            return odd_character(source.file, source.text, offset, dotted(local))
        return Mistake(source.file, source.place(local)[0], dotted(local), problem)

    def _origin(self, where: KeyPath) -> tuple[Source, KeyPath]:
        match where:
            case ("devices", int(position), *rest) if position < len(self.devices):
                source, local = self.devices[position]
                return source, ("devices", local, *rest)
            case ("wires", str(name), *_) if name in self.wires:
                return self.wires[name], where
            case _:
                return self.main, where


def _odd(text: str, span: Span | None) -> Iterator[int]:
    """Odd characters of a scalar, those where syntax is expected first."""
    if span is None or not span.scalar:
        return
    near = damage.suspects(text, span.start, span.end)
    yield from (offset for offset in near if span.start <= offset < span.end)
    found = damage.first(text[span.start : span.end])
    if found is not None:
        yield span.start + found
