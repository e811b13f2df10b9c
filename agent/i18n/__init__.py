"""Words for people, in English or Chinese. English sentences are the keys of the catalogue.

Logs and JSON stay English; only commands call `use`. Light on purpose: `fieldgate --help` needs it.
"""

import os
from functools import cache

TYPE_CHECKING = False  # typing's own costs a fifth of what `fieldgate --help` may
if TYPE_CHECKING:
    from agent.contract import GatewayError

LANGUAGES = ("en", "zh")
_language = "en"


def use(language: str) -> None:
    """`en`, `zh`, or `auto`: what the environment says."""
    global _language  # noqa: PLW0603  the language of a process is one fact
    _language = from_environment() if language == "auto" else language


def language() -> str:
    """`en` or `zh`."""
    return _language


def from_environment() -> str:
    for name in ("FIELDGATE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


@cache
def catalogue() -> dict[str, str]:
    """English sentence -> Chinese sentence."""
    import json
    from pathlib import Path

    return dict(json.loads(Path(__file__).with_name("zh.json").read_text(encoding="utf-8")))


def translate(sentence: str) -> str:
    return catalogue().get(sentence, sentence) if _language == "zh" else sentence


def say(sentence: str, **values: object) -> str:
    """The sentence in the language of this process, with its {values} filled in."""
    text = translate(sentence)
    return text.format(**values) if values else text


def message(error: "GatewayError") -> str:
    return say(error.template, **error.values)


def hint(error: "GatewayError") -> str:
    return say(error.hint_template, **error.values) if error.hint_template else ""
