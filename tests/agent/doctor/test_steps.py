"""What measuring again after a step says."""

from dataclasses import replace

from agent.contract import Sound, Verdict
from agent.doctor.causes import Cause, Ill
from agent.doctor.evidence import Asked, Evidence, Quiet
from agent.doctor.steps import Effect, doubted, effect

GOOD, SILENT = Verdict(Sound.ANSWER, answers=1), Verdict(Sound.NOTHING)
SWAPPED = Cause(Ill.REVERSED, 0.4, ("b",))


def wire(**verdicts: Verdict) -> Evidence:
    asked = [Asked(device, b"?", b"", verdict) for device, verdict in verdicts.items()]
    return Evidence("bus", asked=tuple(asked * 4))


def test_a_wire_that_is_well_now_was_healed() -> None:
    assert effect(wire(a=GOOD, b=SILENT), wire(a=GOOD, b=GOOD), SWAPPED) is Effect.HEALED


def test_its_own_devices_count_only() -> None:
    before, after = wire(a=SILENT, b=SILENT), wire(a=SILENT, b=GOOD)
    assert effect(before, after, SWAPPED) is Effect.BETTER
    assert effect(before, wire(a=GOOD, b=SILENT), SWAPPED) is Effect.NONE


def test_silence_on_a_wire_that_was_not_quiet_is_an_effect() -> None:
    master = Cause(Ill.FOREIGN, 0.5)
    before = replace(wire(a=GOOD), quiet=Quiet(3.0, b"\x09", 1, ("unit 9",)))
    assert effect(before, before, master) is Effect.NONE
    assert effect(before, wire(a=GOOD), master) is Effect.HEALED


def test_doubts_add_up() -> None:
    once = doubted({}, Ill.REVERSED, 0.2)
    assert once == {Ill.REVERSED: 0.2}
    assert doubted(once, Ill.REVERSED, 0.5) == {Ill.REVERSED: 0.1}
