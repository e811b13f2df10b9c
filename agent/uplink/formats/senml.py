"""SenML (RFC 8428): one value a record, as JSON text or as CBOR.

The first record also carries the base fields and what the pack accounts for (docs/wire.md); a pack
without members is that record alone. `n` is `device/point`; a read that failed is
`device/point/quality` with `vs: "bad:timeout"`, never a value under the point's own name.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from agent.contract import TELEMETRY, Columns, Pack, Value
from agent.uplink.formats.arrival import VERSION, Arrival, Sample, account, previous, skips
from agent.uplink.formats.units import Translation, Units

JSON_TYPE = "application/senml+json"
CBOR_TYPE = "application/senml+cbor"
_QUALITY = "quality"
_REMEMBERED = 20_000  # series whose texts are kept
_LARGEST = 1e290  # times the largest factor still a number
_CBOR = {"bn": -2, "bver": -1, "n": 0, "u": 1, "v": 2, "vs": 3, "vb": 4, "t": 6}  # RFC 8428, 6
_TEXT = {number: name for name, number in _CBOR.items()}

Render = Callable[[float], str]
Labelled = dict[int | str, Any]  # a CBOR record: 0 n, 1 u, 2 v, 3 vs, 4 vb, 6 t, ours by name


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _failed(value: Value | None, flag: str, unit: Translation) -> str:
    """Why there is no value to send; "" when there is one."""
    if flag.startswith("bad"):
        return flag
    if value is None:
        return "bad"
    if isinstance(value, float) and not isfinite(unit.apply(value)):
        return "bad:not_finite"
    return ""


def _head(pack: Pack, gateway: str, catalogue: str) -> dict[str, Any]:
    if pack.stream != TELEMETRY:
        raise ValueError(f"SenML carries telemetry, not {pack.stream}")
    fields = {"bn": f"{gateway}/", "bver": 10, "fg": VERSION, "epoch": pack.epoch}
    return fields | {"stream": pack.stream, "cat": catalogue} | account(pack)


@dataclass(frozen=True, slots=True)
class _Series:
    """What the records of each series have in common. `renders` is empty when every value travels
    as it is stored."""

    heads: Sequence[str]  # up to the value's label
    starts: Sequence[str]  # up to a number
    renders: Sequence[Render]
    units: Sequence[Translation]


@dataclass(frozen=True, slots=True)
class _Texts:
    """Of one series."""

    head: str
    start: str
    render: Render
    unit: Translation


class SenmlJson:
    """Packs to text. Text is put together from what a series has in common: a dict for each
    record would cost three times as much (benchmarks/drain.py)."""

    content_type = JSON_TYPE

    def __init__(self, gateway: str, units: Units) -> None:
        self._gateway = gateway
        self._units = units
        self._known: dict[tuple[str, str, str], _Texts] = {}
        self._latest: tuple[object, _Series] = ((), _Series((), (), (), ()))

    def encode(self, pack: Pack, catalogue: str) -> bytes:
        head = json.dumps(_head(pack, self._gateway, catalogue), separators=(",", ":"))
        texts: list[str] = []
        for columns in pack.columns:
            texts += self._texts(columns)
        if not texts:
            return f"[{head}]".encode()
        texts[0] = f"[{head[:-1]},{texts[0][2:]}"
        texts.append("]")
        return "".join(texts).encode()

    def _texts(self, columns: Columns) -> list[str]:
        """Three for each record: up to the value, the value, and the rest."""
        series = self._series(columns.series)
        tail = ',"tq":"estimated"}' if columns.estimated else "}"
        ends = {ms: f',"t":{ms / 1000!r}{tail}' for ms in set(columns.times)}
        texts = [""] * (3 * len(columns))
        texts[2::3] = map(ends.__getitem__, columns.times)
        if _all_numbers(columns.values):
            texts[0::3] = map(series.starts.__getitem__, columns.index)
            texts[1::3] = _numbers(columns, series)
            odd: Iterable[int] = columns.flags
        else:
            odd = range(len(columns))
        for at in odd:
            flag = columns.flags.get(at, "")
            texts[3 * at : 3 * at + 2] = _one(columns, series, at, flag)
        return texts

    def _series(self, keys: Sequence[tuple[str, str, str]]) -> _Series:
        """Slices of one batch share their series, and batches of one site have the same ones."""
        if keys is not self._latest[0]:
            texts = [self._known.get(key) or self._learn(key) for key in keys]
            same = all(text.unit.same for text in texts)
            self._latest = (
                keys,
                _Series(
                    [text.head for text in texts],
                    [text.start for text in texts],
                    () if same else [text.render for text in texts],
                    [text.unit for text in texts],
                ),
            )
        return self._latest[1]

    def _learn(self, key: tuple[str, str, str]) -> "_Texts":
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        device, point, ucum = key
        unit = self._units.translate(point, ucum)
        head = _begin(device, point, unit)
        texts = self._known[key] = _Texts(head, f'{head},"v":', _render(unit), unit)
        return texts


def _begin(device: str, point: str, unit: Translation) -> str:
    word = "" if unit.unit is None else f',"u":{_quote(unit.unit)}'
    return f',{{"n":{_quote(f"{device}/{point}")}{word}'


def _one(columns: Columns, series: _Series, at: int, flag: str) -> tuple[str, str]:
    """The first two texts of any record, at leisure."""
    i, value = columns.index[at], columns.values[at]
    unit = series.units[i]
    if reason := _failed(value, flag, unit):
        device, point, _ = columns.series[i]
        return f',{{"n":{_quote(f"{device}/{point}/{_QUALITY}")},"vs":', _quote(reason)
    quality, _, reason = flag.partition(":")
    marks = f',"q":{_quote(quality)}' if quality else ""
    marks += f',"qr":{_quote(reason)}' if reason else ""
    label, text = _value(value, unit)
    return f"{series.heads[i]}{marks},{_quote(label)}:", text


def _all_numbers(values: Sequence[Any]) -> bool:
    """Only finite ints and floats, small enough for any factor."""
    if not set(map(type, values)) <= {float, int}:
        return False
    if not values or not isfinite(sum(values)):
        return False
    return bool(min(values) > -_LARGEST and max(values) < _LARGEST)


def _numbers(columns: Columns, series: _Series) -> Iterable[str]:
    values: Sequence[Any] = columns.values
    if not series.renders:
        return map(repr, values)
    renders = map(series.renders.__getitem__, columns.index)
    return [render(value) for render, value in zip(renders, values, strict=True)]


def _render(unit: Translation) -> Render:
    if unit.same:
        return repr
    factor, offset = unit.factor, unit.offset
    return lambda value: f"{value * factor + offset:.12g}"


def _value(value: Any, unit: Translation) -> tuple[str, str]:
    """Its label and its text."""
    if isinstance(value, bool):
        return "vb", "true" if value else "false"
    if isinstance(value, str):
        return "vs", _quote(value)
    return "v", _render(unit)(value)


def _moved(value: Any, unit: Translation) -> Any:
    return value if unit.same else unit.apply(value)


class SenmlCbor:
    """Packs to CBOR: the RFC's labels are numbers, ours are texts."""

    content_type = CBOR_TYPE

    def __init__(self, gateway: str, units: Units) -> None:
        self._gateway = gateway
        self._units = units

    def encode(self, pack: Pack, catalogue: str) -> bytes:
        import cbor2

        records = [record for columns in pack.columns for record in self._records(columns)]
        first = {_CBOR.get(k, k): v for k, v in _head(pack, self._gateway, catalogue).items()}
        if records:
            records[0] = first | records[0]
        return bytes(cbor2.dumps(records or [first]))

    def _records(self, columns: Columns) -> list[Labelled]:
        units = [self._units.translate(point, ucum) for _, point, ucum in columns.series]
        names = [f"{device}/{point}" for device, point, _ in columns.series]
        starts = [_start(name, unit) for name, unit in zip(names, units, strict=True)]
        tail: Labelled = {"tq": "estimated"} if columns.estimated else {}
        each = zip(columns.index, columns.values, columns.times, strict=True)
        if not columns.flags and _all_numbers(columns.values):
            return [
                {**starts[i], 2: _moved(v, units[i]), 6: ms / 1000, **tail} for i, v, ms in each
            ]
        flags = columns.flags
        return [
            _any(names[i], units[i], v, flags.get(at, "")) | {6: ms / 1000, **tail}
            for at, (i, v, ms) in enumerate(each)
        ]


def _start(name: str, unit: Translation) -> Labelled:
    return {0: name} if unit.unit is None else {0: name, 1: unit.unit}


def _any(name: str, unit: Translation, value: Value | None, flag: str) -> Labelled:
    if reason := _failed(value, flag, unit):
        return {0: f"{name}/{_QUALITY}", 3: reason}
    quality, _, reason = flag.partition(":")
    marks: Labelled = {k: v for k, v in (("q", quality), ("qr", reason)) if v}
    if isinstance(value, bool):
        return {**_start(name, unit), 4: value, **marks}
    if isinstance(value, str):
        return {**_start(name, unit), 3: value, **marks}
    return {**_start(name, unit), 2: _moved(value, unit), **marks}


def decode(body: bytes) -> Arrival:
    """A pack of ours, JSON or CBOR (told apart by the first byte). Raises ValueError."""
    try:
        records = _load(body)
        head = records[0]
        base = head["bn"]
        return Arrival(
            gateway=base.rstrip("/"),
            epoch=head["epoch"],
            stream=head["stream"],
            first=int(head["first"]),
            last=int(head["last"]),
            skip=skips(head.get("skip", "")),
            again=bool(head.get("again", False)),
            previous=previous(head.get("prev", "")),
            catalogue=head.get("cat", ""),
            version=int(head["fg"]),
            samples=tuple(_sample(record) for record in records if "n" in record),
        )
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"not a pack of fieldgate: {error!r}") from error


def _load(body: bytes) -> list[dict[str, Any]]:
    if body[:1] == b"[":
        return list(json.loads(body))
    import cbor2

    try:
        loaded = cbor2.loads(body)
    except cbor2.CBORDecodeError as error:
        raise ValueError(f"neither JSON nor CBOR: {error}") from error
    return [{_TEXT.get(label, label): v for label, v in record.items()} for record in loaded]


def _sample(record: Mapping[str, Any]) -> Sample:
    device, point, *rest = record["n"].split("/")
    estimated = record.get("tq") == "estimated"
    at = round(record["t"] * 1000)
    if rest == [_QUALITY]:
        return Sample(device, point, None, "", at, record["vs"], estimated)
    quality = ":".join(filter(None, (record.get("q"), record.get("qr")))) or "good"
    value = next(record[label] for label in ("v", "vb", "vs") if label in record)
    return Sample(device, point, value, record.get("u", ""), at, quality, estimated)
