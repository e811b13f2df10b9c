"""Every sentence for people exists in both languages, with the same blanks to fill."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from agent import i18n
from agent.cli.main import COMMANDS
from agent.contract import LinkLost

ROOT = Path(__file__).parents[3]
SPEAKING = {"say", "translate", "wrong", "LinkLost", "DeviceFault", "Misconfigured"}
JUDGING = ("agent/config", "agent/contract/settings.py", "drivers")  # their ValueErrors are read
CATALOGUE = json.loads((ROOT / "agent" / "i18n" / "zh.json").read_text(encoding="utf-8"))


def _literal(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _sentences(file: Path) -> Iterator[str]:
    """First arguments and hints of everything that speaks to people."""
    where = file.relative_to(ROOT).as_posix()
    speaking = SPEAKING | ({"ValueError"} if where.startswith(JUDGING) else set())
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        name = getattr(function, "id", None) or getattr(function, "attr", None)
        if name in speaking and node.args and (text := _literal(node.args[0])):
            yield text
        if name in speaking:
            for keyword in node.keywords:
                if keyword.arg == "hint" and (text := _literal(keyword.value)):
                    yield text


def _all_sentences() -> set[str]:
    found = set(COMMANDS.values())
    for package in ("agent", "drivers"):
        for file in sorted((ROOT / package).rglob("*.py")):
            found |= set(_sentences(file))
    return found


def _blanks(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_every_sentence_has_its_chinese() -> None:
    missing = sorted(_all_sentences() - set(CATALOGUE))
    assert not missing, "\n".join(missing)


def test_no_translation_is_left_over() -> None:
    known = _all_sentences()
    constants = {
        node.value
        for package in ("agent", "drivers")
        for file in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert sorted(set(CATALOGUE) - known - constants) == []


@pytest.mark.parametrize("english", sorted(CATALOGUE))
def test_a_translation_is_chinese_and_fills_the_same_blanks(english: str) -> None:
    chinese = CATALOGUE[english]
    assert _blanks(chinese) == _blanks(english)
    words = re.sub(r"{[^}]*}", "", chinese)
    assert re.search(r"[一-鿿]", words) or not re.search(r"[a-z]", words), chinese


def test_the_environment_chooses_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIELDGATE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert i18n.from_environment() == "en"
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert i18n.from_environment() == "zh"
    monkeypatch.setenv("FIELDGATE_LANG", "en")
    assert i18n.from_environment() == "en"


def test_an_error_speaks_the_language_of_the_process() -> None:
    error = LinkLost("no answer from {who}", hint="ask {who} again", who="unit 3")
    assert str(error) == "no answer from unit 3"
    assert i18n.message(error) == "no answer from unit 3"
    assert i18n.hint(error) == "ask unit 3 again"
