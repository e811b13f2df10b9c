"""What the gateway says it has, for a receiver to compare.

Of each epoch and stream: `first` stored and `last` given number, `count` of stored numbers, and
`sha256` over the numbers `from`…`last`, at most 10,000 of them. What is hashed is one line for
each stored record, in order of the numbers, each ended by a line feed:

    a reading    seq TAB device/point TAB value TAB quality
    an event     seq TAB kind TAB subject TAB data

A value is JSON; a number is as C's printf("%.17g") writes it, no value is the empty text. Quality
is "good", or what the pack says ("bad:timeout"). `data` is JSON with sorted keys and no spaces,
its numbers as JSON has them. Times are not hashed: an estimated one may be corrected.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from agent.buffer.accounts import Accounts, Epoch
from agent.buffer.reader import Stored
from agent.contract import STREAMS, Columns, Happening, Ranges, Value

HASHED = 10_000  # numbers
EPOCHS = 50  # newest epochs named; the chain of `previous` proves the older ones

Fetch = Callable[[int, str, int, int], Awaitable[Sequence[Stored]]]


async def manifest(accounts: Accounts, fetch: Fetch) -> Mapping[str, Any]:
    """`{"epochs": {epoch: {stream: {...}}}, "omitted": number of older epochs}`."""
    given = [epoch for epoch in accounts.epochs.values() if any(epoch.head.values())]
    epochs = {epoch.name: await _streams(epoch, fetch) for epoch in given[-EPOCHS:]}
    return {"epochs": epochs, "omitted": max(0, len(given) - EPOCHS)}


async def _streams(epoch: Epoch, fetch: Fetch) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for stream in STREAMS:
        if not epoch.head[stream]:
            continue
        kept, last = epoch.kept[stream], epoch.head[stream]
        found[stream] = {"last": last, "count": len(kept)}
        if kept:
            start = max(kept.first, last - HASHED + 1)
            digest = await _digest(epoch, stream, kept & Ranges.of(start, last), fetch)
            found[stream] |= {"first": kept.first, "from": start, "sha256": digest}
    return found


async def _digest(epoch: Epoch, stream: str, numbers: Ranges, fetch: Fetch) -> str:
    total = sha256()
    for first, last in numbers:
        for start in range(first, last + 1, 1000):
            stop = min(last, start + 999)
            for batch in await fetch(epoch.id, stream, start, stop):
                total.update(_text(batch, batch.range & Ranges.of(start, stop)).encode())
    return total.hexdigest()


def _text(batch: Stored, numbers: Ranges) -> str:
    start, stop = numbers.first - batch.first, numbers.last - batch.first + 1
    if isinstance(batch.content, Columns):
        lines = _readings(batch.content.slice(start, stop))
    else:
        lines = map(_event, (batch.content or ())[start:stop])
    return "".join(f"{n}\t{line}\n" for n, line in enumerate(lines, numbers.first))


def _readings(columns: Columns) -> Iterator[str]:
    names = [f"{device}/{point}" for device, point, _ in columns.series]
    for position, (index, value) in enumerate(zip(columns.index, columns.values, strict=True)):
        yield f"{names[index]}\t{_value(value)}\t{columns.flags.get(position, 'good')}"


def _value(value: Value | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    return f"{value:.17g}" if isinstance(value, float) else str(value)


def _event(happening: Happening) -> str:
    event = happening.event
    data = json.dumps(dict(event.data), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"{event.kind}\t{event.subject}\t{data}"
