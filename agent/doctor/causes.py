"""What may ail a wire, and a judgement that is never certain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST = 3  # causes in a judgement
SURE = 0.95  # as sure as measuring alone can make anybody


class Ill(StrEnum):
    NO_ANSWER = "no_answer"  # no power, a cut cable, another id
    REVERSED = "reversed"  # A and B swapped
    LINE_SETTINGS = "line_settings"  # another speed or parity
    ECHO = "echo"  # the adapter hears itself
    INTERFERENCE = "interference"  # noise on the line, a bad contact
    BIAS = "bias"  # no bias or no end resistors
    DUPLICATE = "duplicate"  # two devices with one id
    LATE = "late"  # the answer comes after the time that it is given
    PAUSE = "pause"  # the device or a converter needs a longer pause
    FOREIGN = "foreign"  # another master on the wire
    REFUSED = "refused"  # the device says no
    PORT_MISSING = "port_missing"
    PORT_HELD = "port_held"
    PORT_DENIED = "port_denied"
    PEER = "peer"  # the converter or device is not reached


@dataclass(frozen=True, slots=True)
class Cause:
    """`confidence` is 0…1 and never either. `devices` are those that it would explain; none: the
    whole wire. `values` fill the blanks of its sentences."""

    ill: Ill
    confidence: float
    devices: tuple[str, ...] = ()
    values: Mapping[str, object] | None = None

    @property
    def whole_wire(self) -> bool:
        return not self.devices


@dataclass(frozen=True, slots=True)
class Judgement:
    """`causes`: at most three, the likeliest first; none where all is well."""

    causes: tuple[Cause, ...] = ()

    @property
    def well(self) -> bool:
        return not self.causes


def ranked(hints: Sequence[Cause]) -> tuple[Cause, ...]:
    """`hints` have weights in the place of confidences; several of one cause add up. A share is
    left for what nobody thought of."""
    together: dict[Ill, Cause] = {}
    for hint in hints:
        known = together.get(hint.ill)
        together[hint.ill] = hint if known is None else _joined(known, hint)
    order = sorted(together.values(), key=lambda cause: -cause.confidence)
    total = sum(cause.confidence for cause in order) + 0.3
    return tuple(
        Cause(c.ill, round(min(SURE, c.confidence / total), 2), c.devices, c.values)
        for c in order[:MOST]
    )


def _joined(one: Cause, other: Cause) -> Cause:
    both = tuple(dict.fromkeys((*one.devices, *other.devices)))
    return Cause(
        one.ill,
        one.confidence + other.confidence,
        both if one.devices and other.devices else (),
        {**(one.values or {}), **(other.values or {})},
    )
