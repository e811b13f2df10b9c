"""The same words, read in the ways that devices mean them."""

import struct

import pytest

from agent.cli.raw_words import meanings, sheet


def cells(data: bytes) -> list[tuple[str, bytes]]:
    return [(f"holding {at}", data[2 * at : 2 * at + 2]) for at in range(len(data) // 2)]


@pytest.mark.parametrize(("order", "key"), [("ABCD", "float32"), ("CDAB", "float32_low_first")])
def test_a_float_is_seen_in_either_order_of_words(order: str, key: str) -> None:
    data = struct.pack(">f", 230.1)
    first, _ = meanings(cells(data if order == "ABCD" else data[2:] + data[:2]))
    assert first[key] == pytest.approx(230.1)


def test_signs_and_letters_are_seen() -> None:
    (one,) = meanings(cells(b"\xff\x9b"))
    assert (one["uint16"], one["int16"], one["ascii"]) == (0xFF9B, -101, "..")
    assert meanings(cells(b"S8"))[0]["ascii"] == "S8"


def test_what_is_no_number_is_a_word() -> None:
    assert meanings(cells(b"\x7f\x80\x00\x00"))[0]["float32"] == "inf"


def test_bits_are_bits() -> None:
    assert sheet([("coil 3", b"\x01"), ("coil 4", b"\x00")], 80) == ["coil 3  01", "coil 4  00"]
