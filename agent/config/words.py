"""Each kind of validation error as a technician's sentence.

Nothing of what was written is repeated: it may be a secret. Limits and choices come from the
settings models and are shown.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from agent.contract.settings import WRONG
from agent.i18n import say, translate

_DURATION = re.compile(r"[0-9.]+ ?(?:ms|s|min|m|h|d)")
_SIZE = re.compile(r"[0-9.]+ ?[KMG]?B", re.IGNORECASE)
_CHOICE = re.compile(r"'([^']*)'|(-?[0-9.]+|true|false)", re.IGNORECASE)
_PREFIXES = ("Value error, ", "Assertion failed, ")

Context = Mapping[str, Any]


def problem(kind: str, message: str, context: Context, written: Any) -> str:
    """`kind`, `message`, `context` as pydantic gives them; `written` is what stands in the file."""
    if kind in {"value_error", "assertion_error"}:
        for prefix in _PREFIXES:
            message = message.removeprefix(prefix)
        return translate(message)
    if kind == WRONG:
        return say(context["sentence"], **context["values"])
    if written is None and kind.endswith(("_type", "_parsing")):
        return say("has no value; write one behind the ':', or delete the line")
    for kinds, words in _SENTENCES:
        if kind in kinds:
            return words(context, written)
    if kind in _known_kinds():
        return say("this value cannot be used here; compare it with gateway.example.yaml")
    return translate(message)  # a driver's own sentence


def duration(seconds: float) -> str:
    """`500ms`, `5s`, `2h`: as one writes it."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s" if seconds >= 1 or seconds == 0 else f"{seconds * 1000:g}ms"


def size(count: float) -> str:
    """`500MB`, `2GB`: as one writes it."""
    for unit, one in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if count >= one and count % one == 0:
            return f"{count / one:g}{unit}"
    return f"{count:g}B"


def choices(expected: str) -> list[str]:
    """Out of pydantic's `'a', 'b' or 'c'`."""
    return [quoted or bare for quoted, bare in _CHOICE.findall(expected)]


def _limit(value: Any, written: Any) -> str:
    if isinstance(written, str) and isinstance(value, int | float):
        if _DURATION.fullmatch(written):
            return duration(value)
        if _SIZE.fullmatch(written):
            return size(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _text(_: Context, written: Any) -> str:
    if isinstance(written, list | dict):
        return say("write one text here, not a list or settings below it")
    return say('write text here, in quotes: "…"')


def _settings(_: Context, __: Any) -> str:
    return say("write settings below it, one `key: value` a line, indented")


def _list(_: Context, __: Any) -> str:
    return say("write a list here, each entry on a line of its own that begins with `- `")


def _one_of(context: Context, written: Any) -> str:
    from difflib import get_close_matches

    names = choices(str(context.get("expected") or context.get("expected_tags") or ""))
    close = get_close_matches(str(written).lower(), names, n=1)
    if close:
        return say(
            "write one of: {choices}; did you mean '{close}'?",
            choices=", ".join(names),
            close=close[0],
        )
    return say("write one of: {choices}", choices=", ".join(names))


def _at_least(key: str) -> Callable[[Context, Any], str]:
    return lambda context, written: say(
        "is too small; write at least {limit}", limit=_limit(context[key], written)
    )


def _at_most(key: str) -> Callable[[Context, Any], str]:
    return lambda context, written: say(
        "is too large; write at most {limit}", limit=_limit(context[key], written)
    )


def _more_than(context: Context, written: Any) -> str:
    return say("is too small; write more than {limit}", limit=_limit(context["gt"], written))


def _less_than(context: Context, written: Any) -> str:
    return say("is too large; write less than {limit}", limit=_limit(context["lt"], written))


def _too_few(context: Context, _: Any) -> str:
    return say("has too few entries; write at least {limit}", limit=context["min_length"])


def _too_many(context: Context, _: Any) -> str:
    return say("has too many entries; write at most {limit}", limit=context["max_length"])


def _too_short(context: Context, _: Any) -> str:
    return say("is too short; write at least {limit} characters", limit=context["min_length"])


def _too_long(context: Context, _: Any) -> str:
    return say("is too long; write at most {limit} characters", limit=context["max_length"])


def _whole(_: Context, __: Any) -> str:
    return say("write a whole number, without quotes and unit")


def _number(_: Context, __: Any) -> str:
    return say("write a number, without unit")


def _yes_or_no(_: Context, __: Any) -> str:
    return say("write true or false")


def _form(_: Context, __: Any) -> str:
    return say("does not have the form that is expected; compare it with gateway.example.yaml")


def _missing(_: Context, __: Any) -> str:
    return say("is required and is not there; add it")


_SENTENCES: tuple[tuple[frozenset[str], Callable[[Context, Any], str]], ...] = (
    (frozenset({"missing", "missing_argument", "union_tag_not_found"}), _missing),
    (frozenset({"string_type", "string_unicode", "bytes_type", "path_type"}), _text),
    (frozenset({"model_type", "model_attributes_type", "dict_type", "mapping_type"}), _settings),
    (frozenset({"dataclass_type", "arguments_type", "named_tuple_type"}), _settings),
    (frozenset({"list_type", "tuple_type", "set_type", "frozen_set_type"}), _list),
    (frozenset({"iterable_type", "deque_type"}), _list),
    (frozenset({"literal_error", "enum", "union_tag_invalid"}), _one_of),
    (frozenset({"int_type", "int_parsing", "int_parsing_size", "int_from_float"}), _whole),
    (frozenset({"float_type", "float_parsing", "finite_number", "decimal_type"}), _number),
    (frozenset({"decimal_parsing", "complex_type", "fraction_type"}), _number),
    (frozenset({"bool_type", "bool_parsing"}), _yes_or_no),
    (frozenset({"greater_than_equal"}), _at_least("ge")),
    (frozenset({"greater_than"}), _more_than),
    (frozenset({"less_than_equal"}), _at_most("le")),
    (frozenset({"less_than"}), _less_than),
    (frozenset({"too_short"}), _too_few),
    (frozenset({"too_long"}), _too_many),
    (frozenset({"string_too_short", "bytes_too_short"}), _too_short),
    (frozenset({"string_too_long", "bytes_too_long", "url_too_long"}), _too_long),
    (frozenset({"string_pattern_mismatch", "string_not_ascii", "url_parsing"}), _form),
)


def _known_kinds() -> frozenset[str]:
    from typing import get_args

    from pydantic_core.core_schema import ErrorType

    return frozenset(get_args(ErrorType))
