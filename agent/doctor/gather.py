"""Measures a wire: listens, asks harmless questions, waits longer, tries other settings.

Takes turns like everybody else, and holds a wire that the service uses for one question at a time.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from agent.contract import WIRE_GONE, Accept, Ear, Line, LinkLost, Parity, Probe, Sound, Turn, Wire
from agent.doctor.evidence import GARBLED, Asked, Evidence, Quiet
from agent.doctor.port import trouble_of
from agent.doctor.tape import Tape
from agent.wires.ailments import inverted

TAIL = 0.03  # s to listen on behind an answer
SHARED_GRACE = 0.15  # s: the pause that ends what was heard, and the way through the service
GRACE = 0.05  # s: a USB adapter holds bytes for 16 ms, a busy gateway reads them later still
STEP = 0.1  # s between looks whether a late answer has begun
LATE = 1.5  # s to wait beyond the time that a device is given
REST = 0.5  # s of silence before the questions that try whether a longer pause helps
OPENING = 0.2  # s: an adapter that is opened may put a byte on the line or hear one
SLICE = 0.5  # s for which a wire of the service is kept to listen
FEW = 8  # questions at least on a wire of our own, to meet what happens now and then
SILENT = 2  # questions that a device which says nothing is asked
PATIENT = 4  # devices without an answer that get LATE
RESTED = 2  # devices that a longer pause is tried with
SEARCHED = 2  # devices that the likeliest other settings are tried with; the others with one
LIKELY = 8  # settings
WINDOW = 0.4  # s for an answer at other settings, at most
BAUDS = (9600, 4800, 19200, 2400, 38400, 115200, 57600, 1200)
PARITIES: tuple[Parity, ...] = ("none", "even", "odd")


@dataclass(frozen=True, slots=True)
class Subject:
    device: str
    probe: Probe


@dataclass(frozen=True, slots=True)
class Plan:
    """`listen`: seconds for which nothing is asked. `rounds`: questions to each device that
    answers. `speeds`: try other settings with those that do not."""

    listen: float = 3.0
    rounds: int = 4
    speeds: bool = True


Tell = Callable[[str, str], None]
"""What is being done: listen, ask, pause or search; and the device or setting."""


class Examination:
    """One look at a wire. `known` is what was known of it before: its name, kind and line."""

    def __init__(
        self,
        wire: Wire,
        tape: Tape,
        known: Evidence,
        subjects: Sequence[Subject],
        plan: Plan,
        tell: Tell,
    ) -> None:
        self._wire, self._tape, self._known = wire, tape, known
        self._subjects = [s for s in subjects if s.probe.questions]
        self._talkers = [s for s in subjects if not s.probe.questions]
        self._plan, self._tell = plan, tell
        self._patience = PATIENT

    async def run(self) -> Evidence:
        """What goes wrong with the port or peer is evidence, too. Raises Misconfigured."""
        try:
            return await self._measured()
        except LinkLost as error:
            if error.reason not in WIRE_GONE:
                raise
            return replace(self._known, trouble=trouble_of(error), said=str(error))

    async def _measured(self) -> Evidence:
        quiet = await self._listened()
        said = self._said_unasked(quiet)
        asked = await self._asked_in_rounds()
        paused = await self._rested([s for s in self._subjects if _falls_silent(s, asked)])
        dead = [s for s in self._subjects if not _recognised(s, (*asked, *paused))]
        elsewhere = await self._searched(dead) if self._plan.speeds else []
        return replace(
            self._known,
            quiet=replace(quiet, heard=b"", bursts=0) if said else quiet,
            asked=(*said, *asked),
            paused=tuple(paused),
            elsewhere=tuple(elsewhere),
        )

    async def _listened(self) -> Quiet:
        """A wire of our own is overheard; the service's is kept for a slice at a time."""
        seconds, babble = self._plan.listen, False
        self._tell("listen", f"{seconds:g} s")
        if self._known.shared:
            since = self._tape.mark()
            for _ in range(max(1, round(seconds / SLICE))):
                babble = await self._listened_once() or babble
        else:
            async with self._wire.overhear() as ear:
                await asyncio.sleep(OPENING)
                since = self._tape.mark()
                await _overheard(ear, seconds)
        heard = self._tape.heard(since)
        bursts = self._tape.bursts(since)
        return Quiet(seconds, heard, bursts, tuple(self._strangers(heard)), babble)

    async def _listened_once(self) -> bool:
        """True for a wire that does not fall silent."""
        try:
            async with self._wire.turn() as turn:
                await turn.listen(SLICE)
        except LinkLost as error:
            if error.reason != "babble":
                raise
            return True
        return False

    def _said_unasked(self, quiet: Quiet) -> list[Asked]:
        """Devices that speak by themselves, as far as they did."""
        verdicts = [(s.device, s.probe.judge(b"", quiet.heard)) for s in self._talkers]
        return [
            Asked(device, b"", quiet.heard, verdict)
            for device, verdict in verdicts
            if verdict.sound is Sound.ANSWER
        ]

    def _strangers(self, heard: bytes) -> list[str]:
        return list(self._subjects[0].probe.frames(heard)) if self._subjects else []

    async def _asked_in_rounds(self) -> list[Asked]:
        asked: list[Asked] = []
        for turn in range(self._rounds()):
            for subject in self._subjects:
                silent = [_silent(one) for one in asked if one.device == subject.device]
                if len(silent) >= SILENT and all(silent):
                    continue
                self._tell("ask", subject.device)
                late = self._patience > 0 and not (silent and all(silent))
                asked += await self._ask_patiently(subject, turn, late=late)
                self._patience -= late and _silent(asked[-1])
        return asked

    def _rounds(self) -> int:
        few = 0 if self._known.shared else FEW
        return max(self._plan.rounds, -(-few // max(1, len(self._subjects))))

    async def _rested(self, silent: Sequence[Subject]) -> list[Asked]:
        asked = []
        for subject in silent[:RESTED]:
            self._tell("pause", subject.device)
            asked += [await self._ask(subject, n, None, 0.0, guard=REST) for n in range(2)]
        return asked

    async def _searched(self, dead: Sequence[Subject]) -> list[Asked]:
        asked: list[Asked] = []
        lines = candidates(self._known.line, [s.probe.factory for s in dead])
        for number, line in enumerate(lines):
            for subject in dead[: SEARCHED if number < LIKELY else 1]:
                if self._is_usual(subject, line) or _answers(subject, asked):
                    continue
                self._tell("search", f"{line.baud} {line.data_bits}{line.parity[0].upper()}")
                asked.append(await self._ask(subject, 0, line, 0.0))
        return asked

    def _is_usual(self, subject: Subject, line: Line) -> bool:
        usual = subject.probe.line or self._known.line
        return (usual.baud, usual.parity) == (line.baud, line.parity)

    async def _ask_patiently(self, subject: Subject, number: int, *, late: bool) -> list[Asked]:
        """A wire of the service tells no times, so there a silent device is asked once more with
        more time: an answer that then takes longer than the usual time was late."""
        if not late or not self._known.shared:
            return [await self._ask(subject, number, None, LATE if late else 0.0)]
        first = await self._ask(subject, number, None, 0.0)
        if not _silent(first):
            return [first]
        await asyncio.sleep(LATE)  # what may still come must not be taken for the next answer
        loop = asyncio.get_running_loop()
        began = loop.time()
        again = await self._ask(subject, number, None, LATE)
        if _silent(again):
            return [first]
        line = subject.probe.line or self._known.line
        spoken = (len(again.question) + len(again.heard)) * line.character
        if loop.time() - began < subject.probe.timeout + spoken + SHARED_GRACE:
            return [first, again]
        return [replace(again, late=True)]

    async def _ask(
        self, subject: Subject, number: int, line: Line | None, more: float, guard: float = 0.0
    ) -> Asked:
        """`more`: seconds to wait beyond the usual time for the first byte."""
        probe = subject.probe
        question = probe.questions[number % len(probe.questions)]
        timeout = probe.timeout if line is None else min(WINDOW, probe.timeout)
        since = self._tape.mark()
        try:
            async with self._wire.turn(line or probe.line, max(guard, probe.guard)) as turn:
                await self._exchange(turn, probe, question, timeout, more)
        except LinkLost as error:
            if error.reason in WIRE_GONE:
                raise  # all else is what was to be found out
        return self._judged(subject, question, since, line)

    async def _exchange(
        self, turn: Turn, probe: Probe, question: bytes, timeout: float, more: float
    ) -> None:
        if self._known.shared:
            await turn.ask(question, _whole(probe, question), timeout + more)
            return
        since = self._tape.mark()
        try:
            await turn.ask(question, _whole(probe, question), timeout)
        except LinkLost as error:
            if error.reason != "timeout":
                raise
        left = more
        while left > 0 and self._tape.heard(since) in {b"", question}:
            await turn.listen(STEP)
            left -= STEP
        await turn.listen(max(TAIL, STEP) if left < more else TAIL)

    def _judged(self, subject: Subject, question: bytes, since: int, line: Line | None) -> Asked:
        probe, heard = subject.probe, self._tape.heard(since)
        verdict = probe.judge(question, heard)
        used = line or probe.line or self._known.line
        asked = Asked(subject.device, question, heard, verdict, line)
        garbled = verdict.sound in GARBLED
        return replace(
            asked,
            late=self._came_late(probe, asked, since, used),
            mirrored=garbled and mirrored(probe.head(question), asked.rest, used),
        )

    def _came_late(self, probe: Probe, asked: Asked, since: int, line: Line) -> bool:
        if self._known.shared or not asked.rest:
            return False
        echo = len(asked.heard) - len(asked.rest)
        sent, began = self._tape.first(since, "tx"), self._tape.first(since, "rx", echo)
        if sent is None or began is None:
            return False
        return began - sent - len(asked.question) * line.character > probe.timeout + GRACE


def candidates(usual: Line, factories: Sequence[Line]) -> list[Line]:
    """Settings to try, the likeliest first, without the usual ones."""
    common = (Line(baud, parity) for parity in PARITIES for baud in BAUDS)
    found = {(line.baud, line.parity): line for line in (*factories, *common)}
    found.pop((usual.baud, usual.parity), None)
    return list(found.values())


def mirrored(head: bytes, heard: bytes, line: Line) -> bool:
    """Whether it begins as an answer does that comes through swapped wires. The last character
    of the head depends on what follows it."""
    expected = inverted(head, line)[:-1]
    return bool(expected) and heard.startswith(expected)


def _whole(probe: Probe, question: bytes) -> Accept:
    def accept(heard: bytearray) -> bytes | None:
        return bytes(heard) if probe.judge(question, bytes(heard)).answers else None

    return accept


def _silent(asked: Asked) -> bool:
    return not asked.rest


def _falls_silent(subject: Subject, asked: Sequence[Asked]) -> bool:
    return any(one.device == subject.device and _silent(one) for one in asked)


def _answers(subject: Subject, asked: Sequence[Asked]) -> bool:
    return any(one.device == subject.device and one.verdict.answers for one in asked)


def _recognised(subject: Subject, asked: Sequence[Asked]) -> bool:
    """A part of an answer shows that its settings are right."""
    sounds = {one.verdict.sound for one in asked if one.device == subject.device}
    return Sound.BROKEN in sounds or _answers(subject, asked)


async def _overheard(ear: Ear, seconds: float) -> None:
    """Raises LinkLost when the port goes meanwhile."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while (left := end - loop.time()) > 0:
        await ear.hear(left)
