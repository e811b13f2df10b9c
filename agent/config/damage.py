"""Characters that Chinese and Windows keyboards put where YAML needs ASCII, and their cure.

They are welcome inside free text. `suspects` looks at text that is not YAML (any more); `in_key`,
`in_plain` and `in_quoted` at one scalar of text that is; `first` at a value that was refused.
All of them answer with offsets.
"""

import re
from collections.abc import Iterator

from agent.config.text import code
from agent.i18n import say

_INVISIBLE = "\xad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
_SPACE = "\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
_QUOTE = "“”„‟‘’‚‛＂＇"
_ODD = f"[{_INVISIBLE}{_SPACE}{_QUOTE}\uff01-\uff5e—–、。【】]"

_INVISIBLE_ONE = re.compile(f"[{_INVISIBLE}]")
_SPACE_ONE = re.compile(f"[{_SPACE}]")
_ANY = re.compile(_ODD)
_ENDS = re.compile(f"^[{_SPACE}]|[{_SPACE}]$|[{_SPACE}](?=#)")
_QUOTED = re.compile(f"[{_QUOTE}][^{_QUOTE}\"']*[{_QUOTE}\"']")

_ASCII = dict.fromkeys("“”„‟", '"') | dict.fromkeys("‘’‚‛", "'")
_ASCII |= dict.fromkeys("—–", "-") | {"、": ",", "。": ".", "【": "[", "】": "]"}

_WORD = r"[\"'“”‘’＂]?[A-Za-z_][\w.-]*[\"'“”‘’＂]?"
_CLOSING = rf"(?=[^{_QUOTE}\"']*[{_QUOTE}\"']\s*(?:[,\]}}，]|$))"
_INDENT = re.compile(rf"^ *(?P<bad>[\t{_SPACE}])")
_IN_LINE = tuple(
    re.compile(pattern)
    for pattern in (
        # a list entry begun with another dash or space; a comment with another sign
        rf"^ *(?:- +)*(?P<bad>[－—–](?=\s)|＃|-(?P<after>[\t{_SPACE}]))",
        # a key with another colon, or with another space behind its colon
        rf"(?:^ *(?:- *)*|[{{\[,，]\s*){_WORD}\s*(?P<bad>：)",
        rf"(?:^ *(?:- +)*|[{{,]\s*){_WORD} *:(?P<bad>[\t{_SPACE}])",
        # another comma behind a bracket or quote, or before a key
        rf"(?:[\]}}\"'”’]\s*(?P<bad>，)|(?P<after>，)\s*{_WORD}\s*[:：])",
        # a value in other quotes; a bracket or quote that another one closes
        rf"(?::\s+|^ *(?:- +)+|[\[{{,]\s*)(?P<bad>[{_QUOTE}]){_CLOSING}",
        r"[\[{][^\[\]{}]*(?P<bad>[］｝】])[^\]}]*$",
        r'^[^"]*"[^"]*(?P<bad>[“”＂])[^"]*$',
        # what cannot be seen
        rf"(?P<bad>[{_INVISIBLE}])",
        r"(?P<bad>\t)",
    )
)
_BLOCK = re.compile(r"(?::|-)\s+[|>][-+0-9]*\s*(?:#.*)?$")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_CLOSED = re.compile(r"\"[^\"]*\"|(?<!\w)'[^']*'")


def cure(character: str) -> str:
    """What YAML wants in its place."""
    if character == "\t" or _SPACE_ONE.match(character):
        return " "
    if _INVISIBLE_ONE.match(character):
        return ""
    return _ASCII.get(character) or chr(ord(character) - 0xFEE0)


def sentence(character: str) -> str:
    """What the character is, and what to do about it."""
    if character == "\t":
        return say("a tab (U+0009) stands here; write spaces, two for each level")
    if character == "\u3000":
        return say("a full-width space (U+3000) stands here; write ordinary spaces")
    if character == "\xa0":
        return say("a non-breaking space (U+00A0) stands here; write an ordinary space")
    if _SPACE_ONE.match(character):
        return say("an unusual space ({code}) stands here; write a plain one", code=code(character))
    if _INVISIBLE_ONE.match(character):
        return say(
            "an invisible character ({code}) stands here; delete this line and type it again",
            code=code(character),
        )
    return say(
        "'{character}' ({code}) stands where YAML needs '{ascii}'; switch the keyboard to English "
        "and write {ascii}",
        character=character,
        code=code(character),
        ascii=cure(character),
    )


def first(raw: str) -> int | None:
    """The first odd character of a value that was refused."""
    return _offset(_ANY.search(raw))


def in_key(raw: str) -> int | None:
    """Keys are ASCII: setting names and ids. Others can be quoted."""
    return first(raw)


def in_plain(raw: str) -> int | None:
    """In a value without quotes: what surrounds it, what cannot be seen."""
    if found := _INVISIBLE_ONE.search(raw) or _ENDS.search(raw):
        return found.start()
    return 0 if _QUOTED.fullmatch(raw) else None


def in_quoted(raw: str) -> int | None:
    return _offset(_INVISIBLE_ONE.search(raw))


def suspects(text: str, start: int = 0, end: int | None = None) -> list[int]:
    """Every odd character where YAML expects syntax, in the lines that touch start…end."""
    found: set[int] = set()
    for at, line in _lines(text):
        if at + len(line) >= start and (end is None or at <= end):
            found |= {at + offset for offset in _in_line(line)}
    return sorted(found)


def cured(text: str, offsets: list[int]) -> str:
    """The text with the characters at those offsets replaced by what YAML wants."""
    pieces, done = [], 0
    for offset in offsets:
        colon = text[offset] == "：" and not text[offset + 1 : offset + 2].isspace()
        pieces += [text[done:offset], cure(text[offset]), " " if colon else ""]
        done = offset + 1
    return "".join((*pieces, text[done:]))


def _offset(match: re.Match[str] | None) -> int | None:
    return match.start() if match else None


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Offset and text of each line that is no comment and no part of a block of free text."""
    at, block = 0, -1
    for line in text.split("\n"):
        bare = line.lstrip(" ")
        indent = len(line) - len(bare)
        if bare and block >= 0 and indent <= block:
            block = -1
        if block < 0 and not bare.startswith("#"):
            yield at, line
            if _BLOCK.search(line):
                block = indent
        at += len(line) + 1


def _in_line(line: str) -> Iterator[int]:
    if match := _INDENT.match(line):
        yield match.start("bad")
        return
    bare = _COMMENT.sub("", _CLOSED.sub(lambda quoted: "x" * len(quoted[0]), line))
    for pattern in _IN_LINE:
        for match in pattern.finditer(bare):
            after = match.groupdict().get("after")
            yield match.start("after" if after else "bad")
