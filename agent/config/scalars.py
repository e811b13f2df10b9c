"""What a word without quotes means. YAML 1.2's core: yes, no, 12:30 and dates are text."""

import re
from collections.abc import Callable
from typing import Any

import yaml

_TAG = "tag:yaml.org,2002:"
MERGE = _TAG + "merge"

_FORMS = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"[-+]?[0-9]{1,30}|0o[0-7]{1,30}|0x[0-9a-fA-F]{1,30}", [*"-+0123456789"]),
    ("float", r"[-+]?(?:[0-9]*\.[0-9]+|[0-9]+\.)(?:[eE][-+]?[0-9]+)?", [*"-+.0123456789"]),
    ("float", r"[-+]?[0-9]+[eE][-+]?[0-9]+", [*"-+0123456789"]),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", [*"-+."]),
    ("merge", r"<<", ["<"]),
)
_DEEPEST = 100


class TooDeep(yaml.MarkedYAMLError):
    """Brackets in brackets in brackets."""


class Loader(yaml.SafeLoader):
    """Composes nodes; nothing is constructed from them but by `meaning`."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > _DEEPEST:
            event = self.peek_event()  # type: ignore[no-untyped-call]  # untyped in types-PyYAML
            raise TooDeep(problem="too many levels", problem_mark=event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


Loader.yaml_implicit_resolvers = {}
for _name, _form, _first in _FORMS:
    Loader.add_implicit_resolver(_TAG + _name, re.compile(f"(?:{_form})$"), _first)


def _integer(text: str) -> int:
    digits = text.lower()
    for prefix, base in (("0x", 16), ("0o", 8)):
        if digits.startswith(prefix):
            return int(digits, base)
    return int(digits)


def _float(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


_MEANINGS: dict[str, Callable[[str], Any]] = {
    _TAG + "null": lambda _: None,
    _TAG + "bool": lambda text: text.lower() == "true",
    _TAG + "int": _integer,
    _TAG + "float": _float,
    _TAG + "str": str,
    MERGE: str,
}


def meaning(node: yaml.ScalarNode) -> Any:
    """The plain value. Raises KeyError for a tag that is not YAML's own, ValueError for a word
    that does not fit its tag (`!!int red`)."""
    return _MEANINGS[node.tag](node.value)
