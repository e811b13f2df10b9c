"""What the faults of wiring make of bytes."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contract import Line, Talker
from agent.wires.ailments import (
    Breathless,
    Ill,
    Master,
    Resting,
    Twins,
    Unbiased,
    collided,
    inverted,
    levels,
    received,
    reflected,
)

LINES = [Line(9600), Line(9600, "even"), Line(19200, "odd", 2)]
PLAIN = Line(9600)


class Parrot:
    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    def hear(self, data: bytes) -> Sequence[bytes]:
        return [self.answer] if data == b"?" else []


@pytest.mark.parametrize("line", LINES)
@given(data=st.binary(max_size=40))
def test_what_is_sent_and_received_on_one_line_is_the_same(line: Line, data: bytes) -> None:
    assert received(levels(data, line), line) == data


@pytest.mark.parametrize("line", LINES)
def test_swapped_wires_make_garbage_of_every_answer(line: Line) -> None:
    answer = bytes.fromhex("03 03 02 00 d6 41 da")
    assert inverted(answer, line) != answer
    assert inverted(answer, line)


def test_two_at_once_are_mixed_and_two_alike_are_one() -> None:
    one, other = bytes.fromhex("03 03 02 00 d6 41 da"), bytes.fromhex("03 03 02 01 11 00 18")
    assert collided(one, one, 0, PLAIN) == one
    assert collided(one, other, 0, PLAIN) not in {one, other}
    assert collided(one, b"", 0, PLAIN) == one


def test_reflections_harm_now_and_then() -> None:
    answer = bytes(range(30))
    assert reflected(answer, 0.0, Random(1), PLAIN) == answer
    assert reflected(answer, 0.2, Random(1), PLAIN) != answer


def test_a_line_without_bias_puts_bytes_around_the_answer() -> None:
    (said,) = Unbiased(Parrot(b"answer"), Random(1), 1.0).hear(b"?")
    assert b"answer" in said
    assert not said.startswith(b"answer")
    assert not said.endswith(b"answer")
    assert Unbiased(Parrot(b"answer"), Random(1), 0.0).hear(b"?") == [b"answer"]


def test_a_gateway_with_swapped_wires_hears_zeros_behind_what_it_says() -> None:
    (said,) = Resting(Random(1)).hear(b"?")
    assert set(said) == {0}
    assert Resting(Random(1), 0.0).hear(b"?") == []


def test_what_is_damaged_away_is_not_said() -> None:
    assert Ill(Parrot(b"answer"), lambda answer: b"").hear(b"?") == []
    assert Ill(Parrot(b"answer"), bytes.upper).hear(b"?") == [b"ANSWER"]


def test_twins_speak_at_once_or_one_after_the_other() -> None:
    def twins(apart: float) -> Twins:
        return Twins(Parrot(b"\x03\x01"), Parrot(b"\x03\x02"), Random(1), PLAIN, apart)

    assert twins(1.0).hear(b"?") == [b"\x03\x01\x03\x02"]
    assert twins(0.0).hear(b"?") != [b"\x03\x01\x03\x02"]
    assert twins(0.0).hear(b"!") == []


def test_a_slow_converter_is_deaf_for_a_while() -> None:
    now = 0.0
    slow = Breathless(Parrot(b"answer"), 0.3, lambda: now)
    assert slow.hear(b"?") == [b"answer"]
    now = 0.2
    assert slow.hear(b"?") == []
    now = 1.0
    assert slow.hear(b"?") == [b"answer"]


def test_another_master_asks_his_own_and_hears_nobody_else() -> None:
    master = Master(Parrot(b"answer"), [b"?"], Random(1), 0.5)
    assert isinstance(master, Talker)
    said, pause = master.speak()
    assert said == [b"?", b"answer"]
    assert 0.4 <= pause <= 0.6
    assert master.hear(b"?") == []
