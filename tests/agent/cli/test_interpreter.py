"""What the service says in English is told to a Chinese technician in Chinese."""

from collections.abc import Iterator

import pytest

from agent import i18n
from agent.cli import interpreter
from agent.cli.interpreter import interpret

CATALOGUE = {
    "no answer from unit {unit} within {timeout:g} s": "单元 {unit} 在 {timeout:g} 秒内没有应答",
    "no answer from {who}": "{who} 没有应答",
    "check the cable": "检查线缆",
    "{a}: {b}": "{a}：{b}",
}


@pytest.fixture
def _chinese(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(i18n, "catalogue", lambda: CATALOGUE)
    interpreter._patterns.cache_clear()
    i18n.use("zh")
    yield
    i18n.use("en")
    interpreter._patterns.cache_clear()


@pytest.mark.usefixtures("_chinese")
@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("check the cable", "检查线缆"),
        ("no answer from unit 3 within 0.5 s", "单元 3 在 0.5 秒内没有应答"),
        ("no answer from unit 3", "unit 3 没有应答"),
        ("a: b", "a: b"),
        ("what nobody has translated", "what nobody has translated"),
        ("", ""),
    ],
)
def test_the_sentence_that_says_the_most_is_found(english: str, chinese: str) -> None:
    assert interpret(english) == chinese


def test_english_stays_english() -> None:
    i18n.use("en")
    assert interpret("check the cable") == "check the cable"
