"""Messages go out and come back; only whole, sound frames are believed."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.contract import DeviceFault
from agent.paths import share
from drivers.serial_line.codec import Codec
from drivers.serial_line.profile import Profile, load_profile

PROFILES = share() / "configs" / "profiles" / "serial_line"
METER = Codec(load_profile(PROFILES / "cjt188-water-1f90.yaml"))
CO2 = Codec(load_profile(PROFILES / "winsen-mh-z19.yaml"))
RECEIVER = Codec(load_profile(PROFILES / "deying-m77r.yaml"), "xor_swapped")
READ = bytes.fromhex("68 10 44 33 22 11 00 33 78 01 03 1F 90 00 80 16")
MEASURED = CO2.build("measured", {"co2": 608, "temperature": 71})
FIELDS: list[tuple[dict[str, Any], Any, str]] = [
    ({"type": "uint", "size": 3}, 0x010203, "01 02 03"),
    ({"type": "uint", "size": 3, "order": "low_first"}, 0x010203, "03 02 01"),
    ({"type": "int", "size": 2}, -2, "FF FE"),
    ({"type": "int", "size": 1}, -128, "80"),
    ({"type": "float", "size": 4}, 225.7, "43 61 B3 33"),
    ({"type": "float", "size": 4, "order": "low_first"}, 225.7, "33 B3 61 43"),
    ({"type": "bcd", "size": 4, "order": "low_first"}, 123456, "56 34 12 00"),
    ({"type": "raw", "size": 3}, "A0B1C2", "A0 B1 C2"),
    ({"type": "decimal", "size": 4}, 42, "30 30 34 32"),
    ({"type": "hex", "size": 4}, 0xBEEF, "42 45 45 46"),
    ({"type": "text", "size": 4}, "on", "6F 6E 00 00"),
    ({"type": "text", "size": 4, "encoding": "gbk"}, "满位", "C2 FA CE BB"),
]


def profile(given: Mapping[str, Any], frame: list[Any] | None = None, **more: Any) -> Profile:
    body: dict[str, Any] = {
        "title": "t",
        "family": "other",
        "source": ["s"],
        "confidence": "high",
        "frame": frame or [{"hex": "AA"}, {"body": True}, {"check": "crc16_modbus"}],
        "messages": {"ask": {}, **given},
        "polls": {"poll": {"send": "ask", "answer": next(iter(given))}},
        "points": {"v": {"field": "v", "unit": "1"}},
    }
    return Profile.model_validate(body | more)


ASK = {"body": [{"text": "?"}]}


def one_field(**field: Any) -> Codec:
    return Codec(profile({"told": {"body": [{"field": "v", **field}]}}))


@pytest.mark.parametrize(("field", "raw", "wire"), FIELDS)
def test_a_field_goes_out_and_comes_back(field: dict[str, Any], raw: Any, wire: str) -> None:
    codec = one_field(**field)
    frame = codec.build("told", {"v": raw})
    assert frame[1:-2] == bytes.fromhex(wire)
    (back,) = codec.sift(frame, ["told"]).frames
    assert back.fields == {"v": raw}
    assert back.spans == {"v": bytes.fromhex(wire)}


@pytest.mark.parametrize(
    ("field", "raw"),
    [
        ({"type": "uint", "size": 1}, 256),
        ({"type": "uint", "size": 1}, -1),
        ({"type": "int", "size": 1}, 128),
        ({"type": "bcd", "size": 1}, 100),
        ({"type": "bcd", "size": 1}, -1),
        ({"type": "decimal", "size": 2}, 100),
        ({"type": "hex", "size": 2}, 256),
        ({"type": "raw", "size": 2}, "A0"),
        ({"type": "raw", "size": 1}, "no"),
        ({"type": "text", "size": 3}, "four"),
        ({"type": "text", "size": 9}, "满位"),
    ],
)
def test_what_a_field_cannot_carry_is_refused(field: dict[str, Any], raw: Any) -> None:
    with pytest.raises(DeviceFault, match="does not fit") as caught:
        one_field(**field).build("told", {"v": raw})
    assert caught.value.reason == "value"


def test_text_without_a_size_ends_at_the_next_fixed_part() -> None:
    parts = [
        {"text": ">"},
        {"field": "v", "type": "decimal", "size": None},
        {"text": ","},
        {"field": "w", "type": "text", "size": None},
        {"check": "sum8", "text": True},
        {"text": "\r"},
    ]
    with_length = [{"text": ">"}, {"length": 1}, *parts[1:]]
    for told in ([*parts[:4], {"text": ";"}, *parts[4:]], with_length):
        codec = Codec(
            profile(
                {"told": {"body": told}},
                [{"body": True}],
                messages={"ask": ASK, "told": {"body": told}},
            )
        )
        frame = codec.build("told", {"v": 12, "w": "dry"})
        (back,) = codec.sift(frame, ["told"]).frames
        assert back.fields == {"v": 12, "w": "dry"}
    assert b"12,dry" in frame


def test_a_length_of_one_field_and_one_of_the_whole_body() -> None:
    frame = [{"hex": "A5"}, {"length": 2, "order": "low_first", "add": 1}, {"body": True},
             {"check": "sum8"}]  # fmt: skip
    body = [{"length": 1, "of": "v"}, {"field": "w"}, {"field": "v", "type": "text", "size": None}]
    codec = Codec(profile({"told": {"body": body}}, frame=frame))
    sent = codec.build("told", {"v": "abc", "w": 7})
    assert sent[:-1] == bytes.fromhex("A5 06 00 03 07") + b"abc"
    (back,) = codec.sift(sent, ["told"]).frames
    assert back.fields == {"v": "abc", "w": 7}


GROUP = [{"field": "n"}, {"field": "v", "type": "int", "size": 2}]


@pytest.mark.parametrize("count", ["many", None, 3])
def test_one_frame_carries_many_detectors(count: Any) -> None:
    frame = [{"hex": "C0"}, {"length": 1}, {"body": True}, {"check": "crc16_ccitt"}]
    body = [{"field": "many"}, {"repeat": GROUP, "count": count}]
    codec = Codec(profile({"told": {"body": body}}, frame=frame, detector="n"))
    groups = [{"n": 1, "v": -5}, {"n": 2, "v": 0}, {"n": 17, "v": 999}]
    sent = codec.build("told", {"many": 3}, groups)
    (back,) = codec.sift(sent, ["told"]).frames
    assert list(back.groups) == groups
    assert back.rows()[2] == {"many": 3, "n": 17, "v": 999}


def test_bytes_written_as_characters() -> None:
    frame = [{"text": ":"}, {"digits": [{"body": True}]}, {"text": "\r\n"}]
    codec = Codec(profile({"told": {"body": [{"field": "v", "type": "int", "size": 2}]}}, frame))
    assert codec.build("told", {"v": -2}) == b":FFFE\r\n"
    (back,) = codec.sift(b":fffe\r\n").frames
    assert back.fields == {"v": -2}
    for wrong in (b":FFF\r\n", b":FFFE00\r\n", b":FFGE\r\n", b":FF\r\n", b":" + b"0" * 600):
        assert codec.sift(wrong, final=True).frames == []


def test_values_behind_their_tags_come_in_any_order() -> None:
    frame = [{"hex": "A5"}, {"length": 1}, {"body": True}, {"check": "sum8"}]
    tags = {"tagged": {0x10: [{"field": "v", "size": 2}], 0x11: [{"field": "w"}]}}
    codec = Codec(profile({"told": {"body": [tags]}}, frame))
    sent = codec.build("told", {"v": 300, "w": 7})
    assert sent[2:-1] == bytes.fromhex("10 02 01 2C 11 01 07")

    def heard(body: str) -> list[Any]:
        data = bytes.fromhex("A5") + bytes([len(bytes.fromhex(body))]) + bytes.fromhex(body)
        sifted = codec.sift(data + bytes([sum(data) & 0xFF]), ["told"])
        return [frame.fields for frame in sifted.frames if frame.message == "told"]

    assert heard("11 01 07 99 03 00 00 00 10 02 01 2C") == [{"w": 7, "v": 300}]
    assert heard("11 01 07") == [{"w": 7}]
    for wrong in ("11 02 07 00", "11 00", "11 05 07", "10 01 01", "11"):
        assert heard(wrong) == []


def test_messages_are_told_apart_by_bits_of_a_field() -> None:
    body = [{"field": "v"}, {"field": "w"}]
    warm, cold = {"v": [0x0F, 3]}, {"v": [0x0F, 4]}
    codec = Codec(
        profile({"warm": {"bits": warm, "body": body}, "cold": {"bits": cold, "body": body}})
    )
    assert codec.build("cold", {"v": 0x80, "w": 1})[1] == 0x84
    stream = codec.build("warm", {"v": 0x90}) + codec.build("cold", {"v": 0x80})
    assert [frame.message for frame in codec.sift(stream, ["warm", "cold"]).frames] == [
        "warm", "cold",
    ]  # fmt: skip


@given(st.lists(st.integers(0, len(MEASURED)), max_size=5))
def test_a_frame_may_come_in_pieces(cuts: list[int]) -> None:
    heard, found = bytearray(), []
    for a, b in pairwise([0, *sorted(cuts), len(MEASURED)]):
        heard += MEASURED[a:b]
        sifted = CO2.sift(heard, ["measured"])
        del heard[: sifted.used]
        found += sifted.frames
    assert [frame.data for frame in found] == [MEASURED]


@settings(max_examples=300)
@given(st.binary(max_size=12), st.binary(max_size=12))
def test_noise_around_a_frame_costs_nothing(before: bytes, after: bytes) -> None:
    sifted = CO2.sift(before + MEASURED + after, ["measured"], final=True)
    whole = [frame.data for frame in sifted.frames]
    assert MEASURED in whole or any(frame.startswith(b"\xff") for frame in whole)
    assert sifted.used == len(before + MEASURED + after)


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_nothing_but_a_sound_frame_is_ever_believed(noise: bytes) -> None:
    for frame in METER.sift(noise, final=True).frames:
        assert frame.data[0] == 0x68
        assert sum(frame.data[:-2]) & 0xFF == frame.data[-2]


@given(st.integers(0, len(READ) - 1), st.integers(0, 7))
def test_one_wrong_bit_is_heard_as_noise(at: int, bit: int) -> None:
    damaged = bytearray(READ)
    damaged[at] ^= 1 << bit
    sifted = METER.sift(damaged, final=True)
    assert sifted.frames == []
    assert sifted.noise


def test_a_preamble_is_no_noise() -> None:
    sifted = METER.sift(b"\xfe\xfe" + READ + b"\xfe" + READ)
    assert len(sifted.frames) == 2
    assert not sifted.noise


def test_nothing_is_looked_for_within_a_frame_that_has_begun_in_its_place() -> None:
    inner = READ
    outer = bytearray(bytes.fromhex("68 20 01 00 00 00 00 00 00 81") + bytes([len(inner)]) + inner)
    outer += bytes([sum(outer) & 0xFF, 0x16])
    assert [frame.message for frame in METER.sift(outer).frames] == [""]
    part = METER.sift(outer[:-3])
    assert (part.frames, part.used) == ([], 0)
    lost = METER.sift(outer[:-1], final=True)
    assert [frame.message for frame in lost.frames] == ["read"], "the outer one never ended"


def test_what_would_be_longer_than_any_frame_is_none() -> None:
    frame = [{"hex": "A5"}, {"length": 2}, {"body": True}, {"check": "sum8"}]
    codec = Codec(profile({"told": {"body": [{"field": "v", "type": "raw", "size": None}]}}, frame))
    sound = codec.build("told", {"v": "0102"})
    sifted = codec.sift(bytes.fromhex("A5 FF FF") + sound)
    assert [found.data for found in sifted.frames] == [sound]
    with pytest.raises(DeviceFault, match="does not fit"):
        codec.build("told", {"v": "00" * 65})


def test_a_field_that_is_longer_than_it_may_be_is_none() -> None:
    frame = [{"hex": "A5"}, {"length": 1}, {"body": True}, {"check": "sum8"}]
    codec = Codec(profile({"told": {"body": [{"field": "v", "type": "raw", "size": None}]}}, frame))
    body = bytes([65]) + bytes(65)
    sifted = codec.sift(b"\xa5" + body + bytes([(sum(body) + 0xA5) & 0xFF]))
    assert [found.message for found in sifted.frames] == [""]


def test_a_message_that_its_length_cannot_count_is_refused() -> None:
    frame = [{"hex": "A5"}, {"length": 1, "add": 16}, {"body": True}, {"check": "sum8"}]
    text = {"type": "text", "size": None, "longest": 250}
    codec = Codec(profile({"told": {"body": [{"field": "v", **text}]}}, frame))
    with pytest.raises(DeviceFault, match="the message is too long"):
        codec.build("told", {"v": "x" * 245})


def test_groups_that_take_no_bytes_are_no_groups() -> None:
    frame = [{"hex": "A5"}, {"length": 1}, {"body": True}, {"check": "sum8"}]
    group = {"repeat": [{"field": "w", "type": "raw", "size": None}], "count": "v"}
    codec = Codec(profile({"told": {"body": [{"field": "v"}, group]}}, frame))
    one, two = ([{"w": "0102"}], [{"w": "0102"}, {"w": ""}])
    assert codec.sift(codec.build("told", {"v": 1}, one), ["told"]).frames[0].message == "told"
    assert codec.sift(codec.build("told", {"v": 2}, two), ["told"]).frames[0].message == ""


def test_lines_of_a_receiver_are_split_and_checked() -> None:
    lines = b"".join(
        RECEIVER.build("told", {"host": 1, "detector": n, "state": n % 2}) for n in (1, 2, 99)
    )
    sifted = RECEIVER.sift(lines[:-5] + b"x" + lines[-5:], ["told"], final=True)
    assert [frame.fields["detector"] for frame in sifted.frames] == [1, 2]
    assert sifted.noise


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"polls": {"poll": {"send": "ask", "answer": "nobody"}}}, "no message is called 'nobody'"),
        ({"points": {"v": {"field": "w", "unit": "1"}}}, "no message that is heard has a field"),
        ({"frame": [{"hex": "AA"}]}, "the frame has no place for it"),
        ({"frame": [{"body": True}]}, "message ask is empty"),
        ({"frame": [{"hex": "A"}, {"body": True}]}, "pairs of hexadecimal digits"),
        ({"frame": [{"what": 1}]}, "a part has one of"),
        ({"frame": [{"check": "sum8", "size": 1}, {"body": True}]}, "`size:` goes with"),
        ({"listens": {"told": {}}}, "either asked"),
        ({"listens": {"told": {}}, "polls": {}}, "needs `heartbeat:`"),
        ({"detector": "nobody"}, "no message has a field 'nobody'"),
        ({"messages": {"ask": {"set": {"x": 1}}, "told": {"body": [{"field": "v"}]}}},
         "no field is called 'x'"),
        ({"polls": {n: {"send": "ask", "answer": "told"} for n in "ab"}}, "two polls have one"),
        ({"config": {"wipe": {"send": "ask", "guard": "dangerous"}}}, "only `config:` may send it"),
        ({"points": {"v": {"field": "v", "unit": "1", "write": "w"}}}, "names none of `writes:`"),
        ({"points": {"v": {"field": "v", "unit": "1", "scale": 0}}}, "every value the same"),
    ],
)  # fmt: skip
def test_a_profile_that_cannot_work_is_refused(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        profile({"told": {"body": [{"field": "v"}]}}, **change)
