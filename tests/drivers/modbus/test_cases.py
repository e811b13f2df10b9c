"""What was on the wire, and the readings it must become: one folder per case.

case.yaml: `profile`; `exchanges` of RTU frames in hex (request, and reply where it is known), which
are `golden` when they were taken from the `source` named and not computed; `writes` of a value to
a point with the frame they must cause; `expect`: every point that the replies cover, as
[value, quality] or [value, quality, reason].
"""

import struct
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

import pytest
import yaml

from agent.contract import Quality
from agent.paths import share
from drivers.modbus.codec import Request, RtuExchange, read, write
from drivers.modbus.decode import Decoded, decode
from drivers.modbus.encode import encode
from drivers.modbus.planner import READ, Block
from drivers.modbus.profile import Point, Profile, load_profile

PROFILES = share() / "configs" / "profiles" / "modbus"
FOLDER = Path(__file__).parent / "cases"
NAMES = sorted(file.stem for file in PROFILES.glob("*.yaml"))
CASES = sorted(folder.name for folder in FOLDER.iterdir())
TABLES = {function: table for table, function in READ.items()}

Case = dict[str, Any]
Heard = tuple[Block, list[int]]  # a read, and the registers or bits that came back


@cache
def profile_named(name: str) -> Profile:
    return load_profile(PROFILES / f"{name}.yaml")


@cache
def case_named(name: str) -> Case:
    text = (FOLDER / name / "case.yaml").read_text(encoding="utf-8")
    return cast("Case", yaml.safe_load(text))


def crc(data: bytes) -> bytes:
    """Modbus over Serial Line V1.02, section 2.5.1.2; on its own, so that it checks the codec's."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value.to_bytes(2, "little")


def frame(text: str) -> bytes:
    """A frame from its hex, once its checksum was found right."""
    data = bytes.fromhex(text)
    assert crc(data[:-2]) == data[-2:], f"wrong checksum: {text}"
    return data


def frames(case: Case) -> list[tuple[bytes, bytes | None]]:
    return [
        (frame(one["request"]), frame(one["reply"]) if "reply" in one else None)
        for one in case.get("exchanges", [])
    ]


def request_of(data: bytes) -> Request:
    """What the codec makes of the same intention: unit, function, address, count or values."""
    unit, function, address, word = struct.unpack_from(">BBHH", data)
    if function in TABLES:
        return read(unit, Block(TABLES[function], address, word))
    if function == 5:
        return write(unit, 5, address, [int(word == 0xFF00)])
    if function == 6:
        return write(unit, 6, address, [word])
    if function == 15:
        bits = int.from_bytes(data[7:-2], "little")
        return write(unit, 15, address, [bits >> place & 1 for place in range(word)])
    return write(unit, 16, address, struct.unpack(f">{word}H", data[7:-2]))


def heard(request: bytes, reply: bytes) -> Heard:
    unit, function, first, count = struct.unpack_from(">BBHH", request)
    assert reply[:2] == bytes([unit, function])
    data = reply[3:-2]
    assert len(data) == reply[2]
    block = Block(TABLES[function], first, count)
    if block.bits:
        assert len(data) == (count + 7) // 8
        bits = int.from_bytes(data, "little")
        return block, [bits >> place & 1 for place in range(count)]
    return block, list(struct.unpack(f">{count}H", data))


def readings(profile: Profile, answers: list[Heard]) -> dict[str, Decoded]:
    return {
        name: decode(point, _slice(point, block, words))
        for block, words in answers
        for name, point in profile.points.items()
        if block.holds(point)
    }


def _slice(point: Point, block: Block, words: list[int]) -> list[int]:
    at = point.address - block.first
    return words[at : at + point.width]


def expected(case: Case) -> dict[str, Decoded]:
    return {
        name: (value, Quality(quality), *(reason or [""]))
        for name, (value, quality, *reason) in case.get("expect", {}).items()
    }


def exact(readings: dict[str, Decoded]) -> dict[str, tuple[object, ...]]:
    """So that True is not taken for 1."""
    return {name: (isinstance(one[0], bool), *one) for name, one in readings.items()}


@pytest.mark.parametrize("name", CASES)
def test_replies_become_exactly_the_expected_readings(name: str) -> None:
    case = case_named(name)
    answers = [heard(request, reply) for request, reply in frames(case) if reply]
    got = readings(profile_named(case["profile"]), answers)
    assert exact(got) == exact(expected(case))


@pytest.mark.parametrize("name", CASES)
def test_the_codec_sends_the_very_frames_of_the_manuals_and_accepts_the_replies(name: str) -> None:
    for request, reply in frames(case_named(name)):
        exchange = RtuExchange(request_of(request))
        assert exchange.frame == request
        if reply:
            assert exchange.accept(bytearray(reply)) == reply
            assert exchange.answer(reply) == (0, reply[3:-2])


@pytest.mark.parametrize("name", [name for name in CASES if "writes" in case_named(name)])
def test_writing_a_value_sends_the_frame_of_the_manual(name: str) -> None:
    case = case_named(name)
    for one in case["writes"]:
        wanted = frame(one["request"])
        point = profile_named(case["profile"]).points[one["point"]]
        assert point.write is not None
        words = point.write.sent(encode(point, one["value"], [0] * point.width))
        function: Literal[5, 6, 15, 16] = point.write.function
        sent = write(wanted[0], function, point.address, words)
        assert RtuExchange(sent).frame == wanted


@pytest.mark.parametrize("name", CASES)
def test_a_golden_frame_names_its_source_and_a_case_shows_something(name: str) -> None:
    case = case_named(name)
    told = [*case.get("exchanges", []), *case.get("writes", [])]
    assert told
    assert name.startswith(case["profile"] + "-")
    for one in told:
        assert one["golden"] == bool(one.get("source"))


def cases_of(profile: str) -> list[Case]:
    return [case for case in map(case_named, CASES) if case["profile"] == profile]


@pytest.mark.parametrize("name", NAMES)
def test_every_point_of_every_shipped_profile_is_seen_in_a_case(name: str) -> None:
    seen = {point for case in cases_of(name) for point in case.get("expect", {})}
    assert seen == set(profile_named(name).points)


def knows_more_than_the_ordinary(name: str) -> bool:
    points = profile_named(name).points.values()
    return any(p.range or p.fault or p.type.startswith(("int", "float")) for p in points)


@pytest.mark.parametrize("name", [name for name in NAMES if knows_more_than_the_ordinary(name)])
def test_every_profile_is_tried_with_a_negative_value_or_one_out_of_range_or_none(
    name: str,
) -> None:
    found = [outcome for case in cases_of(name) for outcome in expected(case).values()]
    assert any(
        reason == "range" or value is None or (isinstance(value, int | float) and value < 0)
        for value, _, reason in found
    )
