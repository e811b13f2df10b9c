"""A YAML document that remembers the line and column of every key and item."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from agent.config import damage
from agent.config.mistake import KeyPath, Mistake, dotted
from agent.config.scalars import MERGE, Loader, TooDeep, meaning
from agent.config.syntax import explain_syntax, odd_character
from agent.config.text import place, read_text
from agent.i18n import say

_MOST_NODES = 100_000  # aliases of aliases can make a small file huge


@dataclass(frozen=True, slots=True)
class Span:
    """Where a key or value is written: offsets into the text."""

    start: int
    end: int
    scalar: bool


@dataclass(frozen=True, slots=True)
class Source:
    """Parsed `data` (all keys are text) and the span of every key and value in it."""

    file: Path
    text: str
    data: dict[str, Any]
    keys: Mapping[KeyPath, Span] = field(default_factory=dict)  # items of lists, too
    values: Mapping[KeyPath, Span] = field(default_factory=dict)

    def written(self, where: KeyPath) -> KeyPath:
        """The steps of `where` that are in the file; others (union tags) are stepped over."""
        known: KeyPath = ()
        for step in where:
            if (*known, step) in self.keys:
                known = (*known, step)
        return known

    def place(self, where: KeyPath) -> tuple[int, int]:
        """Line and column of the deepest written step of `where`."""
        span = self.keys.get(self.written(where))
        return place(self.text, span.start) if span else (1, 1)


def read_source(file: Path) -> Source | list[Mistake]:
    """The file, or all that keeps it from being a mapping of settings."""
    text = read_text(file)
    if isinstance(text, Mistake):
        return [text]
    loader = Loader(text)
    try:
        root = loader.get_single_node()
    except TooDeep as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return [Mistake(file, line, "", say("too many brackets in brackets; write it flat"))]
    except yaml.MarkedYAMLError as error:
        return explain_syntax(file, text, error)
    finally:
        loader.dispose()
    return _build(file, text, root)


def _build(file: Path, text: str, root: yaml.Node | None) -> Source | list[Mistake]:
    if root is None:
        words = say("the file is empty; copy what you need from gateway.example.yaml")
        return [Mistake(file, 1, "", words)]
    if not isinstance(root, yaml.MappingNode):
        odd = [odd_character(file, text, offset) for offset in damage.suspects(text)]
        words = say("the file must consist of settings, one `key: value` a line")
        return odd or [Mistake(file, root.start_mark.line + 1, "", words)]
    builder = _Builder(file, text)
    data = builder.mapping(root, ())
    if builder.mistakes:
        return builder.mistakes
    return Source(file, text, data, builder.keys, builder.values)


class _Builder:
    """Turns nodes into plain values, and notes where each was written."""

    def __init__(self, file: Path, text: str) -> None:
        self.keys: dict[KeyPath, Span] = {}
        self.values: dict[KeyPath, Span] = {}
        self.mistakes: list[Mistake] = []
        self._file = file
        self._text = text
        self._open: list[yaml.Node] = []
        self._nodes = 0

    def mapping(self, node: yaml.MappingNode, where: KeyPath) -> dict[str, Any]:
        """Keys written here come before keys merged from elsewhere."""
        data: dict[str, Any] = {}
        merged: list[yaml.Node] = []
        self._open.append(node)
        for key, value in node.value:
            if key.tag == MERGE:
                merged.append(value)
            elif name := self._key(key, where, data):
                self._entry(data, name, key, value, where)
        for key, value in self._merged(merged):
            name = key.value
            if isinstance(key, yaml.ScalarNode) and name not in data:
                self._entry(data, name, key, value, where)
        self._open.pop()
        return data

    def _entry(
        self, data: dict[str, Any], name: str, key: yaml.Node, value: yaml.Node, where: KeyPath
    ) -> None:
        self.keys[(*where, name)] = _span(key)
        data[name] = self._value(value, (*where, name))

    def _key(self, key: yaml.Node, where: KeyPath, data: dict[str, Any]) -> str:
        """Its text; "" after noting what is wrong with it."""
        if not isinstance(key, yaml.ScalarNode) or not key.value:
            words = say("a key must be one word; put text that begins with a bracket in quotes")
            self._mistake(key, where, words)
            return ""
        raw = self._text[key.start_mark.index : key.end_mark.index]
        odd = damage.in_key(raw) if key.style is None else damage.in_quoted(raw)
        if odd is not None:
            self._odd(key, odd)
            return ""
        name = str(key.value)
        if name in data:
            first = place(self._text, self.keys[(*where, name)].start)[0]
            words = say("is written twice, in line {line} too; keep one of them", line=first)
            self._mistake(key, (*where, name), words)
            return ""
        return name

    def _value(self, node: yaml.Node, where: KeyPath) -> Any:
        self.values[where] = _span(node)
        if node in self._open:
            self._mistake(node, where, say("`*name` stands inside its own `&name`; write it out"))
            return None
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            if self._nodes == _MOST_NODES + 1:
                self._mistake(node, where, say("too many values by aliases (*); write fewer"))
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, where)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, where)
        return self._sequence(node, where)

    def _sequence(self, node: yaml.Node, where: KeyPath) -> list[Any]:
        items = []
        self._open.append(node)
        for position, item in enumerate(node.value):
            here = (*where, position)
            self.keys[here] = _span(item)
            items.append(self._value(item, here))
        self._open.pop()
        return items

    def _scalar(self, node: yaml.ScalarNode, where: KeyPath) -> Any:
        raw = self._text[node.start_mark.index : node.end_mark.index]
        odd = damage.in_plain(raw) if node.style is None else damage.in_quoted(raw)
        if odd is not None:
            self._odd(node, odd, dotted(where))
        try:
            return meaning(node)
        except (KeyError, ValueError):
            words = say("a tag like !word has no meaning here; delete it")
            self._mistake(node, where, words)
            return None

    def _merged(self, nodes: list[yaml.Node]) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        """What `<<:` brings, the nearest first."""
        for node in nodes:
            if isinstance(node, yaml.MappingNode) and node not in self._open:
                self._open.append(node)
                yield from ((k, v) for k, v in node.value if k.tag != MERGE)
                yield from self._merged([v for k, v in node.value if k.tag == MERGE])
                self._open.pop()
            elif isinstance(node, yaml.SequenceNode) and node not in self._open:
                self._open.append(node)
                yield from self._merged(node.value)
                self._open.pop()
            else:
                words = say("`<<:` takes a reference like *name to settings marked &name above")
                self._mistake(node, (), words)

    def _mistake(self, node: yaml.Node, where: KeyPath, words: str) -> None:
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        path = dotted(where)
        self.mistakes.append(Mistake(self._file, line, path, words, 0 if path else column))

    def _odd(self, node: yaml.Node, offset: int, path: str = "") -> None:
        at = node.start_mark.index + offset
        self.mistakes.append(odd_character(self._file, self._text, at, path))


def _span(node: yaml.Node) -> Span:
    return Span(node.start_mark.index, node.end_mark.index, isinstance(node, yaml.ScalarNode))
