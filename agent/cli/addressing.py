"""New devices plugged in one at a time, each given an id of its own.

What is on the wire decides, never what was meant to be: an id is given only once nobody answers
at it, a device has it only once it answers there and nobody at the old one. The journal is written
before the device is, so that whatever is cut short is found again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

from agent.cli.addressing_journal import Entry, Journal
from agent.cli.addressing_steps import FREE, Move, Progress, Seen
from agent.contract import Addressing, DeviceFault, Identity, LinkLost, Misconfigured, Presence

SURE = 5  # clear answers in a row, then there is one device

Tell = Callable[[str, Mapping[str, object]], None]
"""Takes the name of a step, and what there is to know of it."""
Confirm = Callable[[str, Mapping[str, object]], Awaitable[bool]]
"""The same, as a question to whoever stands before the device."""


@dataclass(frozen=True, slots=True)
class Order:
    """`taken`: ids that the configuration gives to devices. `at`: the id that new devices arrive
    with. `again`: the ids are of devices that are no more. `pause` between two looks, `patience`
    while nothing new happens: s."""

    wire: str
    profile: str
    first: int
    count: int
    at: int
    taken: frozenset[int]
    pause: float
    patience: float | None = None
    again: bool = False


class Walk:
    def __init__(
        self, order: Order, addressing: Addressing, journal: Journal, tell: Tell, confirm: Confirm
    ) -> None:
        self._order, self._addressing, self._journal = order, addressing, journal
        self._show, self._confirm = tell, confirm
        self._told: object = None
        self._since = 0.0
        self._finished: set[int] = set()

    async def run(self) -> None:
        """Returns when `count` ids from `first` on are given.

        Raises LinkLost when the wire or the patience is gone, DeviceFault when a device does not
        take its id or two have one, Misconfigured when no id is left.
        """
        self._since = asyncio.get_running_loop().time()
        if unfinished := self._journal.unfinished:
            self._tell("resumed", old=unfinished.old, new=unfinished.new)
            await self._finish(unfinished, Progress(unfinished.new, unfinished.step == "pending"))
        for new in self._again() if self._order.again else self._targets():
            await self._give(new)

    def _targets(self) -> Iterator[int]:
        """Ids to be given, until enough are; one that a stranger has is passed over."""
        order, rules, given = self._order, self._addressing.rules, 0
        for new in range(order.first, rules.last + 1):
            if given == order.count:
                return
            if new not in self._journal.given and self._may_be_given(new):
                yield new
            given += new in self._journal.given
        if given < order.count:
            raise Misconfigured(
                "no id is left from {first} to {last}",
                hint="begin with a lower --from",
                first=self._addressing.text(order.first),
                last=self._addressing.text(rules.last),
            )

    def _again(self) -> Iterator[int]:
        """These very ids."""
        for new in range(self._order.first, self._order.first + self._order.count):
            if new not in self._finished and self._addressing.rules.allows(new):
                yield new

    def _may_be_given(self, unit: int) -> bool:
        out_of_use = {self._order.at} | self._order.taken | self._journal.doubtful
        return self._addressing.rules.allows(unit) and unit not in out_of_use

    async def _give(self, new: int) -> None:
        order = self._order
        while True:
            identity = await self._arrival(new)
            if not await self._is_free(new):
                self._pass_over(new)
                return
            await self._alone()
            if await self._confirm("give", {"at": order.at, "new": new, "identity": identity}):
                break
            await self._until(order.at, Presence.SILENT, "unplug", new=new)
        entry = Entry("intent", order.wire, order.profile, order.at, new, identity.serial)
        self._journal.put(entry)
        await self._finish(entry, Progress(new, same=True))

    def _pass_over(self, new: int) -> None:
        if self._order.again:
            raise DeviceFault(
                "somebody answers at id {unit}",
                hint="unplug the old device first",
                unit=self._addressing.text(new),
            )
        self._tell("taken", new=new)

    async def _arrival(self, new: int) -> Identity:
        """Waits for one device, and only one, at the id that new ones have."""
        at = self._order.at
        while True:
            await self._until(at, Presence.ONE, "waiting", new=new)
            if await self._is_one(at):
                try:
                    return await self._addressing.identify(at)
                except DeviceFault as error:
                    self._once("unlike", at=at, error=error)
                except LinkLost:
                    pass  # pulled out again, or one more came: the next look tells
            await self._rest()

    async def _finish(self, entry: Entry, progress: Progress) -> None:
        """From the intent to the last look."""
        await self._settle(entry, progress)
        if await self._addressing.held(entry.new) not in {entry.new, None}:
            raise self._not_taken(entry)
        await self._until(entry.old, Presence.SILENT, "unplug", times=FREE, new=entry.new)
        self._journal.put(entry.then("done"))
        self._finished.add(entry.new)
        self._tell("done", old=entry.old, new=entry.new, serial=entry.serial)

    async def _settle(self, entry: Entry, progress: Progress) -> None:
        """Until one device answers at the new id, and surely only one."""
        while True:
            was_pending = progress.pending
            move = progress.next(await self._seen(entry))
            if progress.pending and not was_pending:
                self._journal.put(entry.then("pending"))
            if move is Move.ARRIVED and await self._is_one(entry.new):
                return
            if move is Move.WRITE:
                await self._write(entry)
            elif move is Move.ASK:
                await self._ask(entry, progress)
            else:
                self._go_on(move, entry)
                await self._rest()

    def _go_on(self, move: Move, entry: Entry) -> None:
        """Tells what has to be done. Raises DeviceFault where nothing can be."""
        if move is Move.CROWDED:
            raise DeviceFault(
                "more than one device answers at id {unit}",
                hint="unplug the one that came last, then run the same command again",
                unit=self._addressing.text(entry.new),
            )
        if move is Move.NOT_TAKEN:
            raise self._not_taken(entry)
        if move not in {Move.WAIT, Move.ARRIVED}:
            self._once(move.name.lower(), at=entry.old, new=entry.new)

    async def _seen(self, entry: Entry) -> Seen:
        new = await self._addressing.look(entry.new)
        old = await self._addressing.look(entry.old)
        held = await self._addressing.held(entry.old) if old is Presence.ONE else None
        return Seen(new, old, held)

    async def _ask(self, entry: Entry, progress: Progress) -> None:
        """Whether the device at the old id is the one that was to have the new id."""
        fields = {"at": entry.old, "new": entry.new, "unplugged": progress.unplugged}
        progress.same = await self._confirm("same", fields)
        if not progress.same:
            await self._until(entry.old, Presence.SILENT, "another", new=entry.new)

    async def _write(self, entry: Entry) -> None:
        try:
            await self._addressing.assign(entry.old, entry.new)
        except DeviceFault:
            self._journal.put(entry.then("void"))
            raise
        self._tell("written", at=entry.old, new=entry.new)

    async def _is_one(self, unit: int) -> bool:
        looks = [await self._addressing.look(unit) for _ in range(SURE - 1)]
        return all(found is Presence.ONE for found in looks)

    async def _is_free(self, unit: int) -> bool:
        looks = [await self._addressing.look(unit) for _ in range(FREE)]
        return all(found is Presence.SILENT for found in looks)

    async def _alone(self) -> None:
        """Where an id is written to all, waits until nobody else that is known is there."""
        if self._addressing.rules.to_all:
            for unit in sorted(self._order.taken | self._journal.given.keys()):
                await self._until(unit, Presence.SILENT, "alone")

    async def _until(
        self, unit: int, wanted: Presence, step: str, *, times: int = 1, **fields: object
    ) -> None:
        """Waits until that was found so often in a row, and tells what that takes."""
        seen = 0
        while seen < times:
            found = await self._addressing.look(unit)
            if found is wanted:
                seen, self._told = seen + 1, None
                continue
            seen = 0
            self._once("several" if found is Presence.SEVERAL else step, at=unit, **fields)
            await self._rest()

    async def _rest(self) -> None:
        waited = asyncio.get_running_loop().time() - self._since
        if self._order.patience is not None and waited > self._order.patience:
            raise LinkLost(
                "nothing happened for {timeout:g} s",
                hint="run the same command again: it goes on where it was",
                timeout=self._order.patience,
            )
        await asyncio.sleep(self._order.pause)

    def _once(self, step: str, **fields: object) -> None:
        if self._told != (step, fields):
            self._tell(step, **fields)

    def _tell(self, step: str, **fields: object) -> None:
        self._told = (step, fields)
        self._since = asyncio.get_running_loop().time()
        self._show(step, fields)

    def _not_taken(self, entry: Entry) -> DeviceFault:
        return DeviceFault(
            "the device at id {old} does not take the id {new}",
            hint="see the manual for a switch, a key or a wire that allows it; then run the same "
            "command again",
            old=self._addressing.text(entry.old),
            new=self._addressing.text(entry.new),
        )
