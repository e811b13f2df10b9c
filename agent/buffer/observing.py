"""What becomes of each reading here, for whoever looks on (`fieldgate trace`)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from agent.contract import Pack, Quality, Ranges, Reading, Record, Value


@dataclass(frozen=True, slots=True)
class Step:
    """`stage` is "stored", or "sent" when the broker of `uplink` has acknowledged it; `time` in ms
    since 1970 UTC."""

    stage: str
    uplink: str
    epoch: str
    seq: int
    device: str
    point: str
    value: Value | None
    unit: str
    quality: str
    reason: str
    time: int


Observers = set[Callable[[Step], None]]
"""They are called on the event loop and must not raise. Nothing is made while there are none."""


def stored(epoch: str, numbers: Ranges, records: Sequence[Record]) -> Iterator[Step]:
    for seq, record in zip(numbers.numbers(), records, strict=True):
        if isinstance(record, Reading):
            yield Step(
                "stored",
                "",
                epoch,
                seq,
                record.device,
                record.point,
                record.value,
                record.unit,
                record.quality.value,
                record.reason,
                record.at.wall // 1_000_000,
            )


def sent(uplink: str, pack: Pack) -> Iterator[Step]:
    numbers = iter(pack.members)
    for columns in pack.columns:
        for at, (series, time, value) in enumerate(
            zip(columns.index, columns.times, columns.values, strict=True)
        ):
            device, point, unit = columns.series[series]
            quality, _, reason = columns.flags.get(at, Quality.GOOD.value).partition(":")
            yield Step(
                "sent",
                uplink,
                pack.epoch,
                next(numbers),
                device,
                point,
                value,
                unit,
                quality,
                reason,
                time,
            )
