"""YAML as technicians write it, and what the parser says when they do not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from agent.config.source import Source, read_source

Write = Callable[[str | bytes], Path]
Complaints = Callable[[str | bytes], list[str]]


def sound(file: Path) -> Source:
    source = read_source(file)
    assert isinstance(source, Source)
    return source


def test_every_key_and_item_knows_its_line_and_column(write: Write) -> None:
    source = sound(write("a: 1\nb:\n  - x: 2\n    y: [3, {z: 4}]\n  -\n    - 5\n"))
    assert {where: source.place(where) for where in source.keys} == {
        ("a",): (1, 1),
        ("b",): (2, 1),
        ("b", 0): (3, 5),
        ("b", 0, "x"): (3, 5),
        ("b", 0, "y"): (4, 5),
        ("b", 0, "y", 0): (4, 9),
        ("b", 0, "y", 1): (4, 12),
        ("b", 0, "y", 1, "z"): (4, 13),
        ("b", 1): (6, 5),
        ("b", 1, 0): (6, 7),
    }


def test_steps_that_are_not_written_are_stepped_over(write: Write) -> None:
    source = sound(write("a:\n  - b: 1\n"))
    assert source.place(("a", 0, "tag", "b")) == (2, 5)
    assert source.place(("nothing",)) == (1, 1)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("5", 5),
        ("007", 7),
        ("0x1F", 31),
        ("0o17", 15),
        ("-3", -3),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("-.inf", float("-inf")),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("no", "no"),
        ("off", "off"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
        ("3.1.1", "3.1.1"),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_a_word_means_what_yaml_1_2_says(write: Write, written: str, meant: Any) -> None:
    assert sound(write(f"a: {written}\n")).data == {"a": meant}


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**18), 10**18)
        | st.text("ab:#-[]{}, \"'东：，\n", max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text("abc-", min_size=1), inner, max_size=3)
        ),
        max_leaves=10,
    )
)
def test_what_a_yaml_writer_writes_is_read_back(tmp_path_factory: Any, value: Any) -> None:
    file = tmp_path_factory.mktemp("yaml") / "gateway.yaml"
    file.write_text(yaml.safe_dump({"a": value}, allow_unicode=True), encoding="utf-8")
    assert sound(file).data == {"a": value}


def test_keys_are_text_whatever_they_look_like(write: Write) -> None:
    assert sound(write("1: a\ntrue: b\nnull: c\n")).data == {"1": "a", "true": "b", "null": "c"}


def test_a_key_written_twice_is_refused_with_both_lines(complaints: Complaints) -> None:
    assert complaints("gateway:\n  id: a\n  name: b\n  id: c\nwires: {}\nwires: {}\n") == [
        "4: gateway.id: is written twice, in line 2 too; keep one of them",
        "6: wires: is written twice, in line 5 too; keep one of them",
    ]


def test_merged_settings_are_taken_where_none_is_written(write: Write) -> None:
    text = "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  <<: [*x, *y]\n  a: 0\nw: {<<: *y, d: 5}\n"
    source = sound(write(text))
    assert source.data["z"] == {"a": 0, "b": 2, "c": 4}
    assert source.data["w"] == {"b": 3, "c": 4, "d": 5}
    assert source.place(("z", "b")) == (1, 14)
    assert source.place(("z", "a")) == (5, 3)


def test_merges_follow_merges(write: Write) -> None:
    text = "x: &x {a: 1}\ny: &y\n  <<: *x\n  b: 2\nz:\n  <<: *y\n"
    assert sound(write(text)).data["z"] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &a [1, *a]\n", "1: a[1]: `*name` stands inside its own `&name`; write it out"),
        ("a: &a {b: *a}\n", "1: a.b: `*name` stands inside its own `&name`; write it out"),
        ("a: &a {<<: *a}\n", "1: column 4: `<<:` takes a reference like *name"),
        ("<<: 3\n", "1: column 5: `<<:` takes a reference like *name"),
        ("a: *nobody\n", "1: column 4: `*name` stands for something marked `&name` above"),
        ("a: !secret x\n", "1: a: a tag like !word has no meaning here; delete it"),
        ("a: !!python/object:os.system x\n", "1: a: a tag like !word has no meaning here"),
        ("a: !!int red\n", "1: a: a tag like !word has no meaning here"),
        ("? [a, b]\n: c\n", "1: column 3: a key must be one word"),
        ("a:\n  b: {{ x }}\n", "2: a.b: a key must be one word"),
        ("'': b\n", "1: column 1: a key must be one word"),
        ("- a\n- b\n", "1: the file must consist of settings, one `key: value` a line"),
        ("just words\n", "1: the file must consist of settings"),
        ("a: 1\n---\nb: 2\n", "2: column 1: `---` begins a second document"),
        ("a: b: c\n", "1: column 5: a second ': ' in one line"),
        ("a:\n  b: 1\n   c: 2\n", "3: column 4: the line begins deeper than line 2"),
        ("a:\n  b: 1\n\n  # why\n   c: 2\n", "5: column 4: the indentation does not fit"),
        ("a:\n   b: 1\n  c: 2\n", "3: column 3: the indentation does not fit"),
        ("a:\n  - b\n  c: 1\n", "3: column 3: the indentation does not fit"),
        ("a: 1\n- b\n", "2: column 1: the indentation does not fit"),
        ("  a: 1\nb: 2\n", "2: column 1: the indentation does not fit"),
        ("a: |b\n", "1: column 5: a value that begins with | or > continues in the next lines"),
        ("a: !东 b\n", "1: column 5: a tag like !word has no meaning here"),
        ("a: - b\n", "1: column 4: a list entry `- ` cannot stand here"),
        ("a:5s\nb: 1\n", "1: a space is missing behind the ':'; write `key: value`"),
        ("a: 1\nb:5s\nc: 1\n", "2: column 1: a space is missing behind the ':'"),
        ("a: 1\nb\nc: 1\n", "2: column 1: this line needs a ':' and a space behind its key"),
        ("a\nb: 1\n", "1: this line needs a ':' and a space behind its key"),
        ("a: @x\n", "1: column 4: a value cannot begin with this character"),
        ("a: %x\n", "1: column 4: a value cannot begin with this character"),
        ("a: `x`\n", "1: column 4: a value cannot begin with this character"),
        ("a: * b\n", "1: column 5: a value that begins with * or & is a reference"),
        ("a: 'x\nb: 1\n", "1: column 4: the quote that begins here is not closed"),
        ('a: "x\nb: 1\n', "1: column 4: the quote that begins here is not closed"),
        ('a: "C:\\dir"\n', "1: column 8: the \\ in double quotes means something else"),
        ("a: [b, c\nd: 1\n", "1: column 4: the bracket that begins here is not closed"),
        ("a: {b: 1\nd: 1\n", "1: column 4: the bracket that begins here is not closed"),
        ("x: [1]\na: [\n", "2: column 4: the bracket that begins here is not closed"),
        ("x: [1]\na: [b, [c\n", "2: column 8: the bracket that begins here is not closed"),
        ("a: [b, c}\n", "1: column 4: the bracket that begins here is not closed"),
        ("a: [b,, c]\n", "1: column 7: a value is missing or not understood here"),
        ("a: b]\nc: ]\n", "2: column 4: a value is missing or not understood here"),
        ("[" * 200 + "]" * 200 + "\n", "1: too many brackets in brackets"),
    ],
)
def test_what_is_no_yaml_is_told_in_plain_words(
    complaints: Complaints, text: str, said: str
) -> None:
    assert [line[: len(said)] for line in complaints(text)] == [said]


def test_aliases_of_aliases_fill_no_memory(complaints: Complaints) -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (said,) = complaints("\n".join(["a0: &a0 [1]", *levels]))
    assert "too many values by aliases" in said


@given(st.text("ab1:-#[]{}&*!|>'\"%@`,?<~\\ \t\n：，“”　", max_size=40))
def test_any_text_is_read_or_refused_at_a_line_of_it(tmp_path_factory: Any, text: str) -> None:
    file = tmp_path_factory.mktemp("yaml") / "gateway.yaml"
    file.write_text(text, encoding="utf-8")
    source = read_source(file)
    if isinstance(source, list):
        assert source
        assert all(1 <= mistake.line <= text.count("\n") + 1 for mistake in source), source
        assert all(mistake.problem for mistake in source)
