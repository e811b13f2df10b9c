"""How much the buffer keeps, and how often it makes things safe."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.buffer.media import MediaLimits

if TYPE_CHECKING:
    from agent.config.schema import Store


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, seconds, records; `flushes` is commits a second."""

    max_size: int = 2 * 10**9
    max_age: float = 30 * 86400.0
    keep_settled: float = 86400.0
    commit_every: float = 1.0
    commit_records: int = 200
    flushes: float = 5.0
    most_waiting: int = 50_000  # records in RAM while the disk takes nothing
    media: MediaLimits = field(default_factory=MediaLimits)

    @classmethod
    def of(cls, store: "Store") -> "Limits":
        return cls(
            max_size=store.max_size,
            max_age=store.max_age,
            keep_settled=store.keep_settled,
            commit_every=store.commit.every,
            commit_records=store.commit.records,
            flushes=store.flushes,
            media=MediaLimits(store.media.max_age, store.media.max_size, store.media.max_count),
        )

    @property
    def crowd(self) -> int:
        """More uncommitted records than this make `put` wait."""
        return min(max(self.commit_records * 10, 5000), self.most_waiting)

    @property
    def wal_pages(self) -> int:
        """The write-ahead log is grown to this once, and used again in place."""
        return max(64, min(1000, self.max_size // 16 // PAGE))

    @property
    def room(self) -> int:
        """Bytes of the database file; the rest is for its log."""
        return self.max_size - 2 * self.wal_pages * (PAGE + FRAME)


PAGE = 512  # bytes: the smallest page makes the smallest commit
FRAME = 24  # bytes of a page's header in the log
