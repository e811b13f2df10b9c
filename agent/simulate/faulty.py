"""What goes wrong on request, as it is written: behind --fault, in a script, at the terminal.

    probe-3:silence@30s+20s     thirty seconds after the start, for twenty
    field-a:noise=20@10:00+1h   from ten o'clock of the simulated day on, for an hour of it
    silence probe-3 20s         at the terminal: now, for twenty seconds

Pure.
"""

import re
from dataclasses import dataclass

from agent.contract import Misconfigured
from agent.contract.settings import Seconds
from agent.simulate.script import of_day

KINDS = ("silence", "noise", "late", "echo", "swap", "unplug")
WIRE_ONLY = frozenset({"echo", "unplug"})
_BYTES, _LATE, _CHANCE = 8.0, 1.5, 1.0  # usual strengths: bytes of noise, s, a chance
_FLAG = re.compile(
    r"(?P<target>[^:\s]+):(?P<kind>[a-z]+)(=(?P<strength>[^@+]+))?"
    r"(@(?P<start>[^+]+))?(\+(?P<lasts>.+))?"
)
_TYPED = re.compile(r"(?P<kind>[a-z]+)(=(?P<strength>\S+))?\s+(?P<target>\S+)(\s+(?P<lasts>\S+))?")


@dataclass(frozen=True, slots=True)
class Fault:
    """`target`: a device or a wire. `strength`: bytes of noise, s of delay or the chance of a swap.
    `start` and `lasts` (None: until it is cleared) are real seconds or, where `of_day`, those of
    the simulated day, `start` since its midnight."""

    target: str
    kind: str
    strength: float
    start: float = 0.0
    lasts: float | None = None
    of_day: bool = False


def fault_of(flag: str) -> Fault:
    """Raises Misconfigured."""
    match = _FLAG.fullmatch(flag.strip())
    if match is None:
        raise _unknown(flag)
    start = match["start"]
    clock = None if start is None else of_day(start)
    since = 0.0 if start is None else _seconds(start, flag) if clock is None else clock
    return _fault(match, flag, since, of_day=clock is not None)


def fault_typed(line: str) -> Fault:
    """Raises Misconfigured."""
    match = _TYPED.fullmatch(line.strip())
    if match is None:
        raise _unknown(line)
    return _fault(match, line, 0.0, of_day=False)


def _fault(match: re.Match[str], text: str, start: float, *, of_day: bool) -> Fault:
    kind, lasts = match["kind"], match["lasts"]
    if kind not in KINDS:
        raise _unknown(text)
    return Fault(
        match["target"],
        kind,
        _strength(kind, match["strength"], text),
        start,
        None if lasts is None else _seconds(lasts, text),
        of_day,
    )


def _strength(kind: str, written: str | None, text: str) -> float:
    if kind == "late":
        return _LATE if written is None else _seconds(written, text)
    usual = _BYTES if kind == "noise" else _CHANCE
    most = 1000.0 if kind == "noise" else 1.0
    try:
        found = usual if written is None else float(written)
    except ValueError as error:
        raise _unknown(text) from error
    if not 0 < found <= most:
        raise _unknown(text)
    return found


def _seconds(written: str, text: str) -> float:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter[float](Seconds).validate_python(written.strip())
    except ValidationError as error:
        raise _unknown(text) from error


def _unknown(text: str) -> Misconfigured:
    return Misconfigured(
        "'{text}' is no fault",
        hint="write DEVICE-OR-WIRE:KIND, like probe-3:silence@30s+20s; the kinds are silence, "
        "noise, late, echo, swap, unplug",
        text=text,
    )
