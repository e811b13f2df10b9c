"""One mistake in a configuration: where it stands, what is wrong, what to write instead."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agent.i18n import say

KeyPath = tuple[str | int, ...]

_SHOWABLE = re.compile(r"[\w .-]{1,64}")


@dataclass(frozen=True, slots=True)
class Mistake:
    """`line` and `column` count from 1; 0: the whole file, or the whole line.

    `path` is dotted, "" where only the place in the text is known. `problem` is a sentence in the
    language of this process and never holds a value that may be a secret.
    """

    file: Path
    line: int
    path: str
    problem: str
    column: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        column = say("column {column}", column=self.column) if self.column else ""
        return ": ".join(part for part in (place, self.path, column, self.problem) if part)


def in_order(mistakes: Iterable[Mistake]) -> tuple[Mistake, ...]:
    """By file and line, each said once."""
    return tuple(sorted(set(mistakes), key=lambda m: (str(m.file), m.line, m.column, m.path)))


def dotted(where: KeyPath) -> str:
    """`devices[1].every`. A key that may be anything, an address perhaps, becomes `…`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{_shown(step)}" for step in where)
    return text.lstrip(".")


def _shown(key: str) -> str:
    return key if _SHOWABLE.fullmatch(key) else "…"
