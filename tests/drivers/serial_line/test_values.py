"""Raw values become values of points, and values raw ones."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.contract import DeviceFault, Quality
from drivers.serial_line import layout
from drivers.serial_line.layout import Text
from drivers.serial_line.profile import Point
from drivers.serial_line.raw import Unreadable, from_bytes
from drivers.serial_line.values import decoder, encode

GOOD, UNCERTAIN, BAD = Quality.GOOD, Quality.UNCERTAIN, Quality.BAD


def point(**more: Any) -> Point:
    return Point(**{"field": "v", "unit": "1"} | more)


def field(**more: Any) -> layout.Value:
    return layout.Value(**{"field": "v"} | more)


@pytest.mark.parametrize(
    ("settings", "raw", "decoded"),
    [
        ({}, 7, (7, GOOD, "")),
        ({"scale": 0.01}, 55667700, (556677.0, GOOD, "")),
        ({"scale": 0.1, "offset": -40}, 654, (25.4, GOOD, "")),
        ({"scale": 10}, 12, (120, GOOD, "")),
        ({"scale": 0.5}, 225.7, (112.85, GOOD, "")),
        ({}, Fraction(25, 2), (12.5, GOOD, "")),
        ({}, "A0B1", ("A0B1", GOOD, "")),
        ({"range": [0, 5]}, 6, (6, UNCERTAIN, "range")),
        ({"fault": [255]}, 255, (None, BAD, "sensor_fault")),
        ({"quality": "uncertain"}, 7, (7, UNCERTAIN, "indicative")),
        ({"bit": 4}, 0x10, (True, GOOD, "")),
        ({"bit": 4, "bits": 2}, 0x3F, (3, GOOD, "")),
        ({"bit": 0, "bits": 2, "enum": {0: "open", 1: "closed"}}, 0x85, ("closed", GOOD, "")),
        ({"enum": {0: "off", 1: "on"}}, 9, ("9", UNCERTAIN, "unknown_code")),
        ({"enum": {0: False, 1: True}}, 1, (True, GOOD, "")),
        ({"enum": {0: False, 1: True}}, 9, (None, BAD, "unknown_code")),
        ({"enum": {"V": False, "O": True}}, "V", (False, GOOD, "")),
        ({}, Unreadable("not_bcd"), (None, BAD, "not_bcd")),
    ],
)
def test_raw_values_become_values(settings: Any, raw: Any, decoded: Any) -> None:
    found = decoder(point(**settings))(raw)
    assert (type(found[0]), *found) == (type(decoded[0]), *decoded)


@pytest.mark.parametrize(
    ("settings", "how", "value", "raw"),
    [
        ({"scale": 0.01}, {"type": "bcd", "size": 4}, 1234.56, 123456),
        ({"scale": 0.1}, {"type": "float", "size": 4}, 2.5, 25.0),
        ({}, {"type": "decimal", "size": None}, 12.5, Fraction(25, 2)),
        ({}, {"type": "decimal", "size": 3}, 12.5, 12),
        ({}, {"type": "text", "size": 4}, "on", "on"),
        ({"enum": {1: "open", 2: "close"}}, {}, "close", 2),
        ({"enum": {1: "open", 2: "close"}}, {}, "2", 2),
        ({"enum": {0: False, 1: True}}, {}, True, 1),
        ({"bit": 0}, {}, "ON", 1),
        ({"fault": [2, 3]}, {}, None, 2),
    ],
)
def test_values_become_raw_ones(settings: Any, how: Any, value: Any, raw: Any) -> None:
    assert encode(point(**settings), field(**how), value) == raw


@pytest.mark.parametrize(
    ("settings", "value", "problem"),
    [
        ({}, None, "no raw value of this point means a fault"),
        ({}, "seven", "is no number"),
        ({}, float("nan"), "is no number"),
        ({}, True, "is no number"),
        ({"bit": 0}, "maybe", "neither on nor off"),
        ({"enum": {1: "open"}}, "shut", "is not one of: open"),
    ],
)
def test_what_a_point_cannot_be_is_told(settings: Any, value: Any, problem: str) -> None:
    with pytest.raises(DeviceFault, match=problem) as caught:
        encode(point(**settings), field(), value)
    assert caught.value.reason == "value"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("how", "wire", "reason"),
    [
        ({"type": "bcd", "size": 2}, "EE EE", "not_bcd"),
        ({"type": "float", "size": 4}, "7F C0 00 00", "not_a_number"),
        ({"type": "decimal", "size": 3}, "2D 2D 2D", "not_a_number"),
        ({"type": "hex", "size": 2}, "5A 5A", "not_hex"),
        ({"type": "text", "size": 2}, "FF FE", "not_text"),
        ({"type": "text", "size": 2, "encoding": "gbk"}, "FF 41", "not_text"),
    ],
)
def test_what_is_no_value_is_bad_and_says_why(how: Any, wire: str, reason: str) -> None:
    assert from_bytes(field(**how), bytes.fromhex(wire)) == Unreadable(reason)


@pytest.mark.parametrize(
    ("characters", "value"),
    [(b"+12.5", Fraction(25, 2)), (b"-7", -7), (b" 42", 42), (b"007", 7), (b"-0.50", -0.5)],
)
def test_decimal_characters(characters: bytes, value: Any) -> None:
    assert from_bytes(field(type="decimal", size=len(characters)), characters) == value


@given(st.integers(-(2**15), 2**15 - 1), st.sampled_from([1, 0.1, 0.01, 0.5, 10]))
def test_a_scaled_value_is_the_nearest_decimal_and_goes_back(raw: int, scale: float) -> None:
    settings = point(scale=scale, offset=-40)
    value, quality, _ = decoder(settings)(raw)
    assert quality is GOOD
    assert isinstance(value, int | float)
    assert len(str(value)) < 12
    assert encode(settings, field(type="int", size=2), value) == raw


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"type": "float", "size": 2}, "a float has"),
        ({"type": "uint", "size": None}, "is for raw, decimal, hex and text"),
        ({"type": "text", "counts": True}, "is for `type: uint`"),
        ({"size": 65}, "less than or equal to 64"),
    ],
)
def test_a_field_that_cannot_be_is_refused(settings: Any, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        field(**settings)


def test_fixed_text_is_ascii_and_bits_of_a_field_are_not_written() -> None:
    with pytest.raises(ValidationError, match="fixed text is ASCII"):
        Text(text="余位")
    with pytest.raises(ValidationError, match="cannot be written"):
        point(bit=1, write="w")
