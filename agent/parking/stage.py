"""Between collecting and storing: what detectors say becomes what the spaces are."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from agent.clock import Clock
from agent.config.places import Place
from agent.contract import Event, Instant, LinkLost, Misconfigured, Reading, Record, Sink
from agent.parking.kept import Kept
from agent.parking.measured import Measured
from agent.parking.record import CALIBRATING, State, Verdict
from agent.parking.reported import Reported
from agent.parking.space import Space
from agent.status import Board

LOOK = 1.0  # s between two looks for detectors that have fallen silent
SAVE_FIELDS, SAVE_STATES = 60.0, 600.0  # s between two writes, and one at stop
MOST_NAMED = 12  # spaces in an error

Watchers = tuple[tuple[Space, str], ...]


class Parking:
    """Implements Sink: passes everything on, and adds records of the spaces.

    Readings of a detector that come one by one are judged together: `run` does that as soon as
    nothing more is on its way, and tells what came of it.
    """

    def __init__(self, sink: Sink, clock: Clock, board: Board, folder: Path | None = None) -> None:
        """`folder`: for what has to survive a restart; None: nothing does."""
        self._sink, self._clock, self._board = sink, clock, board
        self._kept = Kept.within(folder)
        self._spaces: dict[str, Space] = {}
        self._watched: dict[str, dict[str, Watchers]] = {}  # device -> point -> who looks at it
        self._new: list[Space] = []  # not announced yet
        self._due: set[Space] = set()  # with readings that wait to be judged
        self._out: list[Record] = []
        self._wake = asyncio.Event()
        self._saving: asyncio.Future[None] | None = None

    def arrange(self, places: Iterable[Place]) -> None:
        """From now on these are the spaces. Those that stay as they are keep what is known."""
        self._settle()
        before, self._spaces = self._spaces, {}
        for place in places:
            space = before.get(place.space)
            if space is None or space.place != place:
                space = self._made(place, space)
            self._spaces[place.space] = space
        self._watch()
        self._count()
        self._wake.set()

    async def put(self, records: Sequence[Record]) -> None:
        await self._sink.put(records)
        watched = self._watched
        if not watched:
            return
        for record in records:
            if isinstance(record, Reading) and record.device in watched:
                for space, role in watched[record.device].get(record.point, ()):
                    self._hear(space, role, record)
        if self._out or self._due:
            self._wake.set()

    async def flush(self) -> None:
        await self._sink.flush()

    def spaces(self) -> list[Mapping[str, Any]]:
        """What is known of each now."""
        self._settle()
        return [space.line() for space in self._spaces.values()]

    def calibrate(self, name: str) -> None:
        """The space is empty now: its field is learned anew. Raises Misconfigured where there is no
        such space, or its detector decides by itself."""
        space = self._spaces.get(name)
        if space is None or not space.place.is_raw:
            raw = [name for name, space in self._spaces.items() if space.place.is_raw]
            raise Misconfigured(
                "no space '{name}' is watched by a raw magnetometer",
                hint="those that are: {known}",
                name=name,
                known=", ".join(raw[:MOST_NAMED]) or "-",
            )
        now = self._clock.now()
        space.source = Measured(space.place, now, vacant=True)
        self._out += space.show(Verdict(State.UNKNOWN, now, CALIBRATING, CALIBRATING))
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        look = fields = states = loop.time()
        try:
            while True:
                self._announce()
                self._settle()
                if (now := loop.time()) >= look:
                    self._look()
                    look = now + LOOK
                await self._tell()
                if now >= fields + SAVE_FIELDS:
                    fields = now
                    states = now if (save_states := now >= states + SAVE_STATES) else states
                    await self._save(states=save_states)
                self._wake.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(look):
                        await self._wake.wait()
        finally:
            self._settle()
            await self._tell()
            await self._save(states=True, stopping=True)

    def _made(self, place: Place, old: Space | None) -> Space:
        """With what is known from `old`, if it had the same detector, or from the last run."""
        now = self._clock.now()
        if old is not None and old.place.detects_as(place):
            known = old.source.state(now) if isinstance(old.source, Measured) else ""
            return Space(place, _source(place, now, known), old.shown, None)
        verdict, before = self._kept.verdict(place.space, now)
        source = _source(place, now, self._kept.fields.get(place.space, ""))
        space = Space(place, source, verdict, before)
        self._new.append(space)
        return space

    def _watch(self) -> None:
        self._watched = {}
        for space in self._spaces.values():
            points = self._watched.setdefault(space.place.device, {})
            for point, role in space.place.roles.items():
                points[point] = (*points.get(point, ()), (space, role))

    def _hear(self, space: Space, role: str, reading: Reading) -> None:
        verdict = space.source.hear(role, reading)
        if verdict is not None:
            self._out += space.show(verdict)
        if space.source.due is not None:
            self._due.add(space)

    def _settle(self) -> None:
        due, self._due = self._due, set()
        for space in due:
            if (verdict := space.source.settle()) is not None:
                self._out += space.show(verdict)

    def _announce(self) -> None:
        new, self._new = self._new, []
        for space in new:
            self._out += space.announce(self._clock.now())

    def _look(self) -> None:
        now = self._clock.now()
        for space in self._spaces.values():
            self._out += space.look(now)
        self._count()

    def _count(self) -> None:
        self._board.spaces = dict(Counter(s.shown.state.plain for s in self._spaces.values()))

    async def _tell(self) -> None:
        out, self._out = self._out, []
        if not out:
            return
        await self._sink.put(out)
        if any(isinstance(record, Event) for record in out):
            with contextlib.suppress(LinkLost):  # the buffer has said so, and tries on
                await self._sink.flush()

    async def _save(self, *, states: bool, stopping: bool = False) -> None:
        """Off the event loop; one write at a time, also when one was cancelled."""
        if self._saving is not None:
            await asyncio.wait([self._saving])
        now = self._clock.now()
        raw = {s.place.space: s.source for s in self._spaces.values()}
        self._kept.note_fields({n: r.state(now) for n, r in raw.items() if isinstance(r, Measured)})
        if states:
            shown = {n: s.shown for n, s in self._spaces.items()}
            self._kept.note(shown, now if stopping else None)
        self._saving = asyncio.ensure_future(asyncio.to_thread(self._write))
        await asyncio.shield(self._saving)

    def _write(self) -> None:
        self._kept.fields.save()
        self._kept.states.save()


def _source(place: Place, now: Instant, kept: str) -> Measured | Reported:
    return Measured(place, now, kept) if place.is_raw else Reported(place, now)
