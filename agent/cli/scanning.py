"""What `fieldgate scan` shows while it looks, and what it found."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from agent.i18n import language, say

if TYPE_CHECKING:
    from agent.contract import Find, Line, Remark, Step

BAR = 24  # columns
MOST_VALUES = 6  # in words; --json has all


@dataclass(slots=True)
class Account:
    """`paste` makes the lines for the settings."""

    paste: "Callable[[Sequence[Find]], str]"
    as_json: bool
    finds: "list[Find]" = field(default_factory=list)
    bus: float = 0.0
    _bar: bool = False

    def step(self, step: "Step") -> None:
        self.bus = step.bus
        if self.as_json or not sys.stderr.isatty():
            return
        share = step.bus / (step.bus + step.left) if step.bus + step.left > 0 else 0.0
        words = say(
            "{line} id {address}, {found} found, about {left:.0f} s left",
            line=line_words(step.line),
            address=step.address,
            found=len(self.finds),
            left=step.left,
        )
        bar = "█" * round(share * BAR) + "░" * (BAR - round(share * BAR))
        print(f"\r\x1b[K{bar} {words}", end="", file=sys.stderr, flush=True)
        self._bar = True

    def found(self, find: "Find") -> None:
        self._wipe()
        self.finds.append(find)
        if self.as_json:
            print(json.dumps(as_data(find), ensure_ascii=False), flush=True)
        else:
            print("\n".join(sheet(find)), flush=True)

    @property
    def devices(self) -> int:
        return sum(find.address is not None for find in self.finds)

    def end(self) -> None:
        """The sum of it, and what to paste."""
        self._wipe()
        text = self.paste(self.finds)
        devices = self.devices
        if self.as_json:
            total = {"found": devices, "bus_s": round(self.bus, 3), "yaml": text}
            print(json.dumps(total, ensure_ascii=False), flush=True)
            return
        print(
            say("found: {found}; {bus:.1f} s of bus time; nothing was written",
                found=devices, bus=self.bus)
        )  # fmt: skip
        if text:
            print(say("to paste into the settings:"), text, sep="\n\n", flush=True)
        elif not self.finds:
            print(say("check the power of the devices, then A and B; or try --deep"), flush=True)

    def _wipe(self) -> None:
        if self._bar:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._bar = False


def line_words(line: "Line | None") -> str:
    """9600 8N1; nothing where there is no serial line."""
    if line is None:
        return ""
    return f"{line.baud} {line.data_bits}{line.parity[0].upper()}{line.stop_bits}"


def sheet(find: "Find") -> list[str]:
    """One find, in words."""
    from agent.cli.columns import pad

    who = "" if find.address is None else say("id {address}", address=find.address)
    head = f"{pad(line_words(find.line), 10)} {pad(who, 6)}  "
    indent = "    "
    lines = [head + (_names(find) or say("no profile fits"))]
    if find.matches:
        best = find.matches[0]
        lines.append(indent + ((language() == "zh" and best.title_zh) or best.title))
    if find.values:
        shown = [_value(*value) for value in find.values[:MOST_VALUES]]
        more = ["…"] if len(find.values) > MOST_VALUES else []
        lines.append(indent + ", ".join(shown + more))
    lines += [indent + remark_words(remark) for remark in find.remarks]
    if find.draft:
        lines += [indent + say("a profile to begin with:"), *(indent + row for row in find.draft)]
    return lines


def _names(find: "Find") -> str:
    """The tied ones are joined by `=`, the others follow."""
    named = [f"{match.profile} {match.score:.0%}" for match in find.matches]
    tied, others = named[: find.tied], named[find.tied :]
    return ", ".join([" = ".join(tied), *others])


def _value(point: str, value: Any, unit: str) -> str:
    shown = "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
    return f"{point} {shown}{'' if unit == '1' else ' ' + unit}"


def remark_words(remark: "Remark") -> str:
    return say(REMARKS[remark.code], **remark.facts)


REMARKS: Mapping[str, str] = {
    "same_map": "{best} and {other} say the same on the wire: read the label on the device",
    "other_factory_line": "{best} and {other} say the same on the wire, but leave the factory with "
    "{best_line} and {other_line}: read the label on the device",
    "reads_as": "{best} reads {as_best}, {other} reads {as_other}: compare with what is there",
    "only_in": "only {owner} has {table} {address}, between {best} and {other}: read its manual",
    "two_answers": "two answers to one question: two devices may have this id",
    "unsteady": "some answers came garbled: check A and B, the end resistors and the shield",
    "garbled": "something answers, but cannot be understood: two devices with one id, or another "
    "speed or parity",
    "babble": "something talks here by itself: a device that speaks unasked, or A and B are "
    "swapped",
    "any_id": "the device of id {id} answers to every id, so no other was looked for",
    "echo": "the adapter hears what it sends: add `echo: true` to the wire",
    "identity": "it calls itself: {text}",
    "byte_order": "its numbers look like 32-bit floats, {order}",
    "bad_profile": "the profile {file} cannot be read, so it was not compared: fieldgate check",
    "speaks": "speaks unasked: {count} whole frames in {seconds:g} s",
    "foreign": "{count} bytes were heard that no profile understands",
}
"""Codes of remarks, and the sentences for them. They are in the catalogue by `say` and by this."""


def as_data(find: "Find") -> dict[str, Any]:
    return {
        "id": find.address,
        "line": None if find.line is None else asdict(find.line),
        "matches": [asdict(match) for match in find.matches],
        "tied": find.tied,
        "options": dict(find.options),
        "values": {point: value for point, value, _ in find.values},
        "remarks": [{"code": r.code, **r.facts} for r in find.remarks],
        "draft": list(find.draft),
    }
