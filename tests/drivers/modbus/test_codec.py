"""Requests go out as the manuals print them; only the right answers come in."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.contract import LinkLost
from drivers.modbus import codec
from drivers.modbus.codec import MbapExchange, Request, RtuExchange, crc_ok, rtu_frame
from drivers.modbus.planner import Block

SOIL = codec.read(1, Block("holding", 0, 4))  # frames of the SN-3001 soil probe's manual
SOIL_REQUEST = bytes.fromhex("01 03 00 00 00 04 44 09")
SOIL_ANSWER = bytes.fromhex("01 03 08 02 92 FF 9B 03 E8 00 38 57 B6")
SOIL_DATA = SOIL_ANSWER[3:-2]
AIR = codec.read(1, Block("input", 1, 1))  # XY-MD02
ABC_180_H = codec.write(0xFE, 6, 0x1F, [180])  # Senseair S8


@pytest.mark.parametrize(
    ("request_", "frame", "answer", "data"),
    [
        (SOIL, SOIL_REQUEST.hex(" "), SOIL_ANSWER.hex(" "), SOIL_DATA.hex(" ")),
        (AIR, "01 04 00 01 00 01 60 0A", "01 04 02 01 31 79 74", "01 31"),
        (codec.read(1, Block("coil", 0, 8)), "01 01 00 00 00 08 3D CC", "01 01 01 41 91 B8", "41"),
        (codec.write(1, 5, 0, [1]), "01 05 00 00 FF 00 8C 3A", "01 05 00 00 FF 00 8C 3A", None),
        (codec.write(1, 5, 0, [0]), "01 05 00 00 00 00 CD CA", "01 05 00 00 00 00 CD CA", None),
        (ABC_180_H, "FE 06 00 1F 00 B4 AC 74", "FE 06 00 1F 00 B4 AC 74", None),
        (codec.write(1, 16, 0x07D0, [2]), "01 10 07 D0 00 01 02 00 02 42 C1", None, None),
    ],
)  # fmt: skip
def test_frames_are_those_of_the_manuals(
    request_: Request, frame: str, answer: str | None, data: str | None
) -> None:
    exchange = RtuExchange(request_)
    assert exchange.frame == bytes.fromhex(frame)
    if answer is not None:
        heard = exchange.accept(bytearray.fromhex(answer))
        assert heard == bytes.fromhex(answer)
        code, found = exchange.answer(heard)
        assert code == 0
        assert data is None or found == bytes.fromhex(data)


def test_many_coils_are_written_in_bytes_lowest_first() -> None:
    # Modbus Application Protocol V1.1b3, section 6.11: ten coils from 19 on, CD 01.
    coils = [1, 0, 1, 1, 0, 0, 1, 1, 1, 0]
    exchange = RtuExchange(codec.write(17, 15, 19, coils))
    assert exchange.frame[:-2] == bytes.fromhex("11 0F 00 13 00 0A 02 CD 01")
    assert exchange.accept(bytearray(rtu_frame(17, bytes.fromhex("0F 00 13 00 0A")))) is not None


def test_an_exception_reply_is_an_answer() -> None:
    exchange = RtuExchange(SOIL)
    frame = exchange.accept(bytearray(rtu_frame(1, b"\x83\x02")))
    assert frame is not None
    assert exchange.answer(frame) == (2, b"")


def hear(exchange: RtuExchange | MbapExchange, *pieces: bytes) -> bytes | None:
    """As a wire would: pieces come in until there is an answer."""
    heard, found = bytearray(), None
    for piece in pieces:
        heard += piece
        found = exchange.accept(heard)
        if found is not None:
            break
    return found


@given(st.lists(st.integers(0, len(SOIL_ANSWER)), max_size=5))
def test_an_answer_may_come_in_pieces(cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(SOIL_ANSWER)]
    pieces = [SOIL_ANSWER[a:b] for a, b in pairwise(ends) if a < b]
    exchange = RtuExchange(SOIL)
    assert hear(exchange, *pieces) == SOIL_ANSWER


@settings(max_examples=300)
@given(st.binary(max_size=12), st.lists(st.integers(1, 8), max_size=6))
def test_noise_before_an_answer_costs_nothing(noise: bytes, sizes: list[int]) -> None:
    stream = noise + SOIL_ANSWER
    pieces, at = [], 0
    for size in [*sizes, len(stream)]:
        pieces.append(stream[at : at + size])
        at += size
    assert hear(RtuExchange(SOIL), *filter(None, pieces)) == SOIL_ANSWER


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_nothing_but_a_right_frame_is_ever_accepted(noise: bytes) -> None:
    exchange = RtuExchange(SOIL)
    try:
        found = hear(exchange, noise)
    except LinkLost:
        return
    assert found is None or (crc_ok(found) and found[0] == 1)


@given(st.integers(0, len(SOIL_ANSWER) - 1), st.integers(0, 7))
def test_one_wrong_bit_is_heard_as_noise(at: int, bit: int) -> None:
    damaged = bytearray(SOIL_ANSWER)
    damaged[at] ^= 1 << bit
    exchange = RtuExchange(SOIL)
    assert hear(exchange, bytes(damaged)) is None
    assert exchange.garbled


def test_half_an_answer_is_noise_and_silence_is_not() -> None:
    exchange = RtuExchange(SOIL)
    assert not exchange.garbled
    assert hear(exchange, SOIL_ANSWER[:6]) is None
    assert exchange.garbled


def test_frames_of_other_units_are_passed_over() -> None:
    # Within the other unit's data stands a whole answer of ours, CRC and all.
    foreign = rtu_frame(2, bytes([3, len(SOIL_ANSWER) + 1]) + SOIL_ANSWER + b"\0")
    exchange = RtuExchange(SOIL)
    assert hear(exchange, foreign) is None
    assert not exchange.garbled
    assert hear(exchange, foreign + SOIL_ANSWER) == SOIL_ANSWER
    assert hear(exchange, rtu_frame(2, b"\x83\x02"), SOIL_ANSWER) == SOIL_ANSWER


@pytest.mark.parametrize(
    "late",
    [
        rtu_frame(1, bytes.fromhex("03 02 00 07")),  # another count
        rtu_frame(1, bytes.fromhex("04 08 00 07 00 07 00 07 00 07")),  # another function
        rtu_frame(1, bytes.fromhex("06 00 07 00 07")),  # an answer to a write
        rtu_frame(1, bytes.fromhex("84 02")),  # an exception to another function
        SOIL_ANSWER + SOIL_ANSWER,  # two answers to one question
    ],
)
def test_another_answer_of_the_unit_proves_that_answers_come_late(late: bytes) -> None:
    with pytest.raises(LinkLost) as caught:
        hear(RtuExchange(SOIL), late)
    assert caught.value.reason == "late"


def test_an_answer_to_another_write_is_not_taken_for_ours() -> None:
    with pytest.raises(LinkLost):
        hear(RtuExchange(codec.write(1, 6, 5, [9])), rtu_frame(1, bytes.fromhex("06 00 05 00 08")))


def mbap(exchange: MbapExchange, answer: str, number: int = 0, unit: int = 1) -> bytes:
    own = int.from_bytes(exchange.frame[:2], "big")
    return codec.mbap_frame(unit, bytes.fromhex(answer), (own + number) & 0xFFFF)


def test_over_tcp_frames_carry_a_number_each() -> None:
    first, second = MbapExchange(SOIL), MbapExchange(SOIL)
    assert first.frame[2:] == bytes.fromhex("00 00 00 06 01 03 00 00 00 04")
    assert first.frame[:2] != second.frame[:2]


def test_over_tcp_answers_to_other_requests_are_dropped() -> None:
    exchange = MbapExchange(SOIL)
    stale = mbap(exchange, "03 08 " + "00 01 " * 4, number=-1)
    fresh = mbap(exchange, "03 08 " + SOIL_DATA.hex())
    found = hear(exchange, stale[:5], stale[5:] + fresh[:9], fresh[9:])
    assert found == fresh
    assert exchange.answer(found) == (0, SOIL_DATA)


def test_over_tcp_an_exception_is_an_answer() -> None:
    exchange = MbapExchange(SOIL)
    found = hear(exchange, mbap(exchange, "83 06"))
    assert found is not None
    assert exchange.answer(found) == (6, b"")


@given(st.binary(max_size=40))
def test_over_tcp_noise_is_overcome(noise: bytes) -> None:
    exchange = MbapExchange(SOIL)
    fresh = mbap(exchange, "03 08 " + SOIL_DATA.hex())
    hopeful = bytearray(noise)
    try:
        found = exchange.accept(hopeful)
    except LinkLost:
        return
    assert found is None
    # What looks like a header may announce up to 254 bytes; then the answer is found.
    for _ in range(30):
        hopeful += fresh
        if (found := exchange.accept(hopeful)) is not None:
            break
    assert found == fresh


@pytest.mark.parametrize(
    ("answer", "unit"), [("04 08 " + "00 " * 8, 1), ("03 02 00 07", 1), ("03 08 " + "00 " * 8, 2)]
)
def test_over_tcp_a_mixed_up_answer_is_a_lost_one(answer: str, unit: int) -> None:
    exchange = MbapExchange(SOIL)
    with pytest.raises(LinkLost) as caught:
        hear(exchange, mbap(exchange, answer, unit=unit))
    assert caught.value.reason == "late"
