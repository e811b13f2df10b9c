"""Validation errors as mistakes: at their place in the file, in a technician's words."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from agent.config.document import Document
from agent.config.mistake import KeyPath, Mistake
from agent.config.names import names_at, unknown
from agent.config.words import problem
from agent.contract.settings import WRONG

_NAMED = re.compile(r"`(\w+):")


def named_keys(sentence: str) -> list[str]:
    """The settings that a sentence names: `port:`, `wire:`."""
    return _NAMED.findall(sentence)


def explain(
    error: ValidationError,
    document: Document,
    model: type[BaseModel],
    under: KeyPath = (),
    beside: frozenset[str] = frozenset(),
) -> Iterator[Mistake]:
    """One mistake a place. The model validated what stands at `under`, where the names `beside`
    may be written, too."""
    sentences: dict[tuple[KeyPath, bool], list[str]] = {}
    for details in error.errors(include_url=False):
        where, key = _where(details, document, under)
        if details["type"] == "too_short" and _enough(document.at(where), details["ctx"]):
            continue  # entries are there, but not all are valid: that is told of each
        names = _names(details, model, document, under, beside)
        words = _words(details, document.at(where), names)
        said = sentences.setdefault((where, key), [])
        if words not in said:
            said.append(words)
    for (where, key), said in sentences.items():
        yield document.mistake(where, " / ".join(said), key=key)


def _enough(written: object, context: Mapping[str, Any]) -> bool:
    return isinstance(written, list | dict) and len(written) >= context["min_length"]


def _where(details: ErrorDetails, document: Document, under: KeyPath) -> tuple[KeyPath, bool]:
    """The place to edit, and whether the key there is at fault, not its value."""
    further = details.get("ctx", {}).get("where", ()) if details["type"] == WRONG else ()
    where = document.written((*under, *details["loc"], *further))
    match details["type"]:
        case "missing":
            return (*document.written((*under, *details["loc"][:-1])), details["loc"][-1]), False
        case "extra_forbidden":
            return where, True
        case "value_error":
            named = [(*where, name) for name in named_keys(details["msg"])]
            written = (place for place in named if document.written(place) == place)
            return next(written, where), details["loc"][-1:] == ("[key]",)
    return where, False


def _names(
    details: ErrorDetails,
    model: type[BaseModel],
    document: Document,
    under: KeyPath,
    beside: frozenset[str],
) -> set[str]:
    within = document.written((*under, *details["loc"]))[len(under) : -1]
    return names_at(model, within) | (beside if not within else set())


def _words(details: ErrorDetails, written: object, names: set[str]) -> str:
    if details["type"] == "extra_forbidden":
        return unknown(str(details["loc"][-1]), names)
    return problem(details["type"], details["msg"], details.get("ctx", {}), written)
