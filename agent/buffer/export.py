"""What is stored as plain rows: NDJSON, CSV, and Parquet where pyarrow is installed."""

import csv
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from agent.buffer.reader import Stored, every_batch
from agent.contract import STREAMS, TELEMETRY, Columns, Happening, Misconfigured

CHUNK = 10_000  # rows of Parquet in memory
COLUMNS = dict.fromkeys(
    STREAMS, ("epoch", "seq", "time", "estimated", "kind", "subject", "data")
) | {
    TELEMETRY: ("epoch", "seq", "time", "estimated", "device", "point", "value", "unit", "quality"),
}
Row = dict[str, Any]


def rows(
    connection: sqlite3.Connection, stream: str, start: float | None, end: float | None
) -> Iterator[Row]:
    """Records of one stream in order, from `start` to before `end` (unix time)."""
    names = dict(connection.execute("SELECT id, name FROM epoch"))
    low = float("-inf") if start is None else start * 1000
    high = float("inf") if end is None else end * 1000
    for batch in every_batch(connection):
        if batch.stream == stream:
            for time, row in _records(batch):
                if low <= time < high:
                    yield {"epoch": names.get(batch.epoch, "?"), **row}


def _records(batch: Stored) -> Iterator[tuple[int, Row]]:
    """Time (ms) and fields."""
    if isinstance(batch.content, Columns):
        yield from _readings(batch.first, batch.content)
    for seq, happening in enumerate(_events(batch), batch.first):
        event = happening.event
        fields = {"kind": event.kind, "subject": event.subject, "data": dict(event.data)}
        yield happening.time, _row(seq, happening.time, happening.estimated, fields)


def _events(batch: Stored) -> tuple[Happening, ...]:
    return batch.content if isinstance(batch.content, tuple) else ()


def _readings(first: int, columns: Columns) -> Iterator[tuple[int, Row]]:
    for place, (index, time, value) in enumerate(
        zip(columns.index, columns.times, columns.values, strict=True)
    ):
        device, point, unit = columns.series[index]
        quality = columns.flags.get(place, "good")
        fields = {"device": device, "point": point, "value": value, "unit": unit}
        yield time, _row(first + place, time, columns.estimated, {**fields, "quality": quality})


def _row(seq: int, time: int, estimated: bool, fields: Row) -> Row:
    moment = datetime.fromtimestamp(time / 1000, UTC).isoformat(timespec="milliseconds")
    return {"seq": seq, "time": moment, "estimated": estimated, **fields}


def write_ndjson(found: Iterator[Row], out: IO[str]) -> None:
    for row in found:
        out.write(json.dumps(row, ensure_ascii=False) + "\n")


def write_csv(found: Iterator[Row], out: IO[str], stream: str) -> None:
    """`data` of events is JSON."""
    writer = csv.DictWriter(out, COLUMNS[stream], lineterminator="\n")
    writer.writeheader()
    for row in found:
        if stream != TELEMETRY:
            row["data"] = json.dumps(row["data"], ensure_ascii=False)
        writer.writerow(row)


def write_parquet(found: Iterator[Row], file: Path, stream: str) -> None:
    """Values and data are JSON texts: a column has one type.

    Raises Misconfigured without pyarrow.
    """
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise Misconfigured(
            "Parquet needs the package pyarrow, which is not installed",
            hint="install pyarrow beside fieldgate, or use --format csv",
        ) from error
    kinds = {"seq": arrow.int64(), "estimated": arrow.bool_()}
    schema = arrow.schema([(c, kinds.get(c, arrow.string())) for c in COLUMNS[stream]])
    text = "value" if stream == TELEMETRY else "data"
    with parquet.ParquetWriter(file, schema) as writer:
        while chunk := [row for _, row in zip(range(CHUNK), found, strict=False)]:
            for row in chunk:
                row[text] = json.dumps(row[text], ensure_ascii=False)
            writer.write_table(arrow.Table.from_pylist(chunk, schema))
