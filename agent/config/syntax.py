"""What the YAML parser complains about, in a technician's words."""

import re
from pathlib import Path

import yaml

from agent.config import damage
from agent.config.mistake import Mistake
from agent.config.text import place
from agent.i18n import say

_KEY = re.compile(r"^\s*(?:- +)*[^\s:#][^:#]*:(?:\s|$)")
_NO_SPACE = re.compile(r"^\s*(?:- +)*[\w.-]+:[^\s:]")


def explain_syntax(file: Path, text: str, error: yaml.MarkedYAMLError) -> list[Mistake]:
    """Every odd character in the text; and the complaint itself, unless they explain it."""
    offsets = damage.suspects(text)
    mistakes = [odd_character(file, text, offset) for offset in offsets]
    if not offsets:
        return [_spoken(file, text, error)]
    if any(not text[text.rfind("\n", 0, at) + 1 : at].strip() for at in offsets):
        return mistakes  # how deep such a line was meant to be, nobody knows
    cured = damage.cured(text, offsets)
    remaining = _complaint(cured)
    return mistakes if remaining is None else [*mistakes, _spoken(file, cured, remaining)]


def odd_character(file: Path, text: str, offset: int, path: str = "") -> Mistake:
    line, column = place(text, offset)
    return Mistake(file, line, path, damage.sentence(text[offset]), column)


def _complaint(text: str) -> yaml.MarkedYAMLError | None:
    try:
        for _ in yaml.parse(text, Loader=yaml.SafeLoader):
            pass
    except yaml.MarkedYAMLError as error:
        return error
    return None


def _spoken(file: Path, text: str, error: yaml.MarkedYAMLError) -> Mistake:
    problem = error.problem or ""
    context = error.context or ""
    if "mapping values are not allowed" in problem and error.problem_mark:
        return _second_colon(file, text, error.problem_mark)
    mark = error.problem_mark or error.context_mark
    if "stream end" in problem and "flow node" in context:
        mark, context = _innermost_bracket(text) or mark, "parsing a flow"
    elif _begins_there(problem, context):
        mark = error.context_mark or mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 0)
    if "could not find expected ':'" in problem:
        return Mistake(file, line, "", _no_colon(text.split("\n")[line - 1]), column)
    noticed = error.problem_mark.line + 1 if error.problem_mark else line
    return Mistake(file, line, "", _words(problem, context, noticed), column)


def _second_colon(file: Path, text: str, mark: yaml.Mark) -> Mistake:
    """The parser took this line for the rest of the value above it, or met two colons."""
    lines = text.split("\n")
    line = lines[mark.line]
    number = mark.line + 1
    if ": " in line[: mark.column]:
        words = say("a second ': ' in one line; put the text that holds it in quotes")
        return Mistake(file, number, "", words, mark.column + 1)
    before = range(mark.line - 1, -1, -1)
    above = next((n for n in before if _says_something(lines[n])), mark.line)
    if _KEY.match(lines[above]):
        words = say(
            "the line begins deeper than line {above}, which has its value already; align them",
            above=above + 1,
        )
        return Mistake(file, number, "", words, len(line) - len(line.lstrip()) + 1)
    return Mistake(file, above + 1, "", _no_colon(lines[above]))


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _no_colon(line: str) -> str:
    if _NO_SPACE.match(line):
        return say("a space is missing behind the ':'; write `key: value`")
    return say("this line needs a ':' and a space behind its key, like `every: 5s`")


def _begins_there(problem: str, context: str) -> bool:
    """The parser notices some faults far behind the place that must be edited."""
    unclosed = "quoted scalar" in context and "escape" not in problem
    opened = "parsing a flow" in context and "flow node" not in context
    return unclosed or opened or "could not find expected ':'" in problem


def _innermost_bracket(text: str) -> yaml.Mark | None:
    """The last bracket that is not closed."""
    opened = []
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.FlowMappingStartToken | yaml.FlowSequenceStartToken):
            opened.append(token.start_mark)
        elif isinstance(token, yaml.FlowMappingEndToken | yaml.FlowSequenceEndToken):
            opened.pop()
    return opened[-1] if opened else None


def _words(problem: str, context: str, noticed: int) -> str:
    if "quoted scalar" in context:
        return _quoted(problem)
    if "parsing a flow" in context and "flow node" not in context:
        return say(
            "the bracket that begins here is not closed, or a comma is missing (noticed in line "
            "{line}); put a comma between entries and the closing bracket at the end",
            line=noticed,
        )
    if "block scalar" in context:
        return say("a value that begins with | or > continues in the next lines; put it in quotes")
    if "tag" in context:
        return say("a tag like !word has no meaning here; delete it")
    for fragment, words in _by_fragment():
        if fragment in problem:
            return words
    return say("this is not YAML; compare the line and the one above it with the example file")


def _quoted(problem: str) -> str:
    if "escape" in problem:
        return say("the \\ in double quotes means something else; use single quotes: 'text'")
    return say("the quote that begins here is not closed; close it at the end of the text")


def _by_fragment() -> list[tuple[str, str]]:
    return [
        (
            "expected <block end>",
            say("the indentation does not fit; align this line with its neighbours"),
        ),
        (
            "expected '<document start>'",
            say("the indentation does not fit; align this line with its neighbours"),
        ),
        (
            "expected the node content",
            say("a value is missing or not understood here; put text with signs in quotes"),
        ),
        (
            "that cannot start any token",
            say("a value cannot begin with this character; put the text in quotes"),
        ),
        (
            "undefined alias",
            say("`*name` stands for something marked `&name` above, and nothing is; correct it"),
        ),
        (
            "expected alphabetic or numeric",
            say("a value that begins with * or & is a reference; put the text in quotes"),
        ),
        (
            "but found another document",
            say("`---` begins a second document; a file holds one: delete the line"),
        ),
        (
            "second occurrence",
            say("this `&name` was already used above; choose another"),
        ),
        (
            "sequence entries are not allowed",
            say("a list entry `- ` cannot stand here; begin it on a line of its own"),
        ),
    ]
