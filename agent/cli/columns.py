"""Tables for a terminal, where a Chinese character takes two columns."""

import unicodedata
from collections.abc import Sequence

ELLIPSIS = "…"


def width(text: str) -> int:
    """Columns that the text takes."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Cf", "Cc"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def clip(text: str, columns: int) -> str:
    """The text, or as much of it as fits with an ellipsis."""
    if width(text) <= columns:
        return text
    kept, room = [], columns - 1
    for character in text:
        room -= _columns(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept) + ELLIPSIS


def pad(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))


def table(rows: Sequence[Sequence[str]], limit: int, *, gap: int = 2) -> list[str]:
    """Lines of at most `limit` columns; where that is too few, the widest column gives way."""
    if not rows:
        return []
    widths = [max(width(row[i]) for row in rows) for i in range(len(rows[0]))]
    excess = sum(widths) + gap * (len(widths) - 1) - limit
    if excess > 0:
        widest = widths.index(max(widths))
        widths[widest] = max(1, widths[widest] - excess)
    space = " " * gap
    return [
        space.join(
            pad(clip(cell, columns), columns) for cell, columns in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def wrap(text: str, limit: int, indent: str = "") -> list[str]:
    """Lines of at most `limit` columns, broken at spaces where there are some."""
    lines, line = [], ""
    for word in _words(text):
        if line and width(indent + line + word.rstrip()) > limit:
            lines.append(indent + line.rstrip())
            line = ""
        line += word
    return [*lines, indent + line.rstrip()] if line else lines


def _words(text: str) -> list[str]:
    """Pieces that a line may be broken after: words with their space, wide characters alone."""
    pieces: list[str] = []
    for character in text:
        joins = pieces and pieces[-1][-1] != " " and _columns(pieces[-1][-1]) < 2
        if (joins and _columns(character) < 2) or (character == " " and pieces):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces
