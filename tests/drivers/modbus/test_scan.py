"""What a scan asks first, and what it concludes from answers."""

import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from agent import paths
from agent.clock import Clock
from agent.contract import Device, Find, Line, Search
from agent.host import DeviceHost
from drivers.modbus.planner import Block
from drivers.modbus.profile import Point, Profile, Table
from drivers.modbus.scan import sheets
from drivers.modbus.scan.asking import question
from drivers.modbus.scan.beliefs import Beliefs
from drivers.modbus.scan.guess import draft, float_order
from drivers.modbus.scan.identity import identity_text
from drivers.modbus.scan.likelihood import point_gain
from drivers.modbus.scan.order import Order, Try, ids, lines, tries
from drivers.modbus.scan.sheet import Sheet
from drivers.modbus.scan.verdict import verdict
from drivers.modbus.simulate import ModbusSimulator, simulate

SHIPPED = Search([paths.share() / "configs" / "profiles" / "modbus"])
SHEETS, BROKEN = sheets(SHIPPED)
PROFILES = [sheet.profile for sheet in SHEETS]
FIRST = Block("holding", 0, 1)


def sim(profile: str, unit: int) -> ModbusSimulator:
    device = Device(f"a-{profile}", "modbus", 1.0, options={"profile": profile, "unit": unit})
    return simulate([(device, DeviceHost(device, Clock()))], "rtu")


def examined(device: ModbusSimulator, unit: int, line: Line, known: Sequence[Sheet]) -> Find:
    """The device asked as a scan does, without a wire."""
    beliefs = Beliefs(unit, line, known)
    block: Block | None = FIRST
    while block:
        (frame,) = device.hear(question(unit, block).rtu_frame)
        refused = bool(frame[1] & 0x80)
        beliefs.learn(block, "refusal" if refused else "data", b"" if refused else frame[3:-2])
        block = beliefs.next_read()
    return verdict(beliefs, ())


def cost(one: Try) -> float:
    """At most, s."""
    assert one.line is not None
    return 24 * one.line.character + 0.07


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_every_profile_is_recognised_by_its_device(sheet: Sheet) -> None:
    factory = sheet.profile.line
    find = examined(sim(sheet.name, factory.unit), factory.unit, factory.line, SHEETS)
    assert sheet.name in [match.profile for match in find.matches[: find.tied]]
    assert find.tied <= 4
    assert find.options["unit"] == factory.unit


@pytest.mark.parametrize("sheet", SHEETS[::5], ids=lambda sheet: sheet.name)
def test_a_device_is_recognised_with_another_id_and_speed_than_it_was_made_with(
    sheet: Sheet,
) -> None:
    find = examined(sim(sheet.name, 19), 19, Line(19200), SHEETS)
    assert sheet.name in [match.profile for match in find.matches[: find.tied]]


def test_all_shipped_profiles_are_compared() -> None:
    assert BROKEN == []
    assert len(SHEETS) > 60


def test_the_most_frequent_settings_and_the_first_id_come_first() -> None:
    first = next(iter(Order(tries(PROFILES, SHIPPED, serial=True), cost)))
    assert (first.line, first.unit, first.block) == (Line(9600), 1, FIRST)


def test_a_factory_id_is_asked_early_at_its_own_settings() -> None:
    order = list(Order(tries(PROFILES, SHIPPED, serial=True), cost))
    asked = [(one.line, one.unit) for one in order]
    assert asked.index((Line(9600), 254)) < asked.index((Line(4800), 9))
    assert asked.index((Line(19200, "none", 2), 240)) < asked.index((Line(19200, "none", 2), 20))


def test_everybody_hears_the_first_question_within_the_time_of_a_scan() -> None:
    order = list(Order(tries(PROFILES, SHIPPED, serial=True), cost))
    first = [one for one in order if one.block == FIRST]
    assert order[: len(first)] == first
    assert {one.line for one in first} >= {Line(s) for s in (2400, 4800, 9600)}
    assert {one.unit for one in first} >= {*range(1, 33), 97, 240, 254, 255}
    assert sum(map(cost, first)) < 45


def test_the_settings_of_a_found_device_are_tried_before_others() -> None:
    order = Order(tries(PROFILES, SHIPPED, serial=True), cost)
    order.found(Line(2400), 3)
    left = list(order)
    assert left[0].line == Line(9600)
    slow = [at for at, one in enumerate(left) if one.line == Line(2400)]
    before = list(Order(tries(PROFILES, SHIPPED, serial=True), cost))
    assert slow[0] < [one.line for one in before].index(Line(2400))
    assert (Line(2400), 3) not in [(one.line, one.unit) for one in left]


def test_a_garbled_id_is_tried_at_its_other_settings_next() -> None:
    order = Order(tries(PROFILES, SHIPPED, serial=True), cost)
    order.suspected(27)
    few = len(lines(PROFILES, SHIPPED))
    assert [one.unit for one in order][:few] == [27] * few


def test_a_search_keeps_to_what_was_asked_for() -> None:
    search = Search([], ids=[4, 9], speeds=[4800], parities=["even"])
    asked = tries(PROFILES, search, serial=True)
    assert {(one.line, one.unit) for one in asked} == {(Line(4800, "even"), n) for n in (4, 9)}
    only = Search([], line=Line(1200, "odd"))
    assert {one.line for one in tries(PROFILES, only, serial=True)} == {Line(1200, "odd")}
    assert {one.line for one in tries(PROFILES, SHIPPED, serial=False)} == {None}


def test_another_speed_than_the_wires_own_may_be_asked_for() -> None:
    search = Search([], line=Line(9600), speeds=[4800], parities=["none"])
    assert set(lines(PROFILES, search)) == {Line(4800)}


def test_a_deep_search_leaves_nothing_out() -> None:
    deep = Search([], deep=True)
    assert {Line(115200, "odd"), Line(1200)} <= set(lines(PROFILES, deep))
    assert {1, 100, 247, 254} <= set(ids(PROFILES, deep))
    assert 100 not in ids(PROFILES, SHIPPED)


def test_a_number_in_the_wrong_order_of_words_is_less_plausible() -> None:
    point = Point(table="input", address=0, type="float32", unit="Cel", range=(-40, 80))
    words = struct.unpack(">2H", struct.pack(">f", 23.5))
    assert point_gain(point, words) > 5
    assert point_gain(point, words[::-1]) < 0


def test_a_reading_within_a_narrow_range_says_more_than_one_within_a_wide_range() -> None:
    narrow = Point(table="input", address=0, type="uint16", unit="1", range=(300, 320))
    wide = Point(table="input", address=0, type="uint16", unit="1", range=(0, 60000))
    assert point_gain(narrow, [310]) > point_gain(wide, [310])
    assert point_gain(narrow, [900]) < point_gain(wide, [900])


def test_a_fault_value_speaks_for_the_profile_that_knows_it() -> None:
    knows = Point(table="input", address=0, type="int16", unit="Cel", range=(0, 9), fault=(0x7FFF,))
    other = Point(table="input", address=0, type="int16", unit="Cel", range=(0, 9))
    assert point_gain(knows, [0x7FFF]) > point_gain(other, [0x7FFF])


def made(name: str, **points: dict[str, object]) -> Sheet:
    full = {
        point: {"table": "holding", "type": "uint16", "unit": "1", **facts}
        for point, facts in points.items()
    }
    return Sheet.of(name, Profile.model_validate({"title": name, "source": "s", "points": full}))


def weighed(known: Sequence[Sheet], words: Sequence[int]) -> Find:
    beliefs = Beliefs(1, Line(), known)
    data = struct.pack(f">{len(words)}H", *words)
    beliefs.learn(Block("holding", 0, len(words)), "data", data)
    return verdict(beliefs, ())


def test_profiles_with_one_map_are_a_tie_and_the_label_tells_them_apart() -> None:
    facts: dict[str, object] = {"address": 0, "range": [0, 100], "unit": "%"}
    find = weighed([made("one", moisture=facts), made("two", humidity=facts)], [37])
    assert (find.tied, [remark.code for remark in find.remarks]) == (2, ["same_map"])


def test_profiles_that_read_one_register_in_two_ways_say_how() -> None:
    acid = made("acid", ph={"address": 0, "scale": 0.1, "range": [0, 14], "unit": "[pH]"})
    salt = made("salt", ec={"address": 0, "range": [0, 200], "unit": "uS/cm"})
    find = weighed([acid, salt], [71])
    assert find.tied == 2
    (remark,) = find.remarks
    assert remark.code == "reads_as"
    assert {remark.facts["as_best"], remark.facts["as_other"]} == {"ph 7.1 [pH]", "ec 71 uS/cm"}


def test_a_register_that_only_one_of_them_has_is_named() -> None:
    short = made("short", a={"address": 0, "range": [0, 9]})
    long = made("long", a={"address": 0, "range": [0, 9]}, b={"address": 8, "range": [0, 9]})
    (remark,) = weighed([short, long], [5]).remarks
    assert remark.code == "only_in"
    assert (remark.facts["owner"], remark.facts["address"]) == ("long", 8)


def test_a_device_that_no_profile_explains_is_given_no_name() -> None:
    find = weighed([made("narrow", a={"address": 0, "range": [1, 3]})], [40000])
    assert find.matches == ()
    assert find.options == {"unit": 1}


@pytest.mark.parametrize(
    ("order", "pattern"),
    [
        ("words: high_first", (0, 1, 2, 3)),
        ("words: low_first", (2, 3, 0, 1)),
        ("words: high_first, bytes: low_first", (1, 0, 3, 2)),
        ("words: low_first, bytes: low_first", (3, 2, 1, 0)),
    ],
)
def test_the_order_of_unknown_floats_is_guessed_and_the_draft_is_a_profile(
    order: str, pattern: Sequence[int]
) -> None:
    numbers = [23.45, 61.2, 998.6, 0.73, 412.9]
    wire = b"".join(
        bytes(struct.pack(">f", number)[place] for place in pattern) for number in numbers
    )
    words: dict[tuple[Table, int], int] = {
        ("input", at): word for at, word in enumerate(struct.unpack(">10H", wire))
    }
    assert float_order(words) == order
    text = "\n".join(draft(words, order))
    profile = Profile.model_validate(yaml.safe_load(text))
    assert len(profile.points) == 5
    assert "23.45" in text


def test_whole_numbers_are_not_taken_for_floats_and_shown_with_likely_scales() -> None:
    words: dict[tuple[Table, int], int] = {("holding", at): 200 + at for at in range(4)}
    assert float_order(words) == ""
    text = "\n".join(draft(words, ""))
    assert "# 203, 20.3, 2.03" in text
    assert set(Profile.model_validate(yaml.safe_load(text)).points) == {
        f"holding_{at}" for at in range(4)
    }


def test_what_a_device_calls_itself_is_read_from_either_answer() -> None:
    assert identity_text(b"\x0e\x01\x01\x00\x00\x02\x00\x05ACME \x01\x04TX-2") == "ACME TX-2"
    assert identity_text(b"\x05\x01\xff") == ""


def test_a_site_profile_stands_in_for_the_shipped_one_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "xy-md02.yaml").write_text("title: [\n")
    known, broken = sheets(Search([tmp_path, *SHIPPED.profiles]))
    assert broken == [str(tmp_path / "xy-md02.yaml")]
    assert "xy-md02" not in {sheet.name for sheet in known}
    assert len(known) == len(SHEETS) - 1
