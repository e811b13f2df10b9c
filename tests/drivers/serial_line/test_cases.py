"""What was on the wire, and the readings it must become: one folder per case.

case.yaml: `profile`; `options` of the device; `check`: the rule that every frame is held against
here, apart from the driver's own; `heard`: frames in hex or text and `expect`, every point they
tell, as [value, quality] or [value, quality, reason]; `builds`: messages with their fields, and
the frame that they must become; `answers`: frames and the fields that stand in them; `refused`:
bytes that must be understood as nothing; `unknown`: whole frames of no message. `golden` frames
were taken from the `source` named and not computed.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from agent.clock import Clock
from agent.contract import Device
from agent.host import DeviceHost
from agent.paths import share
from drivers.serial_line.codec import Codec
from drivers.serial_line.sample import Sampler
from drivers.serial_line.station import Station

PROFILES = share() / "configs" / "profiles" / "serial_line"
FOLDER = Path(__file__).parent / "cases"
NAMES = sorted(file.stem for file in PROFILES.glob("*.yaml"))
CASES = sorted(folder.name for folder in FOLDER.iterdir())

Case = dict[str, Any]


@cache
def case_named(name: str) -> Case:
    text = (FOLDER / name / "case.yaml").read_text(encoding="utf-8")
    return cast("Case", yaml.safe_load(text))


def having(part: str) -> list[str]:
    return [name for name in CASES if part in case_named(name)]


def crc_modbus(data: bytes) -> bytes:
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value.to_bytes(2, "little")


def crc_xmodem(data: bytes) -> bytes:
    value = 0
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return value.to_bytes(2, "little")


def xor_swapped(data: bytes) -> bytes:
    value = 0
    for byte in data:
        value ^= byte
    return f"{value & 15:X}{value >> 4:X}".encode()


RULES: dict[str, Callable[[bytes], bool]] = {
    "mhz19": lambda b: len(b) == 9 and (0xFF - (sum(b[1:8]) & 0xFF) + 1) & 0xFF == b[8],
    "cjt188": lambda b: b[0] == 0x68 and b[-1] == 0x16 and sum(b[:-2]) & 0xFF == b[-2],
    "modbus_crc": lambda b: crc_modbus(b[:-2]) == b[-2:],
    "sum8_before_last2": lambda b: sum(b[:-2]) & 0xFF == b[-2] and b[-1] == 0x0A,
    "sum8_last": lambda b: sum(b[:-1]) & 0xFF == b[-1],
    "xor_swapped_text": lambda b: xor_swapped(b[1:].partition(b"*")[0]) == b[-4:-2],
    "xmodem_before_last": lambda b: crc_xmodem(b[2:-3]) == b[-3:-1] and b[-1] == 0xFF,
    "none": lambda b: b.startswith(b"UP,") and b.endswith(b"\n"),
}


def frame_of(case: Case, one: dict[str, Any]) -> bytes:
    """Its bytes, once its checksum was found right."""
    data = bytes.fromhex(one["frame"]) if "frame" in one else str(one["text"]).encode("ascii")
    assert one.get("unchecked") or RULES[case["check"]](data), f"wrong checksum: {one}"
    return data


def station_of(case: Case) -> Station:
    options = {"profile": case["profile"], **case.get("options", {})}
    if "detectors" not in options and case["profile"] == "deying-m77r":
        options["detectors"] = [1]
    device = Device("d", "serial_line", 1.0, wire="bus", options=options)
    return Station.of(device, DeviceHost(device, Clock()))


def readings(case: Case) -> dict[str, tuple[Any, ...]]:
    station = station_of(case)
    codec, sampler = Codec(station.profile, station.check), Sampler(station)
    stream = b"".join(frame_of(case, one) for one in case["heard"])
    sifted = codec.sift(stream, [*station.profile.answers(), *station.profile.listens])
    assert sifted.used == len(stream)
    assert not sifted.noise
    told = [
        reading
        for frame in sifted.frames
        for reading in sampler.readings(frame, Clock().now(), proven=codec.learn(frame))
    ]
    assert all(station.is_addressed(frame.fields) for frame in sifted.frames)
    return {
        r.point: (r.value, r.quality.value, *([r.reason] if r.reason else [])) for r in told
    }  # fmt: skip


def exact(found: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    """So that True is not taken for 1."""
    return {name: (isinstance(one[0], bool), *one) for name, one in found.items()}


@pytest.mark.parametrize("name", having("heard"))
def test_frames_become_exactly_the_expected_readings(name: str) -> None:
    case = case_named(name)
    assert exact(readings(case)) == exact(case["expect"])


@pytest.mark.parametrize("name", having("builds"))
def test_messages_become_the_very_frames_of_the_manuals(name: str) -> None:
    case = case_named(name)
    station = station_of(case)
    codec = Codec(station.profile, station.check)
    for one in case["builds"]:
        lead = bytes.fromhex(one.get("lead", ""))
        frame = codec.build(one["message"], one.get("fields", {}))
        assert frame == lead + frame_of(case, one)
        (back,) = codec.sift(frame, [one["message"]]).frames
        assert back.message == one["message"]
        assert {n: back.fields[n] for n in one.get("fields", {})} == one.get("fields", {})


@pytest.mark.parametrize("name", having("answers"))
def test_answers_are_understood_field_by_field(name: str) -> None:
    case = case_named(name)
    station = station_of(case)
    codec = Codec(station.profile, station.check)
    for one in case["answers"]:
        (frame,) = codec.sift(frame_of(case, one), [one["message"]]).frames
        assert frame.message == one["message"]
        assert frame.fields == one["fields"]


@pytest.mark.parametrize("name", having("refused"))
def test_damaged_frames_are_understood_as_nothing(name: str) -> None:
    case = case_named(name)
    station = station_of(case)
    codec = Codec(station.profile, station.check)
    for damaged in case["refused"]:
        assert codec.sift(bytes.fromhex(damaged), final=True).frames == []


@pytest.mark.parametrize("name", having("unknown"))
def test_whole_frames_of_no_message_are_passed_over(name: str) -> None:
    case = case_named(name)
    codec = Codec(station_of(case).profile)
    for text in case["unknown"]:
        sifted = codec.sift(frame_of(case, {"frame": text}))
        assert [frame.message for frame in sifted.frames] == [""]


def test_every_profile_has_a_case() -> None:
    assert {case_named(name)["profile"] for name in CASES} == set(NAMES)


def test_cases_are_named_after_their_profile_and_golden_frames_have_a_source() -> None:
    for name in CASES:
        case = case_named(name)
        assert name.startswith(case["profile"])
        assert ("golden: true" in yaml.safe_dump(case)) == ("source" in case), name
