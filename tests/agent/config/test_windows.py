"""Eight kinds of damage that Windows editors and Chinese keyboards do, at ten places each."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import damage
from agent.config.load import load
from agent.config.source import read_source

Write = Callable[[str | bytes], Path]
Complaints = Callable[[str | bytes], list[str]]
Damaged = tuple[int, str]  # column of the odd character, the damaged line

PLACES = [3, 5, 9, 12, 16, 20, 25, 31, 36, 42]  # lines with `key: value`
LISTS = [11, 22, 35, 37, 38, 41, 45, 22, 37, 38]  # lines with commas in brackets


def colon(line: str, _: int) -> Damaged:
    at = line.index(":")
    return at + 1, line[:at] + "：" + line[at + 1 :]


def colon_without_space(line: str, _: int) -> Damaged:
    at = line.index(":")
    return at + 1, line.replace(": ", "：", 1)


def comma(line: str, place: int) -> Damaged:
    at = line.index(",") if place < 7 else line.rindex(",")
    return at + 1, line[:at] + "，" + line[at + 1 :]


def double_quotes(line: str, _: int) -> Damaged:
    at = line.index(": ") + 2
    return at + 1, f"{line[:at]}“{line[at:]}”"


def single_quotes(line: str, _: int) -> Damaged:
    at = line.index(": ") + 2
    return at + 1, f"{line[:at]}‘{line[at:]}’"


def ideographic_indent(line: str, _: int) -> Damaged:
    bare = line.lstrip()
    return 1, "\u3000" * ((len(line) - len(bare)) // 2) + bare


def ideographic_separator(line: str, _: int) -> Damaged:
    return line.index(": ") + 2, line.replace(": ", ":\u3000", 1)


def no_break_indent(line: str, _: int) -> Damaged:
    return 1, "\xa0" + line[1:]


def no_break_separator(line: str, _: int) -> Damaged:
    return line.index(": ") + 2, line.replace(": ", ":\xa0", 1)


def tab_indent(line: str, _: int) -> Damaged:
    return 1, "\t" + line.lstrip()


def tab_separator(line: str, _: int) -> Damaged:
    return line.index(": ") + 2, line.replace(": ", ":\t", 1)


def zero_width(line: str, place: int) -> Damaged:
    at = len(line) if place % 2 else line.index(":")
    return at + 1, line[:at] + "\u200b" + line[at:]


def mark_inside(line: str, _: int) -> Damaged:
    at = line.index(": ") + 2
    return at + 1, line[:at] + "\ufeff" + line[at:]


def zero(line: str, place: int) -> Damaged:
    return place + 1, line[:place] + "\0" + line[place:]


KINDS = [
    colon,
    colon_without_space,
    comma,
    double_quotes,
    single_quotes,
    ideographic_indent,
    ideographic_separator,
    no_break_indent,
    no_break_separator,
    tab_indent,
    tab_separator,
    zero_width,
    mark_inside,
    zero,
]


@pytest.mark.parametrize("place", range(10))
@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_named_with_line_column_character_and_cure(
    kind: Callable[[str, int], Damaged], place: int, sound: str, complaints: Complaints
) -> None:
    number = (LISTS if kind is comma else PLACES)[place]
    lines = sound.split("\n")
    column, damaged = kind(lines[number - 1], place)
    said = complaints("\n".join([*lines[: number - 1], damaged, *lines[number:]]))
    code = f"(U+{ord(damaged[column - 1]):04X})"
    here = [line for line in said if re.match(rf"{number}: (\S+: )?column {column}: ", line)]
    assert here, said
    assert code in here[0]
    assert "write" in here[0] or "delete" in here[0] or "save" in here[0]
    assert len(said) == 1, said


@pytest.mark.parametrize("place", range(10))
def test_gbk_is_named_with_line_column_character_and_cure(
    place: int, sound: str, complaints: Complaints
) -> None:
    number = PLACES[place]
    lines = re.sub(r"[^\x00-\x7f]+", "x", sound).split("\n")
    lines[number - 1] += "  # 温室大棚"
    (said,) = complaints("\r\n".join(lines).encode("gb18030"))
    column = lines[number - 1].index("温") + 1
    assert said.startswith(f"{number}: column {column}: '温' (U+6E29) is not written in UTF-8")
    assert "save it as UTF-8" in said


def test_all_damage_of_a_file_is_told_at_once(sound: str, complaints: Complaints) -> None:
    lines = sound.split("\n")
    for number in PLACES:
        lines[number - 1] = lines[number - 1].replace(": ", "：", 1)
    assert [int(said.split(":")[0]) for said in complaints("\n".join(lines))] == PLACES


def test_a_fault_behind_the_damage_is_told_too(complaints: Complaints) -> None:
    said = complaints("gateway:\n  id： a\n  name: b\nwires: [\n")
    assert [line.split(":")[0] for line in said] == ["2", "4"]


@pytest.mark.parametrize(
    "line",
    [
        "name: 一号，大棚（东）：甲",
        "name: “东方红”大棚",
        "name: ‘甲’与‘乙’",
        "name: 一号　二号",
        "name: 温室。下午、晚上！ＡＢＣ１２３",
        "name: '“一号”'",
        'name: "　一号："',
        "name: 一号  # 注释：“说明”，\u200b\xa0\t完",
        "name: >-\n    第一行：甲\n    every： 5s\n",
        "name: 25 ℃ · 40 μmol/m²s",
    ],
)
def test_free_text_may_hold_any_of_it(write: Write, line: str) -> None:
    assert load(write(f"gateway:\n  id: a\n  {line}\n")).settings.gateway.name


INNER = st.text(
    st.characters(categories=["Lo", "Nd", "Ll", "Lu"])
    | st.sampled_from("：，。、（）【】《》；！？“”‘’—"),
    min_size=1,
    max_size=30,
)


@given(INNER)
def test_free_text_between_two_characters_is_never_damage(inner: str) -> None:
    assert damage.in_plain(f"甲{inner}乙") is None
    assert damage.in_quoted(inner) is None


@given(st.text("a: -[]{}#\"'\n：，“”‘’　\xa0\t\u200b＃－甲|>", max_size=60))
def test_cured_text_has_no_suspects_of_syntax_left_but_those_of_the_cure(text: str) -> None:
    offsets = damage.suspects(text)
    assert offsets == sorted(set(offsets))
    assert all(damage.cure(text[offset]).isascii() for offset in offsets)
    assert all(damage.sentence(text[offset]) for offset in offsets)
    if not offsets:
        assert damage.cured(text, offsets) == text


def test_a_value_in_foreign_brackets_is_named(complaints: Complaints) -> None:
    said = complaints("uplinks:\n  - id: a\n    brokers: 【mqtts://a】\n")
    assert said[0].startswith("3: uplinks[0].brokers: column 14: '【' (U+3010)")


def test_full_width_digits_are_named(complaints: Complaints) -> None:
    said = complaints("store:\n  flushes: ５\n  max_age: 5ｄ\n")
    assert "column 12: '５' (U+FF15) stands where YAML needs '5'" in said[0]
    assert "column 13: 'ｄ' (U+FF44) stands where YAML needs 'd'" in said[1]


def test_a_comment_sign_of_the_wrong_width_is_named(complaints: Complaints) -> None:
    assert "'＃' (U+FF03)" in complaints("gateway:\n  id: a ＃ 注释\n")[0]
    assert "'＃' (U+FF03)" in complaints("gateway:\n  id: a\n＃ 注释\nstore: {}\n")[0]


def test_a_dash_of_the_wrong_width_is_named(complaints: Complaints) -> None:
    said = complaints("devices:\n  － id: a\n    driver: modbus\n")
    assert said[0].startswith("2: column 3: '－' (U+FF0D)")


def test_rare_spaces_are_named_by_number(complaints: Complaints) -> None:
    said = complaints("gateway:\n\u2003\u2003id: a\n")
    assert said[0] == "2: column 1: an unusual space (U+2003) stands here; write a plain one"


def test_blocks_of_free_text_are_not_suspected(complaints: Complaints) -> None:
    text = "gateway:\n  name: |\n    每天： 一次\n\n    every： 5s\n  id： a\n  language: zh\n"
    assert [line[:12] for line in complaints(text)] == ["6: column 5:"]


def test_a_reference_remembers_where_it_was_written(write: Write) -> None:
    source = read_source(write("x: &a\n  k: 1\ny: *a\n"))
    assert not isinstance(source, list)
    assert source.place(("y",)) == (3, 1)
    assert source.place(("y", "k")) == (2, 3)
