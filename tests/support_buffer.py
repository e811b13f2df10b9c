"""Buffers on real disks, with a clock that tests can set."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agent.buffer import Buffer, Limits, open_buffer
from agent.clock import Clock
from agent.contract import (
    Event,
    Instant,
    Lane,
    Outbox,
    Pack,
    Reading,
    Record,
)
from agent.status import Board

WALL = 1_764_000_000_000_000_000  # ns since 1970


class SetClock(Clock):
    """Stands where it is put."""

    def __init__(self) -> None:
        super().__init__()
        self.boot, self.mono, self.wall, self.trusted = "boot-1", 10**12, WALL, True

    def now(self) -> Instant:
        return Instant(self.boot, self.mono, self.wall, self.trusted)

    def pass_by(self, seconds: float) -> None:
        self.mono += int(seconds * 1e9)
        self.wall += int(seconds * 1e9)


@dataclass
class Site:
    """A folder with a store in it; `open` starts a run of the service's buffer."""

    folder: Path
    clock: SetClock = field(default_factory=SetClock)
    board: Board = field(default_factory=Board)

    @property
    def path(self) -> Path:
        return self.folder / "buffer.db"

    def open(
        self, *uplinks: str, limits: Limits | None = None
    ) -> AbstractAsyncContextManager[Buffer]:
        return self._open(uplinks or ("cloud",), limits or Limits(flushes=1000))

    @asynccontextmanager
    async def _open(self, uplinks: Sequence[str], limits: Limits) -> AsyncIterator[Buffer]:
        self.board = Board()
        async with open_buffer(self.folder, limits, uplinks, self.clock, self.board) as buffer:
            yield buffer

    def readings(self, count: int, start: int = 0) -> list[Record]:
        """Their values count on from `start`."""
        now = self.clock.now()
        return [Reading("soil-1", "moisture", start + n, "%", now) for n in range(count)]

    def event(self, number: int = 0) -> Event:
        return Event("test.happened", "soil-1", self.clock.now(), {"number": number})


async def drain(
    outbox: Outbox, stream: str, lane: Lane = Lane.BACKLOG, limit: int = 100
) -> list[Pack]:
    """All packs of a lane, settled."""
    packs = []
    while pack := await outbox.owed(stream, lane, limit):
        await outbox.settle(pack)
        packs.append(pack)
    return packs


def contents(packs: Sequence[Pack]) -> dict[tuple[str, str, int], object]:
    """(stream, epoch, number) -> value of a reading, or event."""
    found: dict[tuple[str, str, int], object] = {}
    for pack in packs:
        values = [value for columns in pack.columns for value in columns.values]
        records = [*values, *(h.event for h in pack.happenings)]
        found |= {
            (pack.stream, pack.epoch, number): record
            for number, record in zip(pack.members, records, strict=True)
        }
    return found
