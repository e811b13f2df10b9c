"""Words in columns, where a Chinese character takes two."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import i18n
from agent.cli.amounts import count, duration, percent, size
from agent.cli.columns import clip, pad, table, width, wrap

TEXT = st.text(alphabet="ab 温室\uff13é…", max_size=40)


@pytest.mark.parametrize(
    ("text", "columns"),
    [("soil-1", 6), ("温室", 4), ("温a室", 5), ("\uff13", 2), ("e\u0301", 1), ("", 0), ("…", 1)],
)
def test_a_wide_character_takes_two_columns(text: str, columns: int) -> None:
    assert width(text) == columns
    assert width(pad(text, 9)) == 9


@given(TEXT, st.integers(min_value=1, max_value=30))
def test_a_clipped_text_fits(text: str, columns: int) -> None:
    assert width(clip(text, columns)) <= columns
    assert clip(text, width(text) + 1) == text


@given(TEXT, st.integers(min_value=6, max_value=30))
def test_wrapping_fits_and_loses_no_character(text: str, columns: int) -> None:
    lines = wrap(text, columns, "  ")
    unbroken = all(width(word) <= columns - 2 for word in text.split())
    assert all(width(line) <= columns for line in lines) or not unbroken
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=5))
def test_a_table_keeps_to_its_limit(rows: list[tuple[str, str, str]]) -> None:
    short = [(a[:8], b, c[:8]) for a, b, c in rows]
    assert all(width(line) <= 60 for line in table(short, 60))


def test_columns_stand_under_each_other() -> None:
    first, second = table([["温室一号", "21.4"], ["air", "3"]], 80)
    assert width(first[: first.index("21.4")]) == width(second[: second.index("3")]) == 10


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0004, "0 ms"), (0.25, "250 ms"), (0.9999, "1 s"), (59.4, "59 s"), (61, "1 min 1 s"),
        (3600, "1 h 0 min"), (11_520, "3 h 12 min"), (90_000, "1 d 1 h"),
    ],
)  # fmt: skip
def test_durations_have_two_units_at_most(seconds: float, words: str) -> None:
    i18n.use("en")
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("amount", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (34_000_000, "34 MB"), (2e9, "2.0 GB"),
     (999_999, "1.0 MB"), (5e12, "5000 GB")],
)  # fmt: skip
def test_sizes_have_decimal_units(amount: float, words: str) -> None:
    assert size(amount) == words


def test_counts_and_shares() -> None:
    assert count(12_345_678) == "12 345 678"
    assert percent(1, 3) == "33.3 %"
    assert percent(1, 0) == "-"
