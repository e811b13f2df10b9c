"""What reaches the YAML parser, and what is answered before it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.config.load import examine, load
from agent.config.text import LARGEST, decode, read_text

Write = Callable[[str | bytes], Path]
Complaints = Callable[[str | bytes], list[str]]


def test_windows_line_ends_and_a_byte_order_mark_are_welcome(write: Write, sound: str) -> None:
    plain = load(write(sound)).settings
    windows = b"\xef\xbb\xbf" + sound.replace("\n", "\r\n").encode()
    assert load(write(windows)).settings == plain
    assert load(write(sound.replace("\n", "\r"))).settings == plain


def test_windows_line_ends_do_not_move_the_lines(sound: str, complaints: Complaints) -> None:
    broken = sound.replace("flushes: 5", "flushs: 5")
    assert complaints("\ufeff" + broken.replace("\n", "\r\n")) == complaints(broken)


def test_a_file_saved_as_gbk_is_named_with_line_column_and_character(
    complaints: Complaints,
) -> None:
    text = "gateway:\r\n  id: gate\r\n  name: 温室\r\n"
    (said,) = complaints(text.encode("gbk"))
    assert said == (
        "3: column 9: '温' (U+6E29) is not written in UTF-8; the file is probably saved as GBK "
        "(ANSI): save it as UTF-8 (Notepad: Save as, Encoding: UTF-8)"
    )


def test_a_rare_character_needs_gb18030(complaints: Complaints) -> None:
    assert "column 9: '㐂' (U+3402)" in complaints("gateway:\n  name: 㐂\n".encode("gb18030"))[0]


def test_gbk_that_begins_like_utf8_is_named_at_its_first_character(complaints: Complaints) -> None:
    assert "一".encode("gbk").decode() == "\u04bb"  # a Cyrillic letter, by chance
    assert complaints("gateway:\n  name: 一号\n".encode("gbk"))[0].startswith("2: column 9: '一'")


def test_bytes_that_are_neither_are_named_by_number(complaints: Complaints) -> None:
    assert complaints(b"gateway:\n  name: caf\xe9\n")[0].startswith(
        "2: column 12: the byte 0xE9 is not UTF-8; save the file as UTF-8"
    )


@pytest.mark.parametrize(
    ("encoding", "named"),
    [("utf-16", "UTF-16"), ("utf-16-be", "UTF-16"), ("utf-32", "UTF-32"), ("utf-32-be", "UTF-32")],
)
def test_utf16_with_its_mark_is_called_by_name(tmp_path: Path, encoding: str, named: str) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_bytes(
        "\ufeff".encode(encoding.removesuffix("-be") + "-be") * encoding.endswith("be")
    )
    with file.open("ab") as to:
        to.write("gateway: {}\n".encode(encoding))
    (mistake,) = examine(file)[1]
    assert (mistake.line, mistake.column) == (1, 1)
    assert f"saved as {named}" in mistake.problem
    assert "U+FEFF" in mistake.problem
    assert "save it as UTF-8" in mistake.problem


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_its_mark_shows_by_its_zeros(complaints: Complaints, encoding: str) -> None:
    (said,) = complaints("gateway:\n  name: 温室\n".encode(encoding))
    assert said.startswith("1: column ")
    assert "U+0000" in said
    assert "UTF-16" in said


@pytest.mark.parametrize("character", ["\x01", "\x1b", "\x7f", "\x85", "\x9b", "\u2028", "\ufffe"])
def test_control_characters_are_named(complaints: Complaints, character: str) -> None:
    (said,) = complaints(f"gateway:\n  name: a{character}b\n")
    assert said.startswith(f"2: column 10: a control character (U+{ord(character):04X})")


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "\ufeff"])
def test_an_empty_file_is_told_so(complaints: Complaints, text: str) -> None:
    assert complaints(text) == [
        "1: the file is empty; copy what you need from gateway.example.yaml"
    ]


def test_no_file_no_rights_a_folder_a_card_image(tmp_path: Path) -> None:
    missing = tmp_path / "no.yaml"
    (mistake,) = examine(missing)[1]
    assert str(mistake).startswith(f"{missing}: there is no such file; correct the name")
    assert "folder" in str(read_text(tmp_path))
    huge = tmp_path / "card.img"
    with huge.open("wb") as to:
        to.truncate(LARGEST + 1)
    assert "too large" in str(read_text(huge))
    (tmp_path / "loop").symlink_to("loop")
    assert "cannot be read" in str(read_text(tmp_path / "loop"))


def test_a_file_that_may_not_be_read_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError

    file = tmp_path / "gateway.yaml"
    file.write_text("gateway: {}\n")
    monkeypatch.setattr(Path, "read_bytes", refuse)  # root may read everything
    assert "let the user fieldgate read it" in str(read_text(file))


def test_every_single_byte_is_text_or_a_mistake_at_its_place() -> None:
    for byte in range(256):
        answer = decode(Path("x"), b"a: 1\nb: " + bytes([byte]) + b"\n")
        if not isinstance(answer, str):
            assert (answer.line, answer.column) == (2, 4), byte
