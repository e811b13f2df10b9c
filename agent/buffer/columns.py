"""What one batch says: consecutive records as columns, compressed. Pure.

A body is JSON in zlib with a preset dictionary. Of readings it has, as flat lists: device names,
point names with units, the device and the point of each series, its decimals, the series of each
reading, the time steps (ms), the first value of each series, and the steps of all series one after
the other. Values of a series are whole numbers of its last decimal; a series of anything else than
numbers is written as it is. JSON and zlib are C, so that a reading costs about a microsecond.

Times are steps from the batch's anchor on the clock that never jumps; the batch's row has the
anchor by both clocks, and whether the wall clock was trusted.
"""

import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import sub
from typing import Any

from agent.contract import Columns, Event, Happening, Instant, Quality, Reading, Record, Value

READINGS, HAPPENINGS = 1, 2  # encodings; what is written under a number never changes
INTEGERS, AS_IS = -1, -2  # instead of decimals
MOST_DECIMALS = 6
MOST = 2000  # records in one batch
DRIFT = 5_000_000  # ns that the two clocks may move against each other within a batch
MS = 1_000_000  # ns

_DICTIONARY = (
    b'["kind","subject","uplink","epoch","stream","first","last","reason","evicted","expired"'
    b',"gap","buffer","telemetry","events","device.lost","device.back","gateway.started","version"'
    b',"bad:fault","bad:timeout","uncertain:range","rain","mm","wind_direction","deg","wind_speed"'
    b',"m/s","pressure","hPa","energy","kW.h","power","W","current","A","voltage","V","battery"'
    b',"electrical_conductivity","uS/cm","[pH]","co2","[ppm]","illuminance","lx","air_humidity"'
    b',"air_temperature","soil_temperature","Cel","soil_moisture","%","soil-1"],[0,0,0,0,0,0,0,0,0'
    b",0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19],[1,1,1,1,1,1,1,1,1,1,1,1],[]]"
)


@dataclass(frozen=True, slots=True)
class Batch:
    """`boot`, `mono` and `wall` (ms) are the anchor: the first record's time by both clocks."""

    boot: str
    mono: int
    wall: int
    trusted: bool
    count: int
    enc: int
    body: bytes


def encode(records: Sequence[Record]) -> Iterator[Batch]:
    """Records of one stream, in order; a batch has one boot, one trust and one clock setting."""
    start = 0
    for stop in _cuts(records):
        yield _batch(records[start:stop])
        start = stop


def _cuts(records: Sequence[Record]) -> Iterator[int]:
    start, first = 0, records[0].at
    offset = first.wall - first.mono
    for position, record in enumerate(records):
        at = record.at
        if (
            at.trusted != first.trusted
            or abs(at.wall - at.mono - offset) > DRIFT
            or at.boot != first.boot
            or position - start >= MOST
        ):
            yield position
            start, first = position, at
            offset = first.wall - first.mono
    yield len(records)


def _batch(records: Sequence[Record]) -> Batch:
    at = records[0].at
    readings = [r for r in records if isinstance(r, Reading)]
    if len(readings) == len(records):
        enc, columns = READINGS, _readings(readings)
    else:
        enc, columns = HAPPENINGS, _events([r for r in records if isinstance(r, Event)])
    text = json.dumps(columns, ensure_ascii=False, separators=(",", ":")).encode()
    packer = zlib.compressobj(zdict=_DICTIONARY)
    body = packer.compress(text) + packer.flush()
    mono = at.mono // MS
    wall = (at.wall - at.mono + mono * MS) // MS
    return Batch(at.boot, mono, wall, at.trusted, len(records), enc, body)


def _steps(records: Sequence[Record]) -> list[int]:
    times = [r.at.mono // MS for r in records]
    return list(map(sub, times, [times[0], *times]))


def _readings(records: Sequence[Reading]) -> list[Any]:
    series: dict[tuple[str, str, str], list[Value | None]] = {}
    for r in records:
        series.setdefault((r.device, r.point, r.unit), []).append(r.value)
    numbers = {name: number for number, name in enumerate(series)}
    index = [numbers[r.device, r.point, r.unit] for r in records]
    devices: dict[str, int] = {}
    points: dict[tuple[str, str], int] = {}
    of_device = [devices.setdefault(device, len(devices)) for device, _, _ in series]
    of_point = [points.setdefault((p, unit), len(points)) for _, p, unit in series]
    kinds: list[int] = []
    firsts: list[Any] = []
    steps: list[int] = []
    for values in series.values():
        kind, column = _whole_numbers(values)
        kinds.append(kind)
        firsts.append(column if kind == AS_IS else column[0])
        if kind != AS_IS:
            steps += map(sub, column[1:], column)
    names = [list(devices), [text for point in points for text in point]]
    where = [of_device, of_point, kinds, index, _steps(records)]
    return [*names, *where, firsts, steps, _flags(records)]


def _whole_numbers(values: Sequence[Value | None]) -> tuple[int, list[Any]]:
    """Decimals (or INTEGERS) and whole numbers; AS_IS and the values where that is impossible."""
    types = set(map(type, values))
    if types == {int}:
        return INTEGERS, list(values)
    if types == {float}:
        start = len(repr(values[0]).partition(".")[2])
        for decimals in range(start, MOST_DECIMALS + 1):
            if whole := _scaled(values, 10**decimals):
                return decimals, whole
    return AS_IS, list(values)


def _scaled(values: Sequence[Any], scale: int) -> list[int]:
    """Empty unless every value comes back exactly when divided by `scale`."""
    try:
        whole = [round(value * scale) for value in values]
    except (OverflowError, ValueError):  # infinite, or not a number
        return []
    return whole if all(w / scale == v for w, v in zip(whole, values, strict=True)) else []


def _flags(records: Sequence[Reading]) -> list[int | str]:
    flags: list[int | str] = []
    for position, r in enumerate(records):
        if r.quality is not Quality.GOOD:
            flags += (position, f"{r.quality}:{r.reason}" if r.reason else r.quality.value)
    return flags


def _events(records: Sequence[Event]) -> list[Any]:
    return [_steps(records), [[e.kind, e.subject, dict(e.data)] for e in records]]


def decode(batch: Batch) -> Columns | tuple[Happening, ...]:
    """Raises ValueError when the body is damaged or of an encoding that is not known."""
    try:
        columns = json.loads(_unpack(batch.body))
        decoded = _columns(batch, columns) if batch.enc == READINGS else _happenings(batch, columns)
    except (zlib.error, LookupError, TypeError, StopIteration) as error:
        raise ValueError(f"a damaged batch: {error}") from error
    if len(decoded) != batch.count:
        raise ValueError(f"a batch of {batch.count} holds {len(decoded)} records")
    return decoded


def _unpack(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(zdict=_DICTIONARY)
    text = unpacker.decompress(body) + unpacker.flush()
    if not unpacker.eof:
        raise ValueError("a damaged batch: it ends too early")
    return text


def _columns(batch: Batch, columns: Sequence[Any]) -> Columns:
    devices, points, of_device, of_point, kinds, index, times, firsts, steps, flags = columns
    names = list(zip(points[::2], points[1::2], strict=True))
    series = [(devices[d], *names[p]) for d, p in zip(of_device, of_point, strict=True)]
    lengths = Counter(index)
    values: list[Iterator[Any]] = []
    at = 0
    for number, kind in enumerate(kinds):
        stop = at + (lengths[number] - 1 if kind != AS_IS else 0)
        values.append(_values(kind, firsts[number], steps[at:stop]))
        at = stop
    return Columns(
        series=series,
        index=index,
        times=list(accumulate(times[1:], initial=batch.wall)),
        values=list(map(next, map(values.__getitem__, index))),
        flags=dict(zip(flags[::2], flags[1::2], strict=True)),
        estimated=not batch.trusted,
    )


def _values(kind: int, first: Any, steps: Sequence[int]) -> Iterator[Any]:
    if kind == AS_IS:
        return iter(first)
    whole = accumulate(steps, initial=first)
    if kind == INTEGERS:
        return whole
    scale = 10**kind
    return iter([number / scale for number in whole])


def _happenings(batch: Batch, columns: Sequence[Any]) -> tuple[Happening, ...]:
    steps, events = columns
    happenings = []
    for time, (kind, subject, data) in zip(accumulate(steps), events, strict=True):
        mono, wall = batch.mono + time, batch.wall + time
        at = Instant(batch.boot, mono * MS, wall * MS, batch.trusted)
        event = Event(kind, subject, at, _plain(data))
        happenings.append(Happening(event, wall, estimated=not batch.trusted))
    return tuple(happenings)


def _plain(data: Any) -> Mapping[str, Value | None]:
    if not isinstance(data, dict):
        raise TypeError("an event's data is no mapping")
    return data
