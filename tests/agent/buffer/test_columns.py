"""What goes into a batch comes out of it, and is small."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.buffer.columns import MOST, Batch, decode, encode
from agent.contract import Columns, Event, Happening, Instant, Quality, Reading, Record, Value

WALL = 1_764_000_000_000  # ms since 1970
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63),
    st.floats(allow_nan=False),
    st.decimals(-1000, 1000, places=2).map(float),
    st.text(max_size=5),
)
names = st.sampled_from(["soil-1", "soil-2", "气象站"])
kinds = st.sampled_from(
    [("good", ""), ("uncertain", ""), ("uncertain", "range"), ("bad", "timeout")]
)


def instant(ms: int, boot: str = "b", *, trusted: bool = True, wall: int = WALL) -> Instant:
    return Instant(boot, ms * 10**6, (wall + ms) * 10**6, trusted)


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    quality, reason = draw(kinds)
    at = instant(draw(st.integers(0, 10**7)))
    point, unit = draw(st.sampled_from([("temperature", "Cel"), ("on", ""), ("level", "m")]))
    return Reading(draw(names), point, draw(values), unit, at, Quality(quality), reason)


def flat(records: list[Columns]) -> list[tuple[object, ...]]:
    return [
        (*c.series[i], time, type(value), value, c.flags.get(n, "good"), c.estimated)
        for c in records
        for n, (i, time, value) in enumerate(zip(c.index, c.times, c.values, strict=True))
    ]


def expected(r: Reading) -> tuple[object, ...]:
    flag = f"{r.quality}:{r.reason}" if r.reason else str(r.quality)
    time = r.at.wall // 10**6
    where = (r.device, r.point, r.unit, time)
    return (*where, type(r.value), r.value, flag, not r.at.trusted)


def decoded(records: list[Record]) -> list[Columns]:
    columns = [decode(batch) for batch in encode(records)]
    return [c for c in columns if isinstance(c, Columns)]


@given(st.lists(readings(), min_size=1, max_size=40))
def test_readings_come_back_as_they_were(records: list[Reading]) -> None:
    assert flat(decoded([*records])) == [expected(r) for r in records]


def test_what_json_has_no_word_for_comes_back_too() -> None:
    odd: list[Value | None] = [math.nan, math.inf, -math.inf, -0.0, 1e300, 5e-324, 0.1 + 0.2]
    records: list[Record] = [Reading("d", "p", v, "", instant(n)) for n, v in enumerate(odd)]
    back = [value for c in decoded(records) for value in c.values]
    assert list(map(repr, back)) == list(map(repr, odd))


def test_events_come_back_with_their_own_times() -> None:
    data: dict[str, Value | None] = {
        "plate": "京A12345",
        "n": 3,
        "x": 0.5,
        "none": None,
        "yes": True,
    }
    records: list[Record] = [Event(f"k.{n}", "lot-1", instant(n * 7), data) for n in range(3)]
    (batch,) = encode(records)
    back = decode(batch)
    assert back == tuple(Happening(e, e.at.wall // 10**6) for e in records if isinstance(e, Event))


@pytest.mark.parametrize(
    "second",
    [instant(1, "other"), instant(1, trusted=False), instant(1, wall=WALL + 6)],
    ids=["another boot", "trust lost", "clock set"],
)
def test_a_batch_has_one_boot_one_trust_and_one_clock_setting(second: Instant) -> None:
    records: list[Record] = [
        Reading("d", "p", 1.0, "", instant(0)),
        Reading("d", "p", 2.0, "", second),
        Reading("d", "p", 3.0, "", second),
    ]
    batches = list(encode(records))
    assert [batch.count for batch in batches] == [1, 2]
    assert batches[1].trusted == second.trusted
    times = [time for c in decoded(records) for time in c.times]
    assert times == [WALL, second.wall // 10**6, second.wall // 10**6]


def test_a_huge_group_is_cut() -> None:
    records: list[Record] = [Reading("d", "p", n, "", instant(n)) for n in range(2 * MOST + 1)]
    assert [batch.count for batch in encode(records)] == [MOST, MOST, 1]


def polls(devices: int, points: int, rounds: int) -> list[Record]:
    """Noise of two steps of the last decimal on slowly moving values, every 10 s."""
    dice = random.Random(7)
    level = {(d, p): dice.uniform(100, 900) for d in range(devices) for p in range(points)}
    records: list[Record] = []
    for turn in range(rounds):
        for d in range(devices):
            at = instant(turn * 10_000 + d * 300 + dice.randrange(9))
            for p in range(points):
                level[d, p] += dice.gauss(0, 0.05)
                value = round(level[d, p] + dice.gauss(0, 2)) / 10
                records.append(Reading(f"soil-{d + 1}", f"moisture_{p}", value, "%", at))
    return records


def test_a_thousand_readings_take_at_most_two_bytes_each() -> None:
    records = polls(10, 20, 20)
    groups = [records[n : n + 1000] for n in range(0, len(records), 1000)]
    size = sum(len(batch.body) for group in groups for batch in encode(group))
    assert size / len(records) <= 2.0


@given(st.binary(max_size=60), st.integers(0, 3))
def test_damage_is_noticed_whatever_it_is(noise: bytes, enc: int) -> None:
    with pytest.raises(ValueError, match="damaged"):
        decode(Batch("b", 0, 0, True, 2, enc, noise))


@given(st.integers(0, 10**6), st.integers(0, 7))
def test_a_flipped_bit_is_noticed(place: int, bit: int) -> None:
    (batch,) = encode(polls(2, 5, 3))
    body = bytearray(batch.body)
    body[place % len(body)] ^= 1 << bit
    try:
        columns = decode(Batch("b", 0, batch.wall, True, batch.count, batch.enc, bytes(body)))
    except ValueError:
        return
    assert columns == decode(batch), "a bit of the header that means nothing"
