"""Faults as they are written: behind --fault, in a script, at the terminal."""

import pytest

from agent.contract import Misconfigured
from agent.simulate.faulty import Fault, fault_of, fault_typed


@pytest.mark.parametrize(
    ("flag", "fault"),
    [
        ("probe-3:silence", Fault("probe-3", "silence", 1.0)),
        ("probe-3:silence@30s+20s", Fault("probe-3", "silence", 1.0, 30.0, 20.0)),
        ("bus:noise=20@500ms", Fault("bus", "noise", 20.0, 0.5)),
        ("bus:late=2s+1min", Fault("bus", "late", 2.0, 0.0, 60.0)),
        ("bus:swap=0.3", Fault("bus", "swap", 0.3)),
        ("bus:unplug@10:05+20min", Fault("bus", "unplug", 1.0, 36300.0, 1200.0, of_day=True)),
        (" bus:echo ", Fault("bus", "echo", 1.0)),
    ],
)
def test_a_flag_says_what_of_whom_when_and_how_long(flag: str, fault: Fault) -> None:
    assert fault_of(flag) == fault


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("silence probe-3 20s", Fault("probe-3", "silence", 1.0, 0.0, 20.0)),
        ("late=300ms probe-3", Fault("probe-3", "late", 0.3)),
        ("unplug bus 10s", Fault("bus", "unplug", 1.0, 0.0, 10.0)),
    ],
)
def test_a_typed_line_begins_at_once(line: str, fault: Fault) -> None:
    assert fault_typed(line) == fault


@pytest.mark.parametrize(
    "flag",
    ["", "bus", "bus:", "bus:fire", "bus:late=fast", "bus:noise=-1", "bus:swap=2", "bus:noise=x",
     "bus:silence@soon", "bus:silence+20", ":silence"],
)  # fmt: skip
def test_nonsense_is_told(flag: str) -> None:
    with pytest.raises(Misconfigured, match="is no fault") as caught:
        fault_of(flag)
    assert "silence" in caught.value.hint


def test_nonsense_at_the_terminal_is_told() -> None:
    with pytest.raises(Misconfigured, match="'burn it' is no fault"):
        fault_typed("burn it")
