"""The shipped profiles: what every one of them owes its user, over a real port."""

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cache
from typing import Any

import pytest
import yaml

from agent.contract import Quality, Reading, Value
from agent.paths import share
from drivers.serial_line import layout
from drivers.serial_line.bank import Bank
from drivers.serial_line.driver import SerialLineDriver
from drivers.serial_line.layout import Check
from drivers.serial_line.profile import Point, Profile, load_profile
from drivers.serial_line.raw import Raw
from drivers.serial_line.station import point_id
from drivers.serial_line.stream import SerialLineStream
from drivers.serial_line.values import Decoded, decoder, encode
from drivers.serial_line.waves import capacity

Build = Callable[..., AbstractAsyncContextManager[Any]]

FILES = sorted((share() / "configs" / "profiles" / "serial_line").glob("*.yaml"))
NAMES = [file.stem for file in FILES]
DETECTORS: dict[str, Any] = {
    "deying-m77r": [1, 2, 99],
    "wvds-nbiot": {"a1": "050117060001", "a2": "050117060002"},
    "bosch-tps110": {"p1": "70B3D5E75E001A2F", "p2": "70B3D5E75E001A30"},
    "nwave-nps405": {"p1": "70B3D5E75E001A2F", "p2": "70B3D5E75E001A30"},
    "libelium-parking": {"p1": "70B3D5E75E001A2F", "p2": "70B3D5E75E001A30"},
    "moko-lw009": {"p1": "70B3D5E75E001A2F", "p2": "70B3D5E75E001A30"},
}
CHECKS = {"deying-m77r": "xor_swapped", "wvds-nbiot": "crc16_xmodem"}


@cache
def profile_named(name: str) -> Profile:
    return load_profile(FILES[NAMES.index(name)])


@cache
def vocabulary() -> Any:
    return yaml.safe_load((share() / "configs" / "units.yaml").read_text(encoding="utf-8"))


def options(name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"profile": name, "warm_up": "0s"}
    if name in DETECTORS:
        found["detectors"] = DETECTORS[name]
    if name in CHECKS:
        found["check"] = CHECKS[name]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_says_where_its_numbers_are_from_and_what_it_is_called(name: str) -> None:
    profile = profile_named(name)
    assert all(len(source) > 10 for source in profile.source)
    assert profile.title
    assert re.search("[\u4e00-\u9fff]", profile.title_zh)
    assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name)


@pytest.mark.parametrize("name", NAMES)
def test_points_have_the_names_and_units_of_the_vocabulary(name: str) -> None:
    words = vocabulary()["points"]
    for point, settings in profile_named(name).points.items():
        word = words.get(point)
        assert word is not None, f"{point} is not in configs/units.yaml"
        assert settings.unit == word["unit"], point
        assert settings.kind == word.get("kind", "measurement"), point


@pytest.mark.parametrize("name", NAMES)
def test_ranges_are_in_order_and_fit_what_the_field_can_carry(name: str) -> None:
    profile = profile_named(name)
    for point, settings in profile.points.items():
        if settings.range is None:
            continue
        low, high = settings.range
        assert low < high, point
        field = field_named(profile, settings.field)
        ends = sorted(raw * settings.scale + settings.offset for raw in capacity(field))
        if field.size is not None:
            assert ends[0] <= low, point
            assert high <= ends[1], point


@pytest.mark.parametrize("name", [n for n in NAMES if profile_named(n).family == "parking"])
def test_a_space_is_free_only_where_the_detector_says_so(name: str) -> None:
    point = profile_named(name).points["occupied"]
    decode = decoder(point)
    for raw in range(256):
        value, quality, _ = decode(raw)
        if value is False:
            assert quality is Quality.GOOD
            free = raw >> point.bit & 1 == 0 if point.bit is not None else raw == 0
            assert free
    assert profile_named(name).points["occupied"].kind == "state"


@pytest.mark.parametrize("name", [n for n in NAMES if profile_named(n).family == "sign"])
def test_what_a_sign_shows_is_never_written_into_its_flash(name: str) -> None:
    profile = profile_named(name)
    dangerous = {one.send for one in profile.config.values() if one.guard == "dangerous"}
    for write in profile.writes.values():
        assert write.send not in dangerous
    if name == "led-card-0x64":
        stored = profile.config["stored_text"]
        assert (stored.send, stored.guard) == ("store_text", "dangerous")
        assert profile.messages["store_text"].set == {"command": 0x67}
        assert {profile.messages[w.send].set["command"] for w in profile.writes.values()} == {
            0x62, 0x30,
        }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_frames_without_a_checksum_come_over_ip_only(name: str) -> None:
    profile = profile_named(name)
    for message in (*profile.answers(), *profile.listens):
        if not any(isinstance(part, Check) for part in profile.parts(message)):
            assert any("UDP" in note for note in profile.notes), message


def field_named(profile: Profile, name: str) -> layout.Value:
    return next(v[name] for v in map(profile.values, profile.messages) if name in v)


def trials(point: Point, field: layout.Value) -> Sequence[Value]:
    """Two values that the point can carry."""
    if point.is_bool:
        return [False, True]
    if point.enum:
        return [*point.enum.values()][:2]
    if field.type == "text":
        return ["出口请慢行" if field.encoding == "gbk" else "OK", "12"]
    if field.type == "raw":
        return ["20261125080000", "20150511220131"]
    low, high = point.range or (0, 90)
    return [low, round((low + high) / 2 / point.scale) * point.scale]


def raw_fields(profile: Profile, turn: int) -> dict[str, Raw]:
    """A raw value for every field of points; parts of one field are joined."""
    found: dict[str, Raw] = {}
    for point in profile.points.values():
        field = field_named(profile, point.field)
        raw = encode(point, field, trials(point, field)[turn])
        if point.bit is not None:
            found[point.field] = int(found.get(point.field, 0)) | int(raw) << point.bit
        else:
            found.setdefault(point.field, raw)
    return found


def expected(bank: Bank, fields: dict[str, Raw]) -> dict[str, Decoded]:
    return {
        point_id(name, label): decoder(point)(fields[point.field])
        for label in bank.station.detectors
        for name, point in bank.station.points.items()
    }


def shown(readings: Sequence[Reading]) -> dict[str, Decoded]:
    return {r.point: (r.value, r.quality, r.reason) for r in readings}


async def heard(driver: SerialLineStream, wanted: dict[str, Decoded]) -> dict[str, Decoded]:
    """What it tells, once it is what was wanted."""
    found: dict[str, Decoded] = {}
    readings = driver.readings()
    async with asyncio.timeout(20):
        async for reading in readings:
            assert isinstance(reading, Reading)
            found |= shown([reading])
            if found == wanted:
                break
    await readings.aclose()
    return found


@pytest.mark.parametrize("way", ["pty", "tcp", "udp"])
@pytest.mark.parametrize("name", NAMES)
async def test_a_simulated_device_is_read_as_it_was_set(name: str, way: str, build: Build) -> None:
    async with build({"d": options(name)}, way) as rig:
        bank = rig.simulator.banks["d"]
        driver = rig.driver
        for turn in range(2):
            fields = raw_fields(bank.station.profile, turn)
            wanted = expected(bank, fields)
            if isinstance(driver, SerialLineStream):
                bank.hold(fields)
                assert await heard(driver, wanted) == wanted
                continue
            bank.hold({n: raw for n, raw in fields.items() if n not in written(bank)})
            got = await written_and_read(driver, bank, fields)
            assert {n: v for n, (v, *_) in got.items()} == {n: v for n, (v, *_) in wanted.items()}


def written(bank: Bank) -> set[str]:
    return {point.field for point in bank.station.points.values() if point.write is not None}


async def written_and_read(
    driver: SerialLineDriver, bank: Bank, fields: dict[str, Raw]
) -> dict[str, Decoded]:
    got: dict[str, Decoded] = {}
    for name, point in bank.station.points.items():
        if point.write is not None:
            value = decoder(point)(fields[point.field])[0]
            assert value is not None
            got |= shown([await driver.write(name, value)])
            async with asyncio.timeout(10):
                while bank.told(point.field) != fields[point.field]:
                    await asyncio.sleep(0.01)
    return got | shown(await driver.read())
