"""From evidence to causes: what must be named, and that nothing is certain."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.contract import Line, Sound, Verdict
from agent.doctor.causes import MOST, SURE, Ill
from agent.doctor.evidence import Asked, Evidence, Quiet
from agent.doctor.judge import judge

QUESTION = bytes.fromhex("03 03 00 00 00 01 85 e8")
ANSWER = Verdict(Sound.ANSWER, answers=1)
NOTHING = Verdict(Sound.NOTHING)
BROKEN = Verdict(Sound.BROKEN)


def asked(device: str, verdict: Verdict, heard: bytes = b"\x03\x03", **more: Any) -> Asked:
    heard = b"" if verdict.sound is Sound.NOTHING else heard
    one = Asked(device, QUESTION, heard, verdict)
    return replace(one, **more)


def evidence(*several: tuple[str, list[Verdict]]) -> Evidence:
    return Evidence("bus", asked=tuple(asked(d, v) for d, all_of_it in several for v in all_of_it))


def ills(found: Evidence) -> list[Ill]:
    return [cause.ill for cause in judge(found).causes]


def test_a_wire_on_which_all_answer_is_well() -> None:
    assert judge(evidence(("a", [ANSWER] * 4), ("b", [ANSWER] * 4))).well


def test_silence_of_one_names_power_polarity_and_settings() -> None:
    found = evidence(("a", [ANSWER] * 4), ("b", [NOTHING] * 2))
    assert set(ills(found)) == {Ill.NO_ANSWER, Ill.REVERSED, Ill.LINE_SETTINGS}
    assert judge(found).causes[0].devices == ("b",)


def test_silence_of_all_is_the_wires_own() -> None:
    found = evidence(("a", [NOTHING] * 2), ("b", [NOTHING] * 2))
    assert judge(found).causes[0].ill is Ill.NO_ANSWER
    assert judge(found).causes[0].whole_wire


def test_an_answer_at_another_speed_says_which() -> None:
    found = evidence(("a", [NOTHING] * 2))
    elsewhere = asked("a", ANSWER, line=Line(4800, "even"))
    first = judge(replace(found, elsewhere=(elsewhere,))).causes[0]
    assert first.ill is Ill.LINE_SETTINGS
    assert first.values is not None
    assert first.values["found"] == "4800 8E1"


def test_only_its_own_echo_comes_back() -> None:
    found = Evidence("bus", asked=(asked("a", Verdict(Sound.NOTHING, echo=True)),) * 2)
    assert ills(found)[0] is Ill.ECHO
    assert Ill.NO_ANSWER in ills(found)


def test_an_echo_that_is_expected_is_none() -> None:
    heard = Verdict(Sound.ANSWER, echo=True, answers=1)
    found = Evidence("bus", ear=True, asked=(asked("a", heard),) * 4)
    assert judge(found).well


def test_an_echo_that_is_expected_and_missing_is_named() -> None:
    found = Evidence("bus", ear=True, asked=(asked("a", ANSWER),) * 4)
    assert ills(found)[0] is Ill.ECHO


def test_one_of_several_always_garbled_may_be_two() -> None:
    found = evidence(("a", [ANSWER] * 4), ("b", [BROKEN] * 4), ("c", [ANSWER] * 4))
    assert ills(found)[0] is Ill.DUPLICATE
    assert Ill.INTERFERENCE in ills(found)


def test_all_garbled_now_and_then_is_noise_or_the_ends_of_the_line() -> None:
    found = evidence(("a", [ANSWER, BROKEN] * 2), ("b", [BROKEN, ANSWER] * 2))
    assert ills(found)[0] is Ill.INTERFERENCE
    assert Ill.BIAS in ills(found)


def test_noise_around_good_answers_is_a_missing_bias() -> None:
    fringed = Verdict(Sound.ANSWER, before=1, after=2, answers=1)
    assert ills(evidence(("a", [fringed] * 4), ("b", [fringed] * 4)))[0] is Ill.BIAS


def test_two_whole_answers_are_two_devices() -> None:
    assert ills(evidence(("a", [Verdict(Sound.ANSWER, answers=2)] * 4)))[0] is Ill.DUPLICATE


def test_zeros_behind_every_question_are_a_line_held_the_wrong_way() -> None:
    noise = asked("a", Verdict(Sound.NOISE), heard=b"\x00")
    assert ills(Evidence("bus", asked=(noise,) * 2))[0] is Ill.REVERSED


def test_an_answer_that_begins_inverted_is_a_swapped_pair() -> None:
    noise = asked("a", Verdict(Sound.NOISE), mirrored=True)
    assert ills(Evidence("bus", asked=(noise,) * 4))[0] is Ill.REVERSED


def test_late_answers_are_late() -> None:
    assert ills(Evidence("bus", asked=(asked("a", ANSWER, late=True),) * 4))[0] is Ill.LATE


def test_strange_frames_on_a_quiet_wire_are_another_master() -> None:
    quiet = Quiet(3.0, b"\x09\x03", 4, ("unit 9 is asked",))
    found = replace(evidence(("a", [ANSWER] * 4)), quiet=quiet)
    assert ills(found)[0] is Ill.FOREIGN


def test_exceptions_are_a_refusal() -> None:
    no = Verdict(Sound.REFUSAL, answers=1, code=2)
    first = judge(evidence(("a", [no] * 4), ("b", [ANSWER] * 4))).causes[0]
    assert (first.ill, first.devices) == (Ill.REFUSED, ("a",))


def test_a_converter_that_reaches_nobody_has_not_been_refused() -> None:
    no = Verdict(Sound.REFUSAL, answers=1, code=11)
    found = replace(evidence(("a", [no] * 4)), kind="network")
    assert ills(found)[0] is Ill.NO_ANSWER
    assert Ill.REFUSED not in ills(found)


def test_a_wire_of_devices_that_speak_by_themselves_is_not_well_while_they_are_silent() -> None:
    found = Evidence("bus", mute=("parking",))
    assert ills(found)[0] is Ill.NO_ANSWER
    garbled = replace(found, quiet=Quiet(3.0, b"\x80\x00\x9f", 1))
    assert ills(garbled)[0] is Ill.LINE_SETTINGS
    heard = (asked("parking", ANSWER),)
    assert judge(replace(found, asked=heard)).well


def test_who_answers_after_a_pause_needs_one() -> None:
    found = evidence(("a", [NOTHING] * 2))
    assert ills(replace(found, paused=(asked("a", ANSWER),) * 2))[0] is Ill.PAUSE


def test_a_network_has_no_a_and_b() -> None:
    found = replace(evidence(("a", [NOTHING] * 2)), kind="network")
    assert ills(found) == [Ill.NO_ANSWER]


@pytest.mark.parametrize(
    ("trouble", "ill"),
    [("missing", Ill.PORT_MISSING), ("held", Ill.PORT_HELD), ("denied", Ill.PORT_DENIED),
     ("peer", Ill.PEER)],
)  # fmt: skip
def test_a_port_that_cannot_be_used_is_the_only_cause(trouble: str, ill: Ill) -> None:
    assert ills(Evidence("bus", trouble=trouble)) == [ill]  # type: ignore[arg-type]


def test_a_step_without_effect_lets_the_next_cause_rise() -> None:
    found = evidence(("a", [NOTHING] * 2))
    first = judge(found).causes[0].ill
    again = judge(found, {first: 0.2})
    assert again.causes[0].ill is not first
    assert first in {cause.ill for cause in again.causes}


VERDICTS = st.builds(
    Verdict,
    sound=st.sampled_from(Sound),
    echo=st.booleans(),
    before=st.integers(0, 3),
    after=st.integers(0, 3),
    answers=st.integers(0, 2),
    code=st.integers(0, 11),
)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from("abc"), VERDICTS), min_size=1, max_size=12))
def test_what_is_not_well_has_one_to_three_causes_and_none_is_certain(
    said: list[tuple[str, Verdict]],
) -> None:
    found = Evidence("bus", asked=tuple(asked(device, verdict) for device, verdict in said))
    causes = judge(found).causes
    assert found.well or 1 <= len(causes) <= MOST
    assert all(0 < cause.confidence <= SURE < 1 for cause in causes)
    assert len({cause.ill for cause in causes}) == len(causes)
