"""Registers and bits become values, and values registers."""

import math
import struct
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.contract import DeviceFault, Quality, Value
from drivers.modbus.decode import decode, decoder
from drivers.modbus.encode import encode
from drivers.modbus.profile import Point
from drivers.modbus.words import pack_bits, pack_registers

GOOD, UNCERTAIN, BAD = Quality.GOOD, Quality.UNCERTAIN, Quality.BAD
ORDERS = [(w, b) for w in ("high_first", "low_first") for b in ("high_first", "low_first")]


def register(kind: str = "uint16", **more: Any) -> Point:
    return Point(**{"table": "holding", "address": 0, "type": kind, "unit": "1"} | more)


@pytest.mark.parametrize(
    ("point", "words", "value"),
    [
        (register("uint16", scale=0.1), [0x0292], 65.8),
        (register("int16", scale=0.1), [0xFF9B], -10.1),
        (register("int16", scale=0.01, offset=-40), [4321], 3.21),
        (register("uint16", scale=10), [123], 1230),
        (register("uint32", scale=0.001, words="low_first"), [0x006C, 0x0000], 0.108),
        (register("int32"), [0xFFFF, 0xFFFE], -2),
        (register("uint64"), [0, 1, 0, 2], 2**32 + 2),
        (register("int64"), [0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF], -1),
        (register("float32"), [0x4361, 0xB333], 225.7),
        (register("float32", scale=0.001), [0x4361, 0xB333], 0.2257),
        (register("float64"), [0x3FB9, 0x9999, 0x9999, 0x999A], 0.1),
        (register("float64", scale=0.1), [0x4008, 0, 0, 0], 0.3),
        (register("bcd", length=2, scale=0.01), [0x0012, 0x3456], 1234.56),
        (register("ascii", length=3), [0x4142, 0x4300, 0x7878], "ABC"),
        (register("ascii", length=2, bytes="low_first"), [0x4241, 0x4443], "ABCD"),
        (register("bool", bit=3), [0b1000], True),
        (register("bool", bit=3), [0b0111], False),
        (register("uint16", bit=4, bits=4), [0x01A0], 10),
        (register("uint32", bit=20, bits=8, words="low_first"), [0, 0x0FF0], 255),
        (register("uint16", enum={0: "closed", 2: "open"}), [2], "open"),
        (register("int16", enum={-1: "fault"}), [0xFFFF], "fault"),
        (Point(table="coil", address=7, unit="1"), [1], True),
        (Point(table="discrete", address=7, unit="1", enum={0: "dry", 1: "wet"}), [0], "dry"),
    ],
)
def test_raw_words_become_clean_values(point: Point, words: list[int], value: Value) -> None:
    got = decode(point, words)
    assert got == (value, GOOD, "")
    assert type(got[0]) is type(value)
    assert repr(got[0]) == repr(value)


@pytest.mark.parametrize(
    ("words", "order"), [([0x4361, 0xB333], ORDERS[0]), ([0x6143, 0x33B3], ORDERS[1]),
                         ([0xB333, 0x4361], ORDERS[2]), ([0x33B3, 0x6143], ORDERS[3])],
)  # fmt: skip
def test_four_orders_of_bytes(words: list[int], order: tuple[str, str]) -> None:
    point = register("float32", words=order[0], bytes=order[1])
    assert decode(point, words)[0] == 225.7


@pytest.mark.parametrize(
    ("point", "words", "expected"),
    [
        (register(range=(0, 100), scale=0.1), [1001], (100.1, UNCERTAIN, "range")),
        (register(quality="uncertain"), [7], (7, UNCERTAIN, "indicative")),
        (register(enum={0: "off"}), [9], ("9", UNCERTAIN, "unknown_code")),
        (register("int16", fault=(0x8000,)), [0x8000], (None, BAD, "sensor_fault")),
        (register("uint32", fault=(0xFFFFFFFF,)), [0xFFFF] * 2, (None, BAD, "sensor_fault")),
        (register("float32", fault=(0x7FC00000,)), [0x7FC0, 0], (None, BAD, "sensor_fault")),
        (register("float32"), [0x7FC0, 0], (None, BAD, "not_a_number")),
        (register("float64"), [0xFFF0, 0, 0, 0], (None, BAD, "not_a_number")),
        (register("bcd"), [0x12A4], (None, BAD, "not_bcd")),
        (register("bcd", fault=(0xFFFF,)), [0xFFFF], (None, BAD, "sensor_fault")),
        (register("uint16", bit=0, bits=4, fault=(0xFFFF,)), [0xFFFF], (None, BAD, "sensor_fault")),
        (register("ascii", length=2), [0x41FF, 0x4242], (None, BAD, "not_ascii")),
        (register("ascii", length=2), [0x410A, 0x4242], (None, BAD, "not_ascii")),
    ],
)
def test_what_is_no_good_value_says_why(
    point: Point, words: list[int], expected: tuple[Value | None, Quality, str]
) -> None:
    assert decode(point, words) == expected


def test_a_value_is_found_within_a_longer_answer() -> None:
    assert decoder(register())(pack_registers([1, 2, 3]), 4)[0] == 3
    coil = decoder(Point(table="coil", address=0, unit="1"))
    assert [coil(pack_bits([0] * 9 + [1, 0, 1]), at)[0] for at in (8, 9, 10, 11)] == [
        False, True, False, True,
    ]  # fmt: skip


numbers = st.sampled_from(["int16", "uint16", "int32", "uint32", "int64", "uint64", "bcd"])
orders = st.sampled_from(ORDERS)


@st.composite
def whole_points(draw: st.DrawFn) -> tuple[Point, int]:
    """A point of any whole type and order, and a raw number that it can hold."""
    kind, (words, bytes_) = draw(numbers), draw(orders)
    length = draw(st.integers(1, 4)) if kind == "bcd" else 1
    point = register(kind, length=length, words=words, bytes=bytes_)
    size = 16 * point.width
    if kind == "bcd":
        return point, draw(st.integers(0, 10 ** (size // 4) - 1))
    low = -(2 ** (size - 1)) if kind.startswith("int") else 0
    return point, draw(st.integers(low, low + 2**size - 1))


@given(whole_points())
def test_whole_numbers_survive_the_wire(drawn: tuple[Point, int]) -> None:
    point, raw = drawn
    assert decode(point, encode(point, raw)) == (raw, GOOD, "")


@given(
    st.integers(-32768, 32767),
    st.sampled_from([0.1, 0.01, 0.001, 0.5, 0.0001, 2.5, 1e-5]),
    st.sampled_from([0.0, -40.0, 0.05, 273.15]),
)
def test_scaled_values_are_the_decimals_that_the_profile_means(
    raw: int, scale: float, offset: float
) -> None:
    point = register("int16", scale=scale, offset=offset)
    value = decode(point, [raw & 0xFFFF])[0]
    assert value == float(raw * Decimal(repr(scale)) + Decimal(repr(offset)))
    assert encode(point, value) == [raw & 0xFFFF]


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), orders)
def test_float32_survives_the_wire_in_few_digits(number: float, order: tuple[str, str]) -> None:
    point = register("float32", words=order[0], bytes=order[1])
    words = encode(point, number)
    value = decode(point, words)[0]
    assert isinstance(value, float)
    assert struct.unpack(">f", struct.pack(">f", value))[0] == number
    assert len(repr(value)) <= len(repr(number))
    assert encode(point, value) == words


@given(st.floats(allow_nan=False, allow_infinity=False), orders)
def test_float64_survives_the_wire(number: float, order: tuple[str, str]) -> None:
    point = register("float64", words=order[0], bytes=order[1])
    assert decode(point, encode(point, number))[0] == number


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=8), orders)
def test_text_survives_the_wire(text: str, order: tuple[str, str]) -> None:
    point = register("ascii", length=4, words=order[0], bytes=order[1])
    assert decode(point, encode(point, text))[0] == text


@given(
    st.integers(0, 0xFFFFFFFF), st.integers(0, 24), st.integers(1, 8), st.integers(0, 255), orders
)
def test_a_bit_field_leaves_its_neighbours_alone(
    before: int, bit: int, bits: int, raw: int, order: tuple[str, str]
) -> None:
    raw %= 1 << bits
    whole = register("uint32", words=order[0], bytes=order[1])
    field = register("uint32", words=order[0], bytes=order[1], bit=bit, bits=bits)
    words = encode(field, bool(raw) if bits == 1 else raw, encode(whole, before))
    mask = (1 << bits) - 1 << bit
    assert decode(field, words)[0] == raw
    after = decode(whole, words)[0]
    assert isinstance(after, int)
    assert after & ~mask == before & ~mask


@pytest.mark.parametrize(
    ("point", "value", "complaint"),
    [
        (register(), 65536, "65536 does not fit into its registers"),
        (register("int16", scale=0.1), -4000, "-40000 does not fit into its registers"),
        (register("bcd"), 10000, "10000 does not fit into its registers"),
        (register("float32"), 1e39, "1e+39 does not fit into its registers"),
        (register("float64"), 10**400, "does not fit into its registers"),
        (register("uint16"), 10**400, "does not fit into its registers"),
        (register("uint16", bit=0, bits=3), 8, "8 does not fit into its registers"),
        (register(), "much", "'much' is no number"),
        (register(), math.nan, "'nan' is no number"),
        (register(), True, "'True' is no number"),
        (register("bool", bit=1), "maybe", "'maybe' is neither on nor off"),
        (register(enum={0: "shut", 1: "open"}), "ajar", "'ajar' is not one of: shut, open"),
        (register("ascii"), "far too long", "is not ASCII text of at most 2 characters"),
        (register(), None, "no raw value of this point means a fault"),
    ],
)
def test_what_cannot_be_written_is_refused(
    point: Point, value: Value | None, complaint: str
) -> None:
    with pytest.raises(DeviceFault) as caught:
        encode(point, value)
    assert complaint in str(caught.value)
    assert caught.value.hint


def test_words_and_switches_are_written_by_name() -> None:
    assert encode(register(enum={0: "shut", 5: "open"}), "open") == [5]
    assert encode(register(enum={0: "shut", 5: "open"}), 5) == [5]
    assert encode(Point(table="coil", address=0, unit="1"), "on") == [1]
    assert encode(Point(table="coil", address=0, unit="1"), False) == [0]
    assert encode(register("int16", fault=(0x8000,)), None) == [0x8000]


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"type": "uint16", "bit": 12, "bits": 5}, "within 16 bits"),
        ({"type": "uint16", "fault": (-9999,)}, "without a sign"),
        ({"type": "uint16", "scale": 0}, "every value the same"),
        ({"type": "uint16", "write": {"function": 5}}, "5 and 15 write coils"),
        ({"type": "uint32", "write": {"function": 6}}, "use 16"),
    ],
)
def test_a_profile_that_makes_no_sense_is_refused(wrong: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Point(**{"table": "holding", "address": 0, "unit": "1"} | wrong)
