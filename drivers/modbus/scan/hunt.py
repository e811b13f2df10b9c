"""The search itself: ask, and look closely at whoever answers."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from agent.contract import Find, Line, Remark, Search, Step, Wire
from drivers.modbus.codec import Request
from drivers.modbus.planner import Block
from drivers.modbus.scan.asking import Asker, Outcome, identity_questions, question
from drivers.modbus.scan.beliefs import Beliefs
from drivers.modbus.scan.guess import explore, guesses
from drivers.modbus.scan.identity import identity_text
from drivers.modbus.scan.order import LATE, Order, Try, tries
from drivers.modbus.scan.sheet import Kind, Sheet
from drivers.modbus.scan.verdict import verdict

BUDGET = 60.0  # s of bus time, unless the search is deep
_FOREVER = 1e9
_DELAY = 0.05  # s that a device may take, with the adapter's own delay
_CHARACTERS = 20  # further ones that the wait lasts: an answer's first packet
_TCP_WAIT = 0.5
_ONE_LINE = 2.0  # times the wait, where no other settings are to be tried
_MORE = 2.0  # times the wait, of a device that has answered before
_LONGEST_WAIT = 0.3  # s on a serial line: others may wait for it
_LATE_WAIT = 1.0  # s, for a device that was heard too late
_SECOND = 0.06  # s to listen for a second answer
_MUTE = 2  # unanswered questions, then a device is one that does not refuse
_LISTENED = 4  # reads after which that is done
_SLOW = 0.2  # s, the longest delay that the search adapts to
_RESERVE = 0.8  # of the budget, for first questions; the rest to look closely
_READS = 24  # at most, of one device
_NOBODY = (213, 187, 151)  # ids that hardly any device has
_BABBLE = 4  # garbled answers on one line, then something talks there by itself


@dataclass(slots=True)
class Hunt:
    wire: Wire
    search: Search
    sheets: Sequence[Sheet]
    asker: Asker = field(init=False)
    order: Order = field(init=False)
    slowest: float = 0.0  # s, the longest delay of an answer so far
    garbled: dict[Line | None, list[int]] = field(default_factory=dict)
    """Units that something spoke for that was not understood, by line."""
    found: set[int] = field(default_factory=set)
    understood: set[Line | None] = field(default_factory=set)
    echo: bool = False
    patience: float = 1.0
    pace: float = 0.0  # s to wait for the device that is looked at closely
    mute: int = 0  # questions that it never answered

    def __post_init__(self) -> None:
        profiles = [sheet.profile for sheet in self.sheets]
        guard = max((profile.timing.guard for profile in profiles), default=0.0)
        self.asker = Asker(self.wire, guard)
        todo = tries(profiles, self.search, serial=self.wire.framing == "rtu")
        if len({one.line for one in todo}) == 1:
            self.patience = _ONE_LINE
        self.order = Order(todo, self._cost)

    @property
    def budget(self) -> float:
        if self.search.budget is not None:
            return self.search.budget
        return _FOREVER if self.search.deep else BUDGET

    async def run(self) -> AsyncIterator[Find | Step]:
        for one in self.order:
            if self.asker.bus + self._cost(one) > self.budget:
                break
            yield self._step(one)
            outcome = await self._try(one)
            self.echo = self.echo or outcome.echo
            for unit in outcome.strays:
                self.order.again(one.line, unit)
            if outcome.answered:
                self.order.found(one.line, one.unit)
                self.found.add(one.unit)
                self.understood.add(one.line)
                async for news in self._look_closely(one, outcome):
                    yield news
                if one.line is None and await self._answers_to_all(one):
                    yield Find(None, None, remarks=(Remark("any_id", {"id": one.unit}),))
                    break
        for find in self._unclear():
            yield find

    def wait(self, line: Line | None, patience: float) -> float:
        """Seconds for an answer to begin: what devices take; or more, where one took longer and
        the budget allows as much for everybody."""
        affordable = self._share() - self.asker.cost(line, 0.0)
        longer = min(1.5 * self.slowest, affordable)
        return max(self._usual(line, patience), min(longer, _LONGEST_WAIT))

    def _usual(self, line: Line | None, patience: float) -> float:
        if line is None:
            return _TCP_WAIT
        least = _DELAY + _CHARACTERS * line.character
        most = _LATE_WAIT if patience >= LATE else max(_LONGEST_WAIT, least)
        return min(least * self.patience * patience, most)

    def _share(self) -> float:
        """Seconds of the budget for each that has not been asked yet."""
        return _RESERVE * (self.budget - self.asker.bus) / max(1, self.order.first_left)

    def _cost(self, one: Try) -> float:
        """Seconds of bus time, when nobody answers in the usual time."""
        return self.asker.cost(one.line, self._usual(one.line, one.patience))

    def _step(self, one: Try) -> Step:
        left = self.order.left(self.budget - self.asker.bus)
        return Step(self.asker.bus, left, one.line, one.unit)

    async def _answers_to_all(self, one: Try) -> bool:
        """Of a device on the network, to which an id means nothing: whatever is asked for next is
        the same device again."""
        nobody = next(unit for unit in _NOBODY if unit not in {one.unit, *self.found})
        return (await self._ask(one, question(nobody, one.block))).answered

    async def _try(self, one: Try) -> Outcome:
        """A garbled answer is asked for once more, unless everything on that line is garbled."""
        request, wait = question(one.unit, one.block), self.wait(one.line, one.patience)
        outcome = await self.asker.ask(request, one.line, wait)
        units = self.garbled.setdefault(one.line, [])
        if outcome.kind == "garbled" and one.unit not in units and len(units) < _BABBLE:
            outcome = await self.asker.ask(request, one.line, 2 * wait)
            if outcome.kind == "garbled":
                units.append(one.unit)
                self.order.suspected(one.unit)
        if len(units) == _BABBLE and one.line not in self.understood:
            self.order.drop(one.line)
        return outcome

    async def _look_closely(self, one: Try, first: Outcome) -> AsyncIterator[Find | Step]:
        """Reads on until no further read would tell more."""
        self._answered_in(first.delay)
        self.pace, self.mute = min(2 * first.delay, _LATE_WAIT), 0
        beliefs = Beliefs(one.unit, one.line, self.sheets)
        remarks: dict[str, Remark] = {}
        beliefs.learn(one.block, _kind(first), first.data)
        while (block := beliefs.next_read()) and len(beliefs.kinds) < _READS:
            yield self._step(one)
            after = _SECOND if len(beliefs.kinds) <= _LISTENED else 0.0
            outcome = await self._read(one, block, after)
            beliefs.learn(block, _kind(outcome), outcome.data)
            if outcome.twice:
                remarks["two_answers"] = Remark("two_answers")
            if outcome.kind == "garbled":
                remarks["unsteady"] = Remark("unsteady")
        find = verdict(beliefs, tuple(remarks.values()))
        if find.matches:
            yield find
            return
        async for news in self._stranger(one, beliefs, find):
            yield news

    async def _read(self, one: Try, block: Block, after: float = 0.0) -> Outcome:
        """A garbled answer gets two more chances; a missing one gets one, unless the device leaves
        questions unanswered that it does not like."""
        request = question(one.unit, block)
        outcome = await self._ask(one, request, after)
        for _ in range(2):
            if outcome.kind == "garbled":
                outcome = await self._ask(one, request, after)
        if outcome.kind == "silence" and self.mute < _MUTE:
            outcome = await self._once_more(one, request)
        if outcome.answered:
            self._answered_in(outcome.delay)
        return outcome

    async def _once_more(self, one: Try, request: Request) -> Outcome:
        """What comes may be the answer to the first question, late: the second is waited for, so
        that it is not taken for the answer to the next."""
        self.pace = min(2 * self.wait(one.line, _MORE), _LATE_WAIT)
        outcome = await self._ask(one, request, after=self.pace)
        self.mute += not outcome.answered
        return replace(outcome, twice=False)

    def _answered_in(self, delay: float) -> None:
        """On the service's wire the delay may be that of a poll in between."""
        self.slowest = max(self.slowest, min(delay, _SLOW))

    async def _ask(self, one: Try, request: Request, after: float = 0.0) -> Outcome:
        wait = max(self.wait(one.line, _MORE), self.pace)
        return await self.asker.ask(request, one.line, wait, after)

    async def _stranger(self, one: Try, beliefs: Beliefs, find: Find) -> AsyncIterator[Find | Step]:
        """No profile fits: what it says of itself, and what its registers look like."""
        texts: list[str] = []
        for request in identity_questions(one.unit):
            yield self._step(one)
            outcome = await self._ask(one, request)
            if outcome.kind == "data":
                texts.append(identity_text(outcome.data))
        async for block, outcome in explore(lambda block: self._read(one, block)):
            beliefs.learn(block, _kind(outcome), outcome.data)
            yield self._step(one)
        yield guesses(find, beliefs.words, [text for text in texts if text])

    def _unclear(self) -> list[Find]:
        """Ids at which something spoke that was never understood, lines that are full of it, an
        adapter that hears itself."""
        loud = [line for line, units in self.garbled.items() if len(units) >= _BABBLE]
        finds = [
            Find(unit, line, remarks=(Remark("garbled"),))
            for line, units in self.garbled.items()
            for unit in units
            if line not in loud and unit not in self.found
        ]
        if loud:
            finds.append(
                Find(None, loud[0] if len(loud) == 1 else None, remarks=(Remark("babble"),))
            )
        if self.echo:
            finds.append(Find(None, None, remarks=(Remark("echo"),)))
        return finds


def _kind(outcome: Outcome) -> Kind:
    return "silence" if outcome.kind == "garbled" else outcome.kind
