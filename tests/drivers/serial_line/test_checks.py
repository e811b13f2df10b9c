"""Checksums are those of the catalogues; which one a device uses is found out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.serial_line.checks import CHECKS, Learner, check_named

LINES = [f"001,02,{n:02},{n % 2},0,{100 + n:03},000".encode() for n in range(1, 40)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("crc8", 0xF4), ("crc8_maxim", 0xA1), ("crc16_modbus", 0x4B37), ("crc16_arc", 0xBB3D),
        ("crc16_ccitt", 0x29B1), ("crc16_xmodem", 0x31C3), ("crc16_kermit", 0x2189),
        ("crc16_x25", 0x906E), ("sum8", 0xDD), ("sum16", 0x01DD), ("sum8_twos", 0x23),
        ("sum8_ones", 0x22), ("xor", 0x31), ("bcc", 0x31), ("xor_swapped", 0x13),
    ],
)  # fmt: skip
def test_the_check_value_of_the_catalogue(name: str, value: int) -> None:
    _, check = check_named(name)
    assert check(b"123456789") == value


@pytest.mark.parametrize("name", [name for name, (size, _) in CHECKS.items() if size == 1])
def test_a_checksum_is_found_out_from_a_few_frames(name: str) -> None:
    learner = Learner(1)
    for line in LINES:
        learner.see(line, Learner.digest(name, line))
        if learner.learned:
            break
    assert learner.learned == name
    assert learner.seen <= 8


@pytest.mark.parametrize("name", ["crc16_xmodem", "crc16_modbus:low_first", "sum16"])
def test_the_order_of_two_bytes_is_found_out_too(name: str) -> None:
    learner = Learner(2)
    for line in LINES:
        learner.see(line, Learner.digest(name, line))
    assert learner.learned == name


def test_one_frame_again_and_again_proves_nothing() -> None:
    learner = Learner(1)
    for _ in range(50):
        learner.see(b"", b"\0")
    assert not learner.learned


def test_a_damaged_frame_starts_the_count_anew() -> None:
    learner = Learner(1)
    for line in LINES[:2]:
        learner.see(line, Learner.digest("xor", line))
    learner.see(LINES[2], bytes([Learner.digest("xor", LINES[2])[0] ^ 0x55]))
    for line in LINES[3:5]:
        learner.see(line, Learner.digest("xor", line))
    before = learner.learned
    learner.see(LINES[5], Learner.digest("xor", LINES[5]))
    assert (before, learner.learned) == ("", "xor")


def test_what_was_found_out_before_is_kept_and_nonsense_is_not() -> None:
    assert Learner(1, "xor_swapped").learned == "xor_swapped"
    assert Learner(1, "crc16_modbus").learned == ""


@given(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=30))
def test_random_bytes_teach_nothing_wrong(frames: list[bytes]) -> None:
    """A constant in the place of the checksum is none, whatever the frames are."""
    learner = Learner(2)
    for frame in frames:
        learner.see(frame, b"\xde\xad")
    assert not learner.learned
