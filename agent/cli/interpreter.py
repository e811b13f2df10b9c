"""Chinese for sentences that were filled in elsewhere: what the service's board says in English."""

import re
from functools import cache
from string import Formatter

from agent import i18n


def interpret(text: str) -> str:
    """In the language of this process, where the catalogue has the sentence that it came from."""
    if i18n.language() == "en":
        return text
    for pattern, chinese in _patterns():
        if match := pattern.fullmatch(text):
            return _filled(chinese, match.groupdict())
    return text


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Sentences that say the most of their own first: they fit by accident the least."""
    known = i18n.catalogue().items()
    ranked = sorted(known, key=lambda item: _own_words(item[0]), reverse=True)
    return [(_pattern(english), chinese) for english, chinese in ranked if _own_words(english) > 3]


def _own_words(sentence: str) -> int:
    """Letters outside of the blanks."""
    return sum(
        character.isalpha() for text, *_ in Formatter().parse(sentence) for character in text
    )


def _pattern(sentence: str) -> re.Pattern[str]:
    parts, seen = [], set[str]()
    for text, name, _, _ in Formatter().parse(sentence):
        parts.append(re.escape(text))
        if name:
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>.+?)")
            seen.add(name)
    return re.compile("".join(parts), re.DOTALL)


def _filled(sentence: str, values: dict[str, str]) -> str:
    """The values are words already: how to format them has been seen to."""
    return "".join(
        text + (values.get(name, "") if name else "")
        for text, name, _, _ in Formatter().parse(sentence)
    )
