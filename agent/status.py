"""The board: what every part knows of itself, read by `status`, metrics and the demo.

Each part writes its own entry from the event loop; readers take `snapshot()`.
"""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class DeviceStatus:
    state: str = "starting"  # starting, ok, degraded, down (breaker open), parked
    error: str = ""
    hint: str = ""
    reads: int = 0
    failures: int = 0
    values: int = 0  # readings of quality good or uncertain
    bad: int = 0  # readings of quality bad
    skipped_beats: int = 0
    response: float = 0.0  # s, moving mean of a whole read
    last_good: float = 0.0  # unix time
    maintenance: float = 0.0  # unix time until when somebody works on it; 0 when nobody does


@dataclass(slots=True)
class WireStatus:
    state: str = "closed"  # closed, open, lost
    error: str = ""
    turns: int = 0
    busy: float = 0.0  # s in conversation
    lost: float = 0.0  # s spent waiting for answers that did not come
    opened: int = 0
    noise: int = 0  # bytes heard that were no part of an answer


@dataclass(slots=True)
class StreamStatus:
    taken: int = 0  # records handed to the buffer since start
    appended: int = 0  # committed since start
    discarded: dict[str, int] = field(default_factory=dict)  # reason -> records
    head: int = 0  # last number of this epoch


@dataclass(slots=True)
class BufferStatus:
    epoch: str = ""
    records: int = 0
    bytes: int = 0  # of the store on disk
    max_bytes: int = 0
    oldest: float = 0.0  # unix time of the oldest record, 0 when empty
    commits: int = 0
    waits: int = 0  # times that back-pressure made somebody wait
    written: int = 0  # bytes that we gave to the disk since start
    device_written: int | None = None  # bytes that the block device took since start
    hours_left: float | None = None  # until the bound, at the present rate
    evicted: int = 0
    error: str = ""


@dataclass(slots=True)
class UplinkStatus:
    state: str = "starting"  # starting, connecting, connected, holding, refused, waiting
    broker: str = ""
    error: str = ""
    hint: str = ""
    connects: int = 0
    published: int = 0  # packs
    acknowledged: int = 0
    records: int = 0  # acknowledged
    refused: int = 0
    bytes: int = 0
    inflight: int = 0
    no_listener: bool = False
    # stream -> how the law stands, over all stored epochs
    owed: dict[str, int] = field(default_factory=dict)
    gap: dict[str, int] = field(default_factory=dict)
    law: dict[str, bool] = field(default_factory=dict)


@dataclass(slots=True)
class Board:
    gateway: str = ""
    version: str = ""
    started: float = 0.0  # unix time
    clock_trusted: bool = False
    devices: dict[str, DeviceStatus] = field(default_factory=dict)
    wires: dict[str, WireStatus] = field(default_factory=dict)
    streams: dict[str, StreamStatus] = field(default_factory=dict)
    buffer: BufferStatus = field(default_factory=BufferStatus)
    uplinks: dict[str, UplinkStatus] = field(default_factory=dict)
    spaces: dict[str, int] = field(default_factory=dict)  # occupied, vacant, unknown -> how many

    def device(self, name: str) -> DeviceStatus:
        return self.devices.setdefault(name, DeviceStatus())

    def wire(self, name: str) -> WireStatus:
        return self.wires.setdefault(name, WireStatus())

    def stream(self, name: str) -> StreamStatus:
        return self.streams.setdefault(name, StreamStatus())

    def uplink(self, name: str) -> UplinkStatus:
        return self.uplinks.setdefault(name, UplinkStatus())

    def snapshot(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)
