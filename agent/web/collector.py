"""The board as Prometheus metrics. Every name ends in its unit; counters in `_total`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agent.status import Board

GAUGE, COUNTER = GaugeMetricFamily, CounterMetricFamily
Row = tuple[str, str, type[GaugeMetricFamily] | type[CounterMetricFamily], str]
"""Field of the board, metric less its prefix, kind, what it says."""

DEVICE: tuple[Row, ...] = (
    ("reads", "reads", COUNTER, "Reads that gave values."),
    ("failures", "failures", COUNTER, "Reads that gave nothing."),
    ("values", "values", COUNTER, "Readings of quality good or uncertain."),
    ("bad", "bad_values", COUNTER, "Readings of quality bad."),
    ("skipped_beats", "skipped_beats", COUNTER, "Reads left out because the wire was too slow."),
    ("response", "response_seconds", GAUGE, "Moving mean of a whole read."),
    ("last_good", "last_good_timestamp_seconds", GAUGE, "When it last gave a value."),
)
WIRE: tuple[Row, ...] = (
    ("turns", "turns", COUNTER, "Conversations."),
    ("busy", "busy_seconds", COUNTER, "Time in conversation."),
    ("lost", "lost_seconds", COUNTER, "Time waited for answers that did not come."),
    ("opened", "opened", COUNTER, "Times that the port or connection was opened."),
    ("noise", "noise_bytes", COUNTER, "Bytes heard that were no part of an answer."),
)
STREAM: tuple[Row, ...] = (
    ("taken", "taken_records", COUNTER, "Records handed to the buffer."),
    ("appended", "appended_records", COUNTER, "Records committed to disk."),
    ("head", "head", GAUGE, "Last number of this epoch."),
)
BUFFER: tuple[Row, ...] = (
    ("records", "records", GAUGE, "Records stored."),
    ("bytes", "bytes", GAUGE, "Size of the store on disk."),
    ("max_bytes", "limit_bytes", GAUGE, "Size at which the oldest records go."),
    ("oldest", "oldest_timestamp_seconds", GAUGE, "Time of the oldest record; 0 when empty."),
    ("commits", "commits", COUNTER, "Transactions made durable."),
    ("waits", "waits", COUNTER, "Times that back-pressure made somebody wait."),
    ("written", "written_bytes", COUNTER, "Bytes that fieldgate gave to the disk."),
    ("device_written", "device_written_bytes", COUNTER, "Bytes that the block device took."),
    ("evicted", "evicted_records", COUNTER, "Records removed because of size or age."),
)
UPLINK: tuple[Row, ...] = (
    ("connects", "connects", COUNTER, "Connections made."),
    ("published", "published_packs", COUNTER, "Packs sent."),
    ("acknowledged", "acknowledged_packs", COUNTER, "Packs that the broker acknowledged."),
    ("records", "acknowledged_records", COUNTER, "Records that the broker acknowledged."),
    ("refused", "refused_packs", COUNTER, "Packs that the broker refused."),
    ("bytes", "sent_bytes", COUNTER, "Payload bytes sent."),
    ("inflight", "inflight_packs", GAUGE, "Packs sent and not yet acknowledged."),
    ("no_listener", "no_listener", GAUGE, "1 while the broker says that nobody subscribes."),
)


@dataclass(frozen=True, slots=True)
class Group:
    """Entries of one kind: a label, its entries on the board, and what is told of each."""

    prefix: str
    label: str
    rows: tuple[Row, ...]
    up: frozenset[str] = frozenset()  # states in which it counts as up

    def metrics(self, entries: Mapping[str, Mapping[str, Any]]) -> Iterator[Metric]:
        for field, name, kind, text in self.rows:
            metric = kind(f"{self.prefix}_{name}", text, labels=[self.label])
            for entry, values in entries.items():
                if values[field] is not None:
                    metric.add_metric([entry], float(values[field]))
            yield metric
        if self.up:
            metric = GAUGE(f"{self.prefix}_up", "1 while it works.", labels=[self.label])
            for entry, values in entries.items():
                metric.add_metric([entry], float(values["state"] in self.up))
            yield metric


DEVICES = Group("fieldgate_device", "device", DEVICE, frozenset({"ok", "degraded"}))
WIRES = Group("fieldgate_wire", "wire", WIRE, frozenset({"open"}))
STREAMS = Group("fieldgate_stream", "stream", STREAM)
UPLINKS = Group("fieldgate_uplink", "uplink", UPLINK, frozenset({"connected", "holding"}))


class BoardCollector(Collector):
    def __init__(self, board: Board) -> None:
        self._board = board

    def collect(self) -> Iterator[Metric]:
        board = self._board.snapshot()
        yield from _gateway(board)
        yield from DEVICES.metrics(board["devices"])
        yield from WIRES.metrics(board["wires"])
        yield from STREAMS.metrics(board["streams"])
        yield from _conservation(board["streams"])
        yield from _buffer(board["buffer"])
        yield from UPLINKS.metrics(board["uplinks"])
        yield from _accounts(board["uplinks"])


def text(board: Board) -> bytes:
    """The exposition format, as Prometheus scrapes it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(BoardCollector(board))
    return generate_latest(registry)


def _gateway(board: Mapping[str, Any]) -> Iterable[Metric]:
    info = GAUGE("fieldgate_info", "Who this is.", labels=["gateway", "version", "epoch"])
    info.add_metric([board["gateway"], board["version"], board["buffer"]["epoch"]], 1.0)
    return (
        info,
        GAUGE(
            "fieldgate_start_timestamp_seconds",
            "When the service started.",
            value=board["started"],
        ),
        GAUGE(
            "fieldgate_clock_trusted",
            "1 while the kernel says that the clock is synchronised.",
            value=float(board["clock_trusted"]),
        ),
    )


def _conservation(streams: Mapping[str, Mapping[str, Any]]) -> Iterable[Metric]:
    """taken = appended + discarded + waiting; what waits for its commit is never negative."""
    discarded = COUNTER(
        "fieldgate_stream_discarded_records",
        "Records dropped before they were stored, by reason.",
        labels=["stream", "reason"],
    )
    waiting = GAUGE(
        "fieldgate_stream_waiting_records",
        "Records taken, not yet committed; below 0 the conservation law is broken.",
        labels=["stream"],
    )
    for name, stream in streams.items():
        for reason, count in stream["discarded"].items():
            discarded.add_metric([name, reason], count)
        waiting.add_metric(
            [name], stream["taken"] - stream["appended"] - sum(stream["discarded"].values())
        )
    return discarded, waiting


def _buffer(buffer: Mapping[str, Any]) -> Iterator[Metric]:
    for field, name, kind, text in BUFFER:
        if buffer[field] is not None:
            yield kind(f"fieldgate_buffer_{name}", text, value=buffer[field])
    if buffer["hours_left"] is not None:
        yield GAUGE(
            "fieldgate_buffer_left_seconds",
            "Time until the buffer is full at the present rate, were nothing sent.",
            value=buffer["hours_left"] * 3600,
        )


def _accounts(uplinks: Mapping[str, Mapping[str, Any]]) -> Iterable[Metric]:
    labels = ["uplink", "stream"]
    metrics = {
        "owed": GAUGE("fieldgate_uplink_owed_records", "Stored, not acknowledged.", labels=labels),
        "gap": GAUGE("fieldgate_uplink_gap_records", "Given up, with a reason.", labels=labels),
        "law": GAUGE(
            "fieldgate_uplink_law_holds",
            "1 while 1..head = settled + owed + skipped + gap.",
            labels=labels,
        ),
    }
    for field, metric in metrics.items():
        for name, uplink in uplinks.items():
            for stream, value in uplink[field].items():
                metric.add_metric([name, stream], float(value))
    return metrics.values()
