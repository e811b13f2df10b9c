"""The count at the end: what the store says that there was, against what the cloud has."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from agent.buffer.accounts import Past
from agent.buffer.past import load
from agent.buffer.schema import FILE, open_readonly
from agent.contract import Ranges
from agent.demo.cloud import Cloud
from agent.demo.scene import GATEWAY, UPLINK
from agent.i18n import say


@dataclass(frozen=True, slots=True)
class Reckoning:
    """In records. `waiting` are on disk, owed and not yet sent: late, not lost. `seen` is what the
    cloud heard of the camera: (passages, space changes, pictures); None without one."""

    stored: int
    received: int
    repeated: int
    conflicts: int
    waiting: int
    lost: int
    seen: tuple[int, int, int] | None = None

    def lines(self) -> list[str]:
        return [
            say("stored on the gateway: {count}", count=self.stored),
            say("received by the cloud: {count}", count=self.received),
            say("received twice, and recognised: {count}", count=self.repeated),
            say("one number, two contents: {count}", count=self.conflicts),
            say("still waiting on the gateway's disk: {count}", count=self.waiting),
            *self._of_the_camera(),
            f"lost {self.lost}",
        ]

    def _of_the_camera(self) -> list[str]:
        if self.seen is None:
            return []
        passages, changes, pictures = self.seen
        return [
            say("vehicles that passed the gate, with their plates: {count}", count=passages),
            say("parking spaces that filled or emptied: {count}", count=changes),
            say("pictures received: {count}", count=pictures),
        ]


def stored(store: Path) -> Past:
    """What the store on disk says, also while the agent runs; nothing where there is none."""
    try:
        connection = open_readonly(store / FILE)
    except sqlite3.Error:
        return Past()
    try:
        return load(connection)
    except sqlite3.Error:
        return Past()
    finally:
        connection.close()


def heads(past: Past) -> dict[tuple[str, str], int]:
    """(epoch, stream) -> the last number given."""
    return {(e.name, stream): last for e in past.epochs for stream, last in e.head.items() if last}


def reckon(store: Path, cloud: Cloud, *, camera: bool = False) -> Reckoning:
    """After the agent has stopped. `camera`: there was one."""
    past = stored(store)
    given = heads(past)
    for (epoch, stream), head in given.items():
        cloud.receiver.expect(GATEWAY, epoch, stream, head)
    missing = cloud.receiver.missing(GATEWAY)
    waiting = sum(
        len(ranges & past.owed.get((UPLINK, *key), Ranges())) for key, ranges in missing.items()
    )
    report = cloud.receiver.report()
    return Reckoning(
        stored=sum(given.values()),
        received=report["received"],
        repeated=report["duplicates"],
        conflicts=report["conflicts"],
        waiting=waiting,
        lost=cloud.receiver.lost - waiting,
        seen=_seen(cloud) if camera else None,
    )


def _seen(cloud: Cloud) -> tuple[int, int, int]:
    return cloud.heard["plate.passed"], cloud.heard["space.seen"], cloud.heard["media"]
