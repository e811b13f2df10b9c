"""What was found, as lines for the settings."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.contract import Find, Line
    from agent.wires import WireSpec


@dataclass(frozen=True, slots=True)
class Paste:
    """`known`: the settings have the wire already, with that line."""

    driver: str
    wire: str
    spec: "WireSpec"
    line: "Line"
    known: bool

    def text(self, finds: "Sequence[Find]") -> str:
        """`wires:` and `devices:`; "" where no profile fits anything. A new wire gets the settings
        that most devices have; a device that has others says so."""
        fitting = [find for find in finds if find.matches]
        if not fitting:
            return ""
        line = self.line if self.known else _most_common(fitting) or self.line
        rows = [] if self.known else ["wires:", *_rows({self.wire: _wire(self.spec, line)})]
        used: Counter[str] = Counter()
        entries = [_rows([self._device(find, line, used)]) for find in fitting]
        for find, entry in zip(fitting, entries, strict=True):
            others = [match.profile for match in find.matches[1 : find.tied]]
            entry[-1] += f"  # or {', '.join(others)}" if others else ""
        return "\n".join([*rows, "devices:", *(row for entry in entries for row in entry)])

    def _device(self, find: "Find", line: "Line", used: Counter[str]) -> dict[str, Any]:
        name = _id(find)
        used[name] += 1
        unique = name if used[name] == 1 else f"{name}-{used[name]}"
        entry = {"id": unique, "driver": self.driver, "wire": self.wire, **find.options}
        return entry if find.line in {None, line} else entry | {"line": _line(find.line)}


def _most_common(finds: "Sequence[Find]") -> "Line | None":
    return Counter(find.line for find in finds).most_common(1)[0][0]


def _id(find: "Find") -> str:
    address = "" if find.address is None else f"-{find.address}"
    name = re.sub(r"[^a-z0-9_-]+", "-", find.matches[0].profile.lower()).strip("-")
    return f"{name[: 48 - len(address) - 3]}{address}"


def _rows(data: Any) -> list[str]:
    import yaml

    text = yaml.safe_dump(data, sort_keys=False, default_flow_style=None, width=1000)
    return [f"  {row}" for row in text.splitlines()]


def _wire(spec: "WireSpec", line: "Line") -> dict[str, Any]:
    if spec.port is None:
        return {"connect": f"{spec.host}:{spec.tcp_port}", "framing": spec.framing}
    return {"port": spec.port, **_line(line)}


def _line(line: "Line | None") -> dict[str, Any]:
    if line is None:
        return {}
    stop_bits = {"stop_bits": line.stop_bits} if line.stop_bits != 1 else {}
    return {"baud": line.baud, "parity": line.parity, **stop_bits}
