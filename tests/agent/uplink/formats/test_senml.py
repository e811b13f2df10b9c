"""SenML by RFC 8428, in both encodings, there and back."""

import json
import math
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contract import EVENTS, TELEMETRY, Columns, Lane, Pack, Skip
from agent.uplink.formats.arrival import Sample
from agent.uplink.formats.senml import SenmlCbor, SenmlJson, decode
from agent.uplink.formats.units import Translation, Units

NOW = 1_795_570_000_123  # ms
UNITS = Units(
    {
        "Cel": Translation("Cel"),
        "%": Translation("/", 0.01),
        "dB[mW]": Translation("dBW", 1, -30),
        "kW.h": Translation("J", 3_600_000),
        "umol/m2/s": Translation(None),
    },
    {("air_humidity", "%"): Translation("%RH")},
)
SERIES = (
    ("soil-1", "soil_temperature", "Cel"),
    ("soil-1", "soil_moisture", "%"),
    ("air-1", "air_humidity_2", "%"),
    ("light", "ppfd", "umol/m2/s"),
    ("radio", "rssi", "dB[mW]"),
)
JSON = SenmlJson("gw-1", UNITS)
CBOR = SenmlCbor("gw-1", UNITS)


def pack_of(
    *values: Any, flags: dict[int, str] | None = None, index: list[int] | None = None, **more: Any
) -> Pack:
    columns = Columns(
        series=SERIES,
        index=index or [0] * len(values),
        times=[NOW + i for i in range(len(values))],
        values=list(values),
        flags=flags or {},
        estimated=bool(more.pop("estimated", False)),
    )
    return Pack("e1", TELEMETRY, Lane.LIVE, 1, len(values), columns=(columns,), **more)


def records(pack: Pack) -> list[dict[str, Any]]:
    return list(json.loads(JSON.encode(pack, "c0ffee")))


def test_the_first_record_says_whose_pack_it_is_and_what_it_accounts_for() -> None:
    pack = replace(
        pack_of(20.5, 21.0),
        last=5,
        again=True,
        skip=(Skip(2, 3, "evicted"), Skip(5, 5, "filtered")),
        previous=("e0", 99),
    )
    assert records(pack)[0] == {
        "bn": "gw-1/",
        "bver": 10,
        "fg": 1,
        "epoch": "e1",
        "stream": "telemetry",
        "cat": "c0ffee",
        "first": 1,
        "last": 5,
        "skip": "2-3:evicted,5-5:filtered",
        "again": True,
        "prev": "e0/99",
        "n": "soil-1/soil_temperature",
        "u": "Cel",
        "v": 20.5,
        "t": 1795570000.123,
    }


def test_every_record_has_exactly_one_value() -> None:
    pack = pack_of(1.5, True, "alarm", None, 7, flags={3: "bad:timeout"})
    for record in records(pack):
        assert len({"v", "vb", "vs", "vd", "s"} & set(record)) == 1
    assert [r.get("v", r.get("vb", r.get("vs"))) for r in records(pack)] == [
        1.5,
        True,
        "alarm",
        "bad:timeout",
        7,
    ]


def test_a_failed_read_never_stands_under_the_name_of_its_point() -> None:
    (record,) = records(pack_of(None, flags={0: "bad:timeout"}))
    assert record["n"] == "soil-1/soil_temperature/quality"
    assert record["vs"] == "bad:timeout"
    assert "u" not in record


def test_doubts_are_told_with_their_reason() -> None:
    first, second = records(pack_of(99.0, 98.0, flags={0: "uncertain:range", 1: "uncertain"}))
    assert (first["v"], first["q"], first["qr"]) == (99.0, "uncertain", "range")
    assert second["q"] == "uncertain"
    assert "qr" not in second


def test_the_time_of_an_untrusted_clock_is_marked() -> None:
    assert records(pack_of(1.0, estimated=True))[0]["tq"] == "estimated"
    assert "tq" not in records(pack_of(1.0))[0]


def test_units_are_senmls() -> None:
    pack = pack_of(20.1, 23.4, 55.0, 800.0, -70, index=[0, 1, 2, 3, 4])
    assert [(r.get("u"), r["v"]) for r in records(pack)] == [
        ("Cel", 20.1),
        ("/", 0.234),
        ("%RH", 55.0),
        (None, 800.0),
        ("dBW", -100),
    ]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_bad_and_not_dropped(value: float) -> None:
    for way in (JSON, CBOR):
        arrival = decode(way.encode(pack_of(1.0, value), ""))
        assert [s.quality for s in arrival.samples] == ["good", "bad:not_finite"]


def test_a_value_that_its_unit_makes_too_large_is_bad() -> None:
    pack = replace(
        pack_of(1e305),
        columns=(replace(pack_of(1e305).columns[0], series=(("meter", "energy", "kW.h"),)),),
    )
    for way in (JSON, CBOR):
        assert decode(way.encode(pack, "")).samples[0].quality == "bad:not_finite"


def test_a_pack_without_members_is_its_first_record() -> None:
    empty = Pack("e1", TELEMETRY, Lane.BACKLOG, 4, 9, skip=(Skip(4, 9, "evicted"),))
    for way in (JSON, CBOR):
        arrival = decode(way.encode(empty, ""))
        assert (arrival.first, arrival.last, arrival.skip) == (4, 9, empty.skip)
        assert arrival.samples == ()


def test_cbor_uses_the_labels_of_the_rfc() -> None:
    (record,) = cbor2.loads(CBOR.encode(pack_of(20.5), "c0ffee"))
    assert record[-2] == "gw-1/"  # bn
    assert record[-1] == 10  # bver
    assert (record[0], record[1], record[2]) == ("soil-1/soil_temperature", "Cel", 20.5)
    assert record[6] == 1795570000.123  # t
    assert record["fg"] == 1


def test_events_are_refused() -> None:
    with pytest.raises(ValueError, match="telemetry"):
        JSON.encode(Pack("e1", EVENTS, Lane.LIVE, 1, 1), "")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"[1]",
        b"{}",
        b"\xff\xff",
        b'[{"n":"temp","v":1}]',
        b'[{"bn":"gw/","fg":1,"epoch":"e","stream":"telemetry","first":1,"last":3}]',
        b'[{"bn":"gw/","fg":1,"epoch":"e","stream":"telemetry","first":"x","last":3}]',
    ],
)
def test_what_is_no_pack_of_ours_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  any wording will do
        decode(body)


TEXT = st.text(max_size=20)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    TEXT,
)


@st.composite
def packs(draw: st.DrawFn) -> Pack:
    columns, total = [], 0
    for _ in range(draw(st.integers(0, 3))):
        numeric = draw(st.booleans())
        kind = st.one_of(st.floats(), st.integers(-(2**31), 2**31)) if numeric else VALUES
        values = draw(st.lists(kind, max_size=8))
        names = st.tuples(st.sampled_from(["d1", 'q"\\', "室-2"]), st.sampled_from(["p", "p_1"]))
        series = [(*draw(names), draw(st.sampled_from(["Cel", "%", "kW.h", "?"])))] * 2
        flags = {
            i: "bad" if v is None else draw(st.sampled_from(["uncertain", "uncertain:range"]))
            for i, v in enumerate(values)
            if v is None or draw(st.booleans())
        }
        times = draw(
            st.lists(st.integers(0, 4_102_444_800_000), min_size=len(values), max_size=len(values))
        )
        index = draw(st.lists(st.integers(0, 1), min_size=len(values), max_size=len(values)))
        columns.append(Columns(series, index, times, values, flags, draw(st.booleans())))
        total += len(values)
    skip = (Skip(total + 1, total + 1, "filtered"),)
    return Pack("e1", TELEMETRY, Lane.LIVE, 1, total + 1, skip=skip, columns=tuple(columns))


def expected(pack: Pack) -> list[Sample]:
    """Said again, one record at a time."""
    samples = []
    for columns in pack.columns:
        for at, (i, value, ms) in enumerate(
            zip(columns.index, columns.values, columns.times, strict=True)
        ):
            device, point, ucum = columns.series[i]
            unit, flag = UNITS.translate(point, ucum), columns.flags.get(at, "good")
            scaled = value
            if isinstance(value, int | float) and not isinstance(value, bool) and not unit.same:
                scaled = unit.apply(value)
            infinite = isinstance(scaled, float) and not math.isfinite(scaled)
            why = "bad:not_finite" if infinite else flag
            bad = value is None or infinite
            samples.append(
                Sample(
                    device,
                    point,
                    None if bad else scaled,
                    "" if bad else unit.unit or "",
                    ms,
                    why,
                    columns.estimated,
                )
            )
    return samples


@given(packs())
def test_what_is_sent_is_what_arrives(pack: Pack) -> None:
    for way in (JSON, CBOR):
        arrival = decode(way.encode(pack, "c0ffee"))
        assert list(arrival.samples) == expected(pack)
        assert (arrival.gateway, arrival.epoch, arrival.catalogue) == ("gw-1", "e1", "c0ffee")


@given(packs())
def test_the_text_is_json_to_everybody(pack: Pack) -> None:
    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    loaded = json.loads(JSON.encode(pack, ""), parse_constant=refuse)
    assert len(loaded) == max(pack.count, 1)


@given(packs().filter(lambda pack: pack.count >= 2))
def test_halves_arrive_as_the_whole(pack: Pack) -> None:
    left, right = (decode(JSON.encode(half, "")) for half in pack.split())
    assert [*left.samples, *right.samples] == expected(pack)
    assert {**left.members, **right.members} == decode(JSON.encode(pack, "")).members
