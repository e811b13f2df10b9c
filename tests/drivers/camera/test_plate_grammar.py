"""Which texts can stand on a plate, and what an implausible one costs."""

import pytest

from drivers.camera.vision.grammar import (
    ALPHABET,
    COLOURS,
    IMPOSSIBLE,
    UNLIKELY,
    kind_of,
    plausibility,
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("皖A12345", "std7"),
        ("京AD12345", "ne8"),
        ("粤B12345D", "ne8"),
        ("京A1234警", "police"),
        ("沪A1234学", "learner"),
        ("鲁B123A挂", "trailer"),
        ("粤Z1234港", "cross_border"),
        ("粤ZAB12澳", "cross_border"),
        ("沪A0023领", "consulate"),
        ("使224578", "embassy"),
        ("WJ京12345", "armed_police"),
        ("VA12345", "military"),
        ("皖A1234", ""),
        ("皖A1234567", ""),
        ("京AM12345", ""),
        ("", ""),
    ],
)
def test_a_text_has_the_kind_of_the_first_layout_it_fits(text: str, kind: str) -> None:
    assert kind_of(text) == kind


def test_i_and_o_stand_on_no_plate() -> None:
    assert "I" not in ALPHABET
    assert "O" not in ALPHABET
    assert kind_of("皖AO2345") == ""


def test_no_character_has_two_labels() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET) == 72


def test_a_text_that_fits_layout_and_colour_costs_nothing() -> None:
    assert plausibility("皖A12345", "blue") == 1.0
    assert plausibility("京AD12345", "green") == 1.0


def test_a_layout_of_another_colour_is_doubted() -> None:
    assert plausibility("京AD12345", "blue") == UNLIKELY
    assert plausibility("皖A12345", "green") == UNLIKELY


def test_a_text_that_fits_no_layout_is_doubted_more() -> None:
    for colour in COLOURS:
        assert plausibility("皖A123", colour) == IMPOSSIBLE < UNLIKELY
