"""Chinese number plates: their characters, colours, kinds, and how plausible a text is. Pure.

Layouts after GA 36-2018 and its amendments. The grammar only ever lowers a confidence: what was
read stays what was read.
"""

import re

PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
SPECIALS = "警学港澳挂使领"
DIGITS = "0123456789"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # never I or O
ALPHABET = PROVINCES + SPECIALS + DIGITS + LETTERS
COLOURS = ("blue", "yellow", "green", "yellow_green", "white", "black")
SLOTS = 8  # the longest plate

UNLIKELY = 0.6  # factor for a text that fits a layout, but not of its colour
IMPOSSIBLE = 0.3  # factor for a text that fits no layout

_P, _L, _N = f"[{PROVINCES}]", f"[{LETTERS}]", f"[{LETTERS}0-9]"

KINDS: dict[str, tuple[re.Pattern[str], frozenset[str]]] = {
    name: (re.compile(pattern), frozenset(colours))
    for name, pattern, colours in (
        ("ne8", f"{_P}{_L}(?:[A-HJK]{_N}[0-9]{{4}}|[0-9]{{5}}[A-HJK])", ("green", "yellow_green")),
        ("consulate", f"{_P}{_L}{_N}{{4}}领", ("black",)),
        ("embassy", "使[0-9]{6}", ("black",)),
        ("police", f"{_P}{_L}{_N}{{4}}警", ("white",)),
        ("learner", f"{_P}{_L}{_N}{{4}}学", ("yellow",)),
        ("trailer", f"{_P}{_L}{_N}{{4}}挂", ("yellow",)),
        ("cross_border", f"粤Z{_N}{{4}}[港澳]", ("black",)),
        ("armed_police", f"WJ{_P}[0-9]{{4}}{_N}", ("white",)),
        ("military", f"{_L}{{2}}{_N}{{5}}", ("white",)),
        ("std7", f"{_P}{_L}{_N}{{5}}", ("blue", "yellow", "black")),
    )
}


def kind_of(text: str) -> str:
    """The first layout that fits; "" where none does."""
    return next((name for name, (pattern, _) in KINDS.items() if pattern.fullmatch(text)), "")


def plausibility(text: str, colour: str) -> float:
    """A factor in (0, 1] for the confidence of a read; `colour` is empty where nobody looked."""
    kind = kind_of(text)
    if not kind:
        return IMPOSSIBLE
    return 1.0 if not colour or colour in KINDS[kind][1] else UNLIKELY
