"""Every cause has words and a step, in every situation that it can be named in."""

from dataclasses import replace

import pytest

from agent.contract import Line, Sound, Verdict
from agent.doctor.causes import Cause, Ill, Judgement
from agent.doctor.evidence import Asked, Evidence, Quiet
from agent.doctor.report import as_json, lines
from agent.doctor.words import words

VALUES = {"found": "4800 8E1", "codes": "2", "said": "x", "holders": "minicom (7)"}
GOOD = Asked("a", b"?", b"!", Verdict(Sound.ANSWER, answers=1))
WIRE = Evidence("bus", line=Line(9600), asked=(GOOD,))


@pytest.mark.parametrize("ill", Ill)
@pytest.mark.parametrize("kind", ["serial", "converter"])
@pytest.mark.parametrize("devices", [(), ("soil-1",)])
@pytest.mark.parametrize("values", [{}, VALUES])
def test_blanks_are_filled(
    ill: Ill, kind: str, devices: tuple[str, ...], values: dict[str, object]
) -> None:
    told = words(Cause(ill, 0.5, devices, values), replace(WIRE, kind=kind))  # type: ignore[arg-type]
    for sentence in (told.title, told.step):
        assert len(sentence) > 10
        assert "{" not in sentence


def test_the_device_that_a_step_is_for_is_named() -> None:
    told = words(Cause(Ill.REVERSED, 0.5, ("soil-1",)), WIRE)
    assert "soil-1" in told.step
    assert "soil-1" not in words(Cause(Ill.REVERSED, 0.5), WIRE).step


def test_a_report_tells_devices_causes_and_steps() -> None:
    silent = Asked("b", b"?", b"", Verdict(Sound.NOTHING))
    found = replace(
        WIRE,
        asked=(GOOD, silent),
        quiet=Quiet(3.0, b"\x01", 1),
        mute=("c",),
        unknown=("d",),
        holders=("minicom (7)",),
    )
    text = "\n".join(lines(found, Judgement((Cause(Ill.NO_ANSWER, 0.5, ("b",)),))))
    assert "a  1 of 1 answers good" in text
    assert "b  0 of 1 answers good, 1 times silent" in text
    assert "c  speaks by itself" in text
    assert "d  cannot be examined" in text
    assert "also open in minicom (7)" in text
    assert "1 bytes that are no frame" in text
    assert " 1. b: no power" in text
    assert "(50%)" in text


def test_a_wire_that_is_well_is_called_so() -> None:
    assert list(lines(WIRE, Judgement()))[-1] == "this wire is well"


def test_json_has_counts_and_causes() -> None:
    told = as_json(WIRE, Judgement((Cause(Ill.LATE, 0.5, ("a",)),)))
    assert told["causes"][0]["cause"] == "late"
    assert told["devices"][0]["whole"] == 1
    assert told["well"] is False
