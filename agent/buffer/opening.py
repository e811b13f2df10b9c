"""From a folder to a buffer at work, and back."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.buffer import past, schema
from agent.buffer.accounts import Accounts
from agent.buffer.buffer import Buffer
from agent.buffer.limits import Limits
from agent.buffer.lock import locked
from agent.buffer.reader import Reader
from agent.buffer.retention import Victim
from agent.buffer.salvage import SUSPECT, Salvage, prepare
from agent.buffer.store import Store
from agent.clock import Clock
from agent.contract import Event, Instant, LinkLost, Value
from agent.status import Board

log = logging.getLogger(__name__)

UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class _Opened:
    store: Store
    reader: Reader
    accounts: Accounts
    salvage: Salvage | None


@asynccontextmanager
async def open_buffer(
    folder: Path, limits: Limits, uplinks: Sequence[str], clock: Clock, board: Board
) -> AsyncIterator[Buffer]:
    """The store in `folder`, made when there is none, with an epoch of its own for this run.

    Raises Misconfigured when another process has it, the folder cannot be written or a newer
    fieldgate wrote it, LinkLost when the disk refuses. A damaged store is put aside and replaced.
    """
    path = folder / schema.FILE
    with locked(folder):
        opened = await asyncio.to_thread(_open, path, limits, uplinks, clock.now())
        buffer = Buffer(path, opened.store, opened.reader, opened.accounts, limits, clock, board)
        if opened.salvage is not None:
            buffer.declare_unreadable(*_losses(opened.salvage, clock.now()))
        running = asyncio.create_task(buffer.run())
        try:
            async with _watched(running):
                yield buffer
        finally:
            buffer.stop()
            await asyncio.wait([running])
            await (buffer.abandon() if _ruined(running) else buffer.close())
        if _ruined(running):
            path.with_name(SUSPECT).touch()
            running.result()


@asynccontextmanager
async def _watched(running: asyncio.Task[None]) -> AsyncIterator[None]:
    """Cancels the block when what it stands on fails."""
    block = asyncio.current_task()

    def ended(task: asyncio.Task[None]) -> None:
        if _ruined(task) and block is not None:
            block.cancel()

    running.add_done_callback(ended)
    try:
        yield
    except asyncio.CancelledError:
        if not _ruined(running) or block is None or block.uncancel():
            raise
    finally:
        running.remove_done_callback(ended)


def _ruined(running: asyncio.Task[None]) -> bool:
    return running.done() and not running.cancelled() and running.exception() is not None


def _open(path: Path, limits: Limits, uplinks: Sequence[str], now: Instant) -> _Opened:
    try:
        salvage = prepare(path)
        connection = schema.open_writable(path, limits.wal_pages)
        schema.shrink(connection, path, limits.room)
        schema.grow_log(connection, path, limits.wal_pages)
        before = past.load(connection)
        for gone in sorted(before.uplinks - set(uplinks)):
            log.warning("buffer: uplink %s is no longer configured; what it was owed goes", gone)
        running = past.begin(connection, before, uplinks, now)
        reader = Reader(schema.open_readonly(path))
    except (sqlite3.OperationalError, OSError) as error:
        raise LinkLost(
            "the store {path} cannot be opened: {why}",
            hint="is there room on the disk, and may this user write there?",
            reason="storage",
            path=path,
            why=error,
        ) from error
    return _Opened(Store(connection, running), reader, Accounts(before, running, uplinks), salvage)


def _losses(salvage: Salvage, now: Instant) -> tuple[list[Victim], list[Event]]:
    victims = [
        Victim(epoch, stream, numbers, UNREADABLE)
        for (epoch, stream), numbers in salvage.lost.items()
    ]
    lost = sum(len(victim.numbers) for victim in victims)
    data: dict[str, Value | None] = {"file": salvage.file, "salvaged": salvage.records}
    return victims, [Event("buffer.corrupt", "buffer", now, {**data, "lost": lost})]
