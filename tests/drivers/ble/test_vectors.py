"""Published packets decode to what was published, and ours are like them."""

import struct
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.contract import Value as PointValue
from agent.paths import share
from drivers.ble import fields, payloads
from drivers.ble.frames import FrameDecoder
from drivers.ble.libraries import LibraryDecoder
from drivers.ble.packet import Packet, uuid
from drivers.ble.profile import Profile, Value, load_profile
from drivers.ble.station import Decoder
from drivers.ble.vocabulary import meaning

A = "A4:C1:38:8D:18:B2"
PROFILES = sorted((share() / "configs" / "profiles" / "ble").glob("*.yaml"))
VECTORS = yaml.safe_load((Path(__file__).with_name("vectors.yaml")).read_text(encoding="utf-8"))


def profile(name: str) -> Profile:
    return load_profile(share() / "configs" / "profiles" / "ble" / f"{name}.yaml")


def packet(vector: Any) -> Packet:
    return Packet(
        vector.get("address", A),
        -60,
        vector.get("title", ""),
        {uuid(key): bytes.fromhex(text) for key, text in vector.get("services", {}).items()},
        {key: bytes.fromhex(text) for key, text in vector.get("manufacturers", {}).items()},
    )


def decoder(vector: Any) -> Decoder:
    key = bytes.fromhex(vector["key"]) if "key" in vector else None
    found: Decoder
    if "profile" in vector:
        found = FrameDecoder(profile(vector["profile"]), vector.get("address", A), key)
    else:
        found = LibraryDecoder(vector["family"], key)
    found.load()
    return found


def named(vector: Any, values: Any) -> Any:
    if "profile" in vector:
        return values
    return {means.point: value for key, value in values.items() if (means := meaning(key))}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["name"]))
def test_a_published_packet_says_what_was_published(vector: Any) -> None:
    one, heard = decoder(vector), packet(vector)
    sight = one.look(heard)
    assert sight is not None
    assert sight.encrypted == ("key" in vector)
    assert sight.counter == vector.get("counter")
    sight.check_owner(heard.address)
    assert named(vector, one.decode(heard, sight).values) == vector["decodes"]


def test_a_parser_tells_nothing_of_the_packet_before() -> None:
    one = LibraryDecoder("bthome", None)
    one.load()
    for values in ({"temperature": 20.5}, {"humidity": 40.0}):
        heard = Packet(A, services={uuid("fcd2"): payloads.bthome(values)})
        sight = one.look(heard)
        assert sight is not None
        assert one.decode(heard, sight).values == values


def test_our_packets_are_byte_for_byte_those_published() -> None:
    by_name = {vector["name"]: packet(vector) for vector in VECTORS}
    keys = {vector["name"]: bytes.fromhex(vector.get("key", "")) for vector in VECTORS}

    def service(name: str) -> bytes:
        return next(iter(by_name[name].services.values()))

    th = {"temperature": 25.06, "humidity": 50.55}
    name = "bthome, encrypted"
    made = payloads.bthome_encrypted(th, keys[name], by_name[name].address, 0x33221100)
    assert made == service(name)
    assert payloads.pvvx(A, 33, -5.12, 54.23, 2.96, 87)[:-1] == service("pvvx")[:-1]
    assert payloads.atc1441(A, 33, -5.1, 54, 2.96, 87) == service("atc1441")
    sealed = payloads.atc_encrypted(A, 33, -5.0, 54.0, 87, keys["atc, encrypted"])
    assert sealed == service("atc, encrypted")
    mi, name = by_name["mibeacon 5, encrypted"], "mibeacon 5, encrypted"
    temperature = [(0x1004, struct.pack("<h", 226))]
    made = payloads.mibeacon_encrypted(mi.address, 0x51, temperature, keys[name])
    assert made == service(name)
    assert payloads.govee_h5075(21.7, 50.3, 100) == by_name["govee H5075"].manufacturers[0xEC88]


def test_our_other_packets_are_read_back() -> None:
    for family, heard in (
        ("xiaomi", {uuid("fe95"): payloads.mibeacon(A, 9, [(0x1008, b"\x26")])}),
        ("bthome", {uuid("fcd2"): payloads.bthome({"moisture": 38}, 9, trigger=True)}),
    ):
        one = LibraryDecoder(family, None)
        one.load()
        said = Packet(A, services=heard)
        sight = one.look(said)
        assert sight is not None
        assert sight.counter == 9
        assert one.decode(said, sight).values == {"moisture": 38}


def test_miflora_over_a_connection_says_what_was_published() -> None:
    frames = profile("xiaomi-hhccjcy01").frames
    realtime = bytes.fromhex("EA 00 00 AB 00 00 00 15 B2 00 02 3C 00 FB 34 9B")
    assert fields.decode(frames["realtime"], realtime) == {
        "air_temperature": 23.4, "illuminance": 171, "soil_moisture": 21, "soil_ec": 178,
    }  # fmt: skip
    firmware = bytes.fromhex("63 28 33 2E 31 2E 39")
    assert fields.decode(frames["firmware"], firmware) == {"battery_level": 99, "firmware": "3.1.9"}
    assert payloads.miflora_realtime(23.4, 171, 21, 178)[:10] == realtime[:10]
    assert payloads.miflora_firmware(99, "3.1.9") == firmware


@pytest.mark.parametrize("file", PROFILES, ids=lambda file: str(file.stem))
def test_a_profile_says_where_its_numbers_are_from(file: Path) -> None:
    words = yaml.safe_load((share() / "configs" / "units.yaml").read_text(encoding="utf-8"))
    one = load_profile(file)
    assert all(len(source) > 10 for source in one.source)
    assert one.title_zh
    for point, said in one.points.items():
        assert said.unit == words["points"][point]["unit"], point
        assert said.kind == words["points"][point].get("kind", "measurement"), point


def sample(value: Value) -> PointValue:
    """Something that it can carry."""
    if value.type == "hex":
        return "0123456789abcdef" * 8 if value.size is None else "a5" * value.size
    if value.type == "text":
        return "3.1.9"
    return -40.5 if value.positive else 40


@pytest.mark.parametrize("file", PROFILES, ids=lambda file: str(file.stem))
def test_every_frame_of_a_profile_is_read_back_as_it_was_written(file: Path) -> None:
    one = load_profile(file)
    for name, frame in one.frames.items():
        values = {point: sample(value) for point, value in frame.values.items()}
        made = bytes(fields.encode(frame, dict(values)))
        assert fields.fits(frame, made), name
        assert fields.decode(frame, made) == values, name


def test_the_vocabulary_is_that_of_the_gateway() -> None:
    from drivers.ble.vocabulary import KEYS

    words = yaml.safe_load((share() / "configs" / "units.yaml").read_text(encoding="utf-8"))
    for key, means in KEYS.items():
        word = words["points"][means.point]
        assert (word["unit"], word.get("kind", "measurement")) == (means.unit, means.kind), key
        assert list(means.range or ()) == word.get("range", []), key
        assert means.unit in words["units"], key


def test_an_advertisement_is_put_together_as_it_goes_on_air() -> None:
    made = payloads.advertisement({"fcd2": payloads.bthome({"temperature": 25.06})}, name="soil")
    assert made.hex(" ") == "02 01 06 07 16 d2 fc 40 02 ca 09 05 08 73 6f 69 6c"
    with pytest.raises(ValueError, match="31 bytes"):
        payloads.advertisement(manufacturers={0x0499: bytes(40)})


@pytest.mark.parametrize(
    ("tenths", "whole", "temperature"), [(5, 0x80 | 21, 21.5), (5, 0, -0.5), (9, 18, -18.9)]
)
def test_a_sign_and_a_fraction_may_stand_elsewhere(
    tenths: int, whole: int, temperature: float
) -> None:
    """SwitchBot's layout, as PySwitchbot reads it."""
    frame = profile("switchbot-meter").frames["meter"]
    data = bytes([0x54, 0, 0xE4, 0xF0 | tenths, whole, 0x80 | 55])
    assert fields.fits(frame, data)
    assert fields.decode(frame, data) == {
        "air_temperature": temperature, "air_humidity": 55, "battery_level": 100,
    }  # fmt: skip


def test_a_beacon_says_who_it_is() -> None:
    frame = profile("ibeacon").frames["beacon"]
    data = bytes.fromhex("0215 e2c56db5dffb48d2b060d0f5a71096e0 0001 002a c5")
    assert fields.fits(frame, data)
    assert fields.decode(frame, data) == {
        "beacon_id": "e2c56db5dffb48d2b060d0f5a71096e0", "beacon_group": 1, "beacon_number": 42,
    }  # fmt: skip
