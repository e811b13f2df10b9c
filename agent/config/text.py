"""From bytes to text. What a Windows editor or a power cut did to the bytes is named here."""

import re
from itertools import accumulate
from pathlib import Path

from agent.config.mistake import Mistake
from agent.i18n import say

LARGEST = 4 * 10**6  # bytes; a configuration of 10,000 devices has two of the four

_UTF8_BOM = b"\xef\xbb\xbf"
_OTHER_BOMS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
# What YAML 1.1 does not print, and what it takes for a line end while editors do not.
_CONTROL = re.compile("[^\t\n -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_text(file: Path) -> str | Mistake:
    """The file's text with plain `\\n` line ends and without a byte order mark."""
    try:
        if file.is_dir():
            return Mistake(file, 0, "", say("this is a folder; name the file in it"))
        if file.stat().st_size > LARGEST:
            return Mistake(
                file, 0, "", say("the file is too large for a configuration; is it the right one?")
            )
        data = file.read_bytes()
    except FileNotFoundError:
        return Mistake(
            file,
            0,
            "",
            say("there is no such file; correct the name, or copy gateway.example.yaml there"),
        )
    except PermissionError:
        return Mistake(
            file,
            0,
            "",
            say("the file may not be read; let the user fieldgate read it: chmod 644 FILE"),
        )
    except OSError as error:
        return Mistake(
            file,
            0,
            "",
            say("the file cannot be read ({why}); check the card", why=error.strerror or error),
        )
    return decode(file, data)


def decode(file: Path, data: bytes) -> str | Mistake:
    """As `read_text`, for bytes that are already there."""
    for bom, encoding in _OTHER_BOMS:
        if data.startswith(bom):
            return Mistake(
                file,
                1,
                "",
                say(
                    "the file is saved as {encoding} (it begins with U+FEFF); "
                    "save it as UTF-8 (Notepad: Save as, Encoding: UTF-8)",
                    encoding=encoding,
                ),
                column=1,
            )
    data = data.removeprefix(_UTF8_BOM)
    if (zero := data.find(b"\0")) >= 0:
        before = one_line_end(data[:zero].decode("utf-8", "replace"))
        return _control(file, before + "\0", len(before))
    try:
        text = one_line_end(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        return _not_utf8(file, data, error.start)
    if bad := _CONTROL.search(text):
        return _control(file, text, bad.start())
    return text


def one_line_end(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1, of an offset into text."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def code(character: str) -> str:
    """`U+FF1A`"""
    return f"U+{ord(character):04X}"


def _control(file: Path, text: str, offset: int) -> Mistake:
    line, column = place(text, offset)
    problem = say(
        "a control character ({code}) stands here; the file was damaged, or saved as UTF-16: "
        "save it again as UTF-8, or fetch it from your backup",
        code=code(text[offset]),
    )
    return Mistake(file, line, "", problem, column)


def _not_utf8(file: Path, data: bytes, offset: int) -> Mistake:
    before = one_line_end(data[:offset].decode("utf-8"))
    line, column = place(before, len(before))
    first = max(data.rfind(b"\n", 0, offset), data.rfind(b"\r", 0, offset)) + 1
    last = re.compile(rb"[\r\n]").search(data, offset)
    written = data[first : last.start() if last else len(data)]
    guess = _as_gbk(written, offset - first)
    if guess is None:
        problem = say(
            "the byte 0x{byte:02X} is not UTF-8; save the file as UTF-8 "
            "(Notepad: Save as, Encoding: UTF-8)",
            byte=data[offset],
        )
        return Mistake(file, line, "", problem, column)
    column, character = guess
    problem = say(
        "'{character}' ({code}) is not written in UTF-8; the file is probably saved as GBK (ANSI): "
        "save it as UTF-8 (Notepad: Save as, Encoding: UTF-8)",
        character=character,
        code=code(character),
    )
    return Mistake(file, line, "", problem, column)


def _as_gbk(line: bytes, offset: int) -> tuple[int, str] | None:
    """Column and character at that byte, if the line is GB18030 (GBK is a part of it).

    Some GBK characters happen to be UTF-8 for one below U+0800: they are taken back.
    """
    try:
        characters = line.decode("gb18030")
    except UnicodeDecodeError:
        return None
    if all(character < "\u0800" for character in line[:offset].decode("utf-8")):
        offset = next(at for at, byte in enumerate(line) if byte >= 0x80)
    ends = accumulate(len(character.encode("gb18030")) for character in characters)
    index = next(index for index, end in enumerate(ends) if end > offset)
    return (index + 1, characters[index]) if characters[index].isprintable() else None
