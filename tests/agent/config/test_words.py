"""Every kind of validation error has a sentence, and repeats nothing of what was written."""

import re
from typing import Any, get_args

import pytest
from pydantic_core import ErrorTypeInfo, core_schema
from pydantic_core._pydantic_core import list_all_errors

from agent.config.words import choices, duration, problem, size
from agent.i18n import use

KINDS: list[ErrorTypeInfo] = list_all_errors()


@pytest.mark.parametrize("error", KINDS, ids=lambda error: error["type"])
@pytest.mark.parametrize("written", [None, "hunter2", 7, True, [1], {"a": 1}], ids=repr)
def test_no_kind_of_error_speaks_pydantic(
    error: ErrorTypeInfo, written: Any, jargon: re.Pattern[str]
) -> None:
    context = {"expected": "'a' or 'b'", **(error.get("example_context") or {})}
    said = problem(error["type"], error["message_template_python"], context, written)
    assert said
    if error["type"] not in {"value_error", "assertion_error"}:
        assert not jargon.search(said), said
        assert said != error["message_template_python"]
    assert "hunter2" not in said


def test_all_kinds_are_known() -> None:
    assert {error["type"] for error in KINDS} == set(get_args(core_schema.ErrorType))


def test_the_sentence_of_a_validator_is_said_as_it_is() -> None:
    assert problem("value_error", "Value error, write a colour", {}, "x") == "write a colour"
    assert problem("assertion_error", "Assertion failed, too red", {}, "x") == "too red"
    assert problem("colour", "write a colour", {}, "x") == "write a colour"


@pytest.mark.parametrize(
    ("kind", "context", "written", "said"),
    [
        ("greater_than_equal", {"ge": 0.05}, "1ms", "is too small; write at least 50ms"),
        ("greater_than_equal", {"ge": 10**6}, "1KB", "is too small; write at least 1MB"),
        ("greater_than_equal", {"ge": 300}, 1, "is too small; write at least 300"),
        ("less_than_equal", {"le": 86400}, "2 d", "is too large; write at most 1d"),
        ("less_than_equal", {"le": 1.5}, 2, "is too large; write at most 1.5"),
        ("greater_than", {"gt": 0}, "0s", "is too small; write more than 0s"),
        ("less_than", {"lt": 5}, 5, "is too large; write less than 5"),
        ("int_parsing", {}, None, "has no value; write one behind the ':', or delete the line"),
    ],
)
def test_limits_are_written_as_the_value_is(
    kind: str, context: dict[str, Any], written: Any, said: str
) -> None:
    assert problem(kind, "", context, written) == said


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0s"),
        (0.0005, "0.5ms"),
        (0.5, "500ms"),
        (1.5, "1.5s"),
        (90, "90s"),
        (60, "1min"),
        (7200, "2h"),
        (86400 * 30, "30d"),
    ],
)
def test_durations_are_shown_as_one_writes_them(seconds: float, written: str) -> None:
    assert duration(seconds) == written


@pytest.mark.parametrize(
    ("count", "written"), [(1, "1B"), (1500, "1500B"), (10**6, "1MB"), (2 * 10**9, "2GB")]
)
def test_sizes_are_shown_as_one_writes_them(count: int, written: str) -> None:
    assert size(count) == written


def test_choices_are_read_out_of_pydantics_words() -> None:
    assert choices("'none', 'even' or 'odd'") == ["none", "even", "odd"]
    assert choices("1 or 2") == ["1", "2"]


def test_a_sentence_is_spoken_in_chinese_where_one_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "agent.i18n.catalogue", lambda: {"write true or false": "请写 true 或 false"}
    )
    use("zh")
    try:
        assert problem("bool_parsing", "", {}, "x") == "请写 true 或 false"
    finally:
        use("en")
