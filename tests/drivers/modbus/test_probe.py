"""How a Modbus device is examined: what each kind of sound is taken for."""

from pathlib import Path

import pytest

from agent.clock import Clock
from agent.contract import Device, Probe, Sound
from agent.host import DeviceHost
from agent.status import Board
from agent.wires import Wires, WireSpec
from drivers.modbus.codec import rtu_frame
from drivers.modbus.probe import probe

NO = rtu_frame(3, b"\x83\x02")


def examined(spec: WireSpec, unit: int = 3) -> Probe:
    device = Device(
        "soil", "modbus", 1.0, "bus", options={"profile": "renke-soil-th", "unit": unit}
    )
    wire = Wires([spec], Board()).wire("bus")  # never opened: it only tells its framing
    return probe(device, DeviceHost(device, Clock(), wire))


@pytest.fixture
def soil() -> Probe:
    return examined(WireSpec("bus", port="/dev/null"))


@pytest.fixture
def question(soil: Probe) -> bytes:
    return soil.questions[0]


@pytest.fixture
def answer(question: bytes) -> bytes:
    size = 2 * int.from_bytes(question[4:6])
    return rtu_frame(3, bytes([question[1], size]) + bytes(size))


def test_it_asks_what_changes_nothing(soil: Probe) -> None:
    assert soil.questions
    assert {question[1] for question in soil.questions} <= {1, 2, 3, 4}
    assert soil.label == "unit 3"


def test_an_answer_is_whole_with_or_without_the_echo(
    soil: Probe, question: bytes, answer: bytes
) -> None:
    plain = soil.judge(question, answer)
    assert (plain.sound, plain.echo, plain.before, plain.after) == (Sound.ANSWER, False, 0, 0)
    echoed = soil.judge(question, question + answer)
    assert (echoed.sound, echoed.echo) == (Sound.ANSWER, True)


def test_bytes_around_the_answer_are_counted(soil: Probe, question: bytes, answer: bytes) -> None:
    verdict = soil.judge(question, b"\x00\xff" + answer + b"\xfe")
    assert (verdict.sound, verdict.before, verdict.after) == (Sound.ANSWER, 2, 1)


def test_two_answers_are_counted(soil: Probe, question: bytes, answer: bytes) -> None:
    assert soil.judge(question, answer + answer).answers == 2


def test_its_own_echo_alone_is_nothing(soil: Probe, question: bytes) -> None:
    verdict = soil.judge(question, question)
    assert (verdict.sound, verdict.echo) == (Sound.NOTHING, True)


def test_a_refusal_has_its_code(soil: Probe, question: bytes) -> None:
    verdict = soil.judge(question, rtu_frame(3, bytes([question[1] | 0x80, 2])))
    assert (verdict.sound, verdict.code) == (Sound.REFUSAL, 2)


def test_an_answer_of_another_unit_or_to_another_question(soil: Probe, question: bytes) -> None:
    assert soil.judge(question, rtu_frame(9, b"\x03\x02\x00\x01")).sound is Sound.STRANGER
    stale = rtu_frame(3, bytes([question[1], 60]) + bytes(60))
    assert soil.judge(question, stale).sound is Sound.STALE


def test_an_answer_with_a_wrong_bit_is_broken_and_garbage_is_noise(
    soil: Probe, question: bytes, answer: bytes
) -> None:
    bent = bytearray(answer)
    bent[4] ^= 0x10
    assert soil.judge(question, bytes(bent)).sound is Sound.BROKEN
    assert soil.judge(question, b"\xff\x00").sound is Sound.NOISE
    assert soil.judge(question, b"").sound is Sound.NOTHING


def test_frames_are_told_in_words(soil: Probe, question: bytes) -> None:
    told = soil.frames(b"\x00" + rtu_frame(9, b"\x04\x00\x10\x00\x02") + NO + b"\xff")
    assert told == [
        "unit 9 is asked for 2 from 16 on, function 4",
        "unit 3 refuses function 3: exception 2",
    ]
    written = soil.frames(rtu_frame(9, b"\x06\x00\x01\x00\x07"))
    assert written == ["unit 9: a write, function 6, 00 01 00 07"]


def test_on_tcp_the_transaction_must_be_the_same() -> None:
    tcp = examined(WireSpec("bus", host="127.0.0.1", tcp_port=1, framing="tcp"))
    question = tcp.questions[0]
    size = 2 * int.from_bytes(question[10:12])
    pdu = bytes([question[7], size]) + bytes(size)
    answer = question[:4] + (len(pdu) + 1).to_bytes(2) + question[6:7] + pdu
    assert tcp.judge(question, answer).sound is Sound.ANSWER
    other = bytes([answer[0] ^ 1]) + answer[1:]
    assert tcp.judge(question, other).sound is Sound.STALE
    assert tcp.frames(question) == tcp.frames(question)[:1]


def test_every_profile_can_be_examined() -> None:
    folder = Path(__file__).parents[3] / "configs" / "profiles" / "modbus"
    wire = Wires([WireSpec("bus", port="/dev/null")], Board()).wire("bus")
    for file in sorted(folder.glob("*.yaml")):
        device = Device("x", "modbus", 1.0, "bus", options={"profile": file.stem})
        examined_one = probe(device, DeviceHost(device, Clock(), wire))
        assert examined_one.questions, file.stem
        assert examined_one.head(examined_one.questions[0]), file.stem
