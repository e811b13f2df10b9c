"""The shipped profiles and the vocabulary: what every one of them owes its user."""

import math
import re
import struct
from collections import defaultdict
from functools import cache
from typing import Any

import pytest
import yaml

from agent.contract import Quality, Value
from agent.paths import share
from drivers.modbus.bank import Bank
from drivers.modbus.codec import RtuExchange, read
from drivers.modbus.decode import decode
from drivers.modbus.encode import encode
from drivers.modbus.planner import Block, Cost, canary, plan
from drivers.modbus.profile import Point, Profile, load_profile
from drivers.modbus.sample import samples
from drivers.modbus.simulate import ModbusSimulator
from drivers.modbus.station import Station

FILES = sorted((share() / "configs" / "profiles" / "modbus").glob("*.yaml"))
NAMES = [file.stem for file in FILES]
CHANNEL = re.compile(r"_(?:[1-9][0-9]?|l[123]|l1_l2|l2_l3|l3_l1|n|[1-9][0-9]*cm)$")

# Where all reads that a device is known to answer look alike: after a fault, only silence helps.
WITHOUT_CANARY = {"danfoss-fc51", "dfrobot-sen0483", "dfrobot-sen0602", "renke-rs-sd"}

# IANA, SenML Units, the primary ones: RFC 8428 section 12.1 without those it discourages, and
# RFC 8798 section 2.
REGISTERED = """
m kg s A K cd mol Hz rad sr N Pa J W C V F Ohm S Wb T H Cel lm lx Bq Gy Sv kat m2 m3 m/s m/s2 m3/s
W/m2 cd/m2 bit bit/s lat lon pH dB dBW Bspl count / %RH %EL EL 1/s S/m B VA VAs var vars J/m kg/m3
deg
"""
SENML = frozenset(REGISTERED.split())


@cache
def profile_named(name: str) -> Profile:
    return load_profile(FILES[NAMES.index(name)])


@cache
def vocabulary() -> Any:
    return yaml.safe_load((share() / "configs" / "units.yaml").read_text(encoding="utf-8"))


def canonical(point: str) -> str:
    """The point's word in the vocabulary, without the number of its channel."""
    words = vocabulary()["points"]
    return point if point in words else CHANNEL.sub("", point)


def each_point(name: str) -> list[tuple[str, Point]]:
    return list(profile_named(name).points.items())


def test_the_families_of_a_farm_are_all_there() -> None:
    families = {profile_named(name).family for name in NAMES}
    assert families >= {"soil", "air", "co2", "light", "weather", "water", "relay", "energy"}
    assert len(NAMES) >= 25


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
    for point, settings in each_point(name):
        word = words.get(canonical(point))
        assert word is not None, f"{point} is not in configs/units.yaml"
        assert re.fullmatch("[a-z][a-z0-9_]*", point)
        assert settings.unit == word["unit"], point
        assert settings.kind == word.get("kind", "measurement"), point


@pytest.mark.parametrize("name", NAMES)
def test_settings_have_known_units_and_ranges_in_order(name: str) -> None:
    for setting, told in profile_named(name).settings.items():
        assert told.unit in vocabulary()["units"], setting
        low, high = told.range or (0, 1)
        assert low < high, setting


@pytest.mark.parametrize("name", NAMES)
def test_ranges_are_in_order_and_fit_what_the_registers_can_say(name: str) -> None:
    for point, settings in each_point(name):
        if settings.range is None:
            continue
        low, high = settings.range
        assert low < high, point
        if settings.type == "uint16":
            assert low >= settings.offset, point
            assert high <= 0xFFFF * settings.scale + settings.offset, point


@pytest.mark.parametrize("name", NAMES)
def test_no_register_is_read_as_two_different_things(name: str) -> None:
    """Bit fields may share a register; other values share it only when they are the same span."""
    taken: dict[tuple[str, int], list[Point]] = defaultdict(list)
    for _, point in each_point(name):
        for address in range(point.address, point.address + point.width):
            taken[point.table, address].append(point)
    for sharing in taken.values():
        if len(sharing) > 1:
            fields = [range(p.bit, p.bit + p.bits) for p in sharing if p.bit is not None]
            assert len(fields) == len(sharing)
            assert len({bit for field in fields for bit in field}) == sum(map(len, fields))
            assert len({(p.address, p.type, p.words, p.bytes) for p in sharing}) == 1


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_measurement_is_marked(name: str) -> None:
    for point, settings in each_point(name):
        if canonical(point) in {"soil_nitrogen", "soil_phosphorus", "soil_potassium"}:
            assert settings.quality == "uncertain", point


@pytest.mark.parametrize("name", NAMES)
def test_only_outputs_can_be_written_and_never_as_a_setting(name: str) -> None:
    profile = profile_named(name)
    for point, settings in each_point(name):
        if settings.write is not None:
            assert profile.family == "relay", point
            assert settings.table == "coil" or settings.write.words, point
            assert settings.write.guard == "actuate", point
    points = {(p.table, p.address) for p in profile.points.values()}
    assert not points & {(s.table, s.address) for s in profile.settings.values()}


def planned(profile: Profile) -> tuple[Block, ...]:
    cost = Cost.on_line(profile.line.line, profile.timing.latency, profile.timing.guard)
    return plan(profile, profile.points, cost)


@pytest.mark.parametrize("name", NAMES)
def test_the_planner_reads_every_point_within_the_device_limits(name: str) -> None:
    profile = profile_named(name)
    blocks = planned(profile)
    for _, point in each_point(name):
        assert any(block.holds(point) for block in blocks)
    for block in blocks:
        assert block.count <= (profile.limits.bits if block.bits else profile.limits.registers)
        if not block.bits:
            assert block.first % profile.limits.align == block.count % profile.limits.align == 0
    found = canary(profile, [block.shape for block in blocks])
    assert (found is None) == (name in WITHOUT_CANARY)


def trials(point: Point) -> list[Value]:
    """Values that the point can carry: its ends, and something between."""
    if point.is_bit or (point.bit is not None and point.bits == 1):
        return [False, True]
    if point.enum:
        return list(point.enum.values())
    low, high = point.range or (0, min(1000 * point.scale, 60000))
    return [low, high, round((low + high) / 2 / point.scale) * point.scale]


def same(shown: Value | None, value: Value) -> bool:
    """Up to the precision of the registers; what is no number must be equal."""
    if isinstance(value, bool | str) or isinstance(shown, str | None):
        return shown == value
    return math.isclose(shown, value, rel_tol=1e-6, abs_tol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_registers_can_carry_comes_out_again(name: str) -> None:
    for point, settings in each_point(name):
        for value in trials(settings):
            shown, quality, _ = decode(settings, encode(settings, value))
            assert quality is not Quality.BAD, point
            assert same(shown, value), point


def simulated(profile: Profile) -> tuple[Bank, ModbusSimulator]:
    timing = profile.timing
    station = Station(
        profile, profile.line.unit, profile.points, None,
        timing.timeout, timing.guard, timing.max_late, timing.warm_up,
    )  # fmt: skip
    bank = Bank("one", station, lambda: 1_800_000_000.0)
    return bank, ModbusSimulator({"one": bank}, "rtu")


def asked(simulator: ModbusSimulator, unit: int, block: Block) -> bytes:
    """The data of the answer to one read, over whole RTU frames."""
    exchange = RtuExchange(read(unit, block))
    (reply,) = simulator.hear(exchange.frame)
    frame = exchange.accept(bytearray(reply))
    assert frame is not None
    code, data = exchange.answer(frame)
    assert code == 0, block
    return data


@pytest.mark.parametrize("name", NAMES)
def test_a_simulated_device_shows_what_it_was_set_to(name: str) -> None:
    profile = profile_named(name)
    bank, simulator = simulated(profile)
    blocks = planned(profile)
    for turn in range(2):
        wanted = {point: trials(settings)[turn] for point, settings in each_point(name)}
        for point, value in wanted.items():
            bank.set(point, value)
        shown: dict[str, Value | None] = {}
        for sample in samples("one", blocks, profile.points):
            data = asked(simulator, profile.line.unit, sample.block)
            shown |= {field.name: field.decoder(data, field.at)[0] for field in sample.fields}
        assert shown.keys() == wanted.keys()
        assert all(same(shown[point], value) for point, value in wanted.items())


@pytest.mark.parametrize("name", [name for name in NAMES if name not in WITHOUT_CANARY])
def test_a_simulated_device_answers_its_canary(name: str) -> None:
    profile = profile_named(name)
    probe = canary(profile, [block.shape for block in planned(profile)])
    assert probe is not None
    _, simulator = simulated(profile)
    assert len(asked(simulator, profile.line.unit, probe)) == probe.size


def test_every_unit_has_a_senml_unit_of_the_registry_or_none() -> None:
    for unit, meaning in vocabulary()["units"].items():
        assert set(meaning) <= {"senml", "factor", "offset"}, unit
        assert meaning["senml"] is None or meaning["senml"] in SENML, unit
        assert meaning["factor"] > 0, unit


def test_every_word_of_the_vocabulary_has_a_known_unit_and_a_chinese_name() -> None:
    units = vocabulary()["units"]
    for point, word in vocabulary()["points"].items():
        assert set(word) <= {"unit", "senml", "name_zh", "range", "kind", "class"}, point
        assert re.fullmatch("[a-z][a-z0-9_]{0,47}", point)
        assert word["unit"] in units, point
        assert word.get("senml", "/") in SENML, point
        assert re.search("[\u4e00-\u9fff]", word["name_zh"]), point
        assert word.get("kind", "measurement") in {"measurement", "counter", "state", "text"}
        low, high = word.get("range", (0, 1))
        assert low < high, point


@pytest.mark.parametrize(
    ("unit", "value", "senml"),
    [
        ("uS/cm", 1000, 0.1),  # 1 mS/cm is 0.1 S/m
        ("kW.h", 1, 3.6e6),
        ("mm/h", 3.6, 1e-6),
        ("hPa", 1013.25, 101325),
        ("[ppm]", 400, 4e-4),
        ("%", 23.4, 0.234),
        ("dB[mW]", -70, -100),
        ("m3/h", 3600, 1),
        ("A.h", 1, 3600),
    ],
)
def test_conversions_to_senml_are_right(unit: str, value: float, senml: float) -> None:
    meaning = vocabulary()["units"][unit]
    converted = value * meaning["factor"] + meaning.get("offset", 0)
    assert math.isclose(converted, senml, rel_tol=1e-12)


def test_a_float_of_a_profile_survives_the_wire() -> None:
    point = profile_named("eastron-sdm630").points["voltage_l1"]
    words = encode(point, 230.1)
    assert struct.pack(">2H", *words) == struct.pack(">f", 230.1)
    assert decode(point, words) == (230.1, Quality.GOOD, "")
