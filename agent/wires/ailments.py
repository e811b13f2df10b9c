"""What ails a bus, as bytes: the faults of wiring that `Faults` and the lines of a stage have not.

Each takes the place of the simulators that it makes ill. Physics: a line that nobody drives is
held at 1 by its bias; a UART starts at a falling edge and samples in the middle of each bit. Linux
passes on characters whose stop bit is missing, since nobody asks it to check (INPCK is off).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from agent.contract import Line, Simulator

_ODD = {"none": 0, "even": 0, "odd": 1}
_STUBS = (0x00, 0xFF, 0xFE, 0xFC, 0x80, 0xF8)  # what an undriven line is taken for


def levels(data: bytes, line: Line) -> list[int]:
    """Bit by bit: start, data from the lowest bit on, parity, stop."""
    return [level for byte in data for level in _character(byte, line)]


def _character(byte: int, line: Line) -> Iterator[int]:
    bits = [byte >> place & 1 for place in range(line.data_bits)]
    yield 0
    yield from bits
    if line.parity != "none":
        yield sum(bits) + _ODD[line.parity] & 1
    yield from [1] * line.stop_bits


def received(heard: Sequence[int], line: Line) -> bytes:
    """What a UART makes of levels at its own speed; behind the last the line rests at 1."""
    size = line.data_bits
    frame = 1 + size + (line.parity != "none")
    found = bytearray()
    at, armed = 0, True
    while at < len(heard):
        if heard[at]:
            at, armed = at + 1, True
            continue
        if not armed:  # a line that stays at 0 starts nothing
            at += 1
            continue
        bits = [heard[place] if place < len(heard) else 1 for place in range(at + 1, at + frame)]
        found.append(sum(bit << place for place, bit in enumerate(bits[:size])))
        at, armed = at + frame, False
    return bytes(found)


def inverted(data: bytes, line: Line) -> bytes:
    """As heard through a pair whose A and B are swapped at one end."""
    return received([1 - level for level in levels(data, line)], line)


def collided(one: bytes, other: bytes, lag: int, line: Line) -> bytes:
    """Two devices speak at once, the second `lag` bits later; a driven 0 wins."""
    first, second = levels(one, line), [1] * lag + levels(other, line)
    size = max(len(first), len(second))
    padded = [each + [1] * (size - len(each)) for each in (first, second)]
    return received([a & b for a, b in zip(*padded, strict=True)], line)


def reflected(data: bytes, chance: float, random: Random, line: Line) -> bytes:
    """Without end resistors the echo of an edge falls into the bit behind it: `chance` for each."""
    out = levels(data, line)
    for at in range(len(out) - 1, 0, -1):
        if out[at] != out[at - 1] and random.random() < chance:
            out[at] = out[at - 1]
    return received(out, line)


def stubs(random: Random) -> bytes:
    """What is heard while nobody drives a line without bias."""
    return bytes(random.choice(_STUBS) for _ in range(random.randint(1, 3)))


@dataclass(eq=False)
class Ill:
    """A simulator, and what becomes of its answers."""

    inner: Simulator
    damage: Callable[[bytes], bytes]  # b"" when nothing arrives

    def hear(self, data: bytes) -> Sequence[bytes]:
        answers = (self.damage(answer) for answer in self.inner.hear(data))
        return [answer for answer in answers if answer]


@dataclass(eq=False)
class Resting:
    """The gateway's own A and B are swapped: nobody understands it, and the line, held the wrong
    way round, is taken for one long 0 behind everything that it says."""

    random: Random
    chance: float = 1.0

    def hear(self, data: bytes) -> Sequence[bytes]:
        if not data or self.random.random() >= self.chance:
            return []
        return [bytes(self.random.randint(1, 2))]


@dataclass(eq=False)
class Twins:
    """Two devices with one id. `apart` is the chance that one is slow enough to speak second."""

    one: Simulator
    other: Simulator
    random: Random
    line: Line
    apart: float = 0.1

    def hear(self, data: bytes) -> Sequence[bytes]:
        both = [*self.one.hear(data)], [*self.other.hear(data)]
        return [self._mixed(*pair) for pair in zip(*both, strict=False)]

    def _mixed(self, one: bytes, other: bytes) -> bytes:
        if self.random.random() < self.apart:
            return one + other
        return collided(one, other, self.random.randint(1, 40), self.line)


@dataclass(eq=False)
class Unbiased:
    """Nothing holds the line while nobody drives it: bytes appear around the turn-arounds."""

    inner: Simulator
    random: Random
    chance: float = 0.8

    def hear(self, data: bytes) -> Sequence[bytes]:
        return [self._stub() + answer + self._stub() for answer in self.inner.hear(data)]

    def _stub(self) -> bytes:
        return stubs(self.random) if self.random.random() < self.chance else b""


@dataclass(eq=False)
class Breathless:
    """A converter that needs `pause` s after the last byte before it hears again."""

    inner: Simulator
    pause: float
    clock: Callable[[], float]
    _free: float = field(default=0.0, init=False)

    def hear(self, data: bytes) -> Sequence[bytes]:
        now = self.clock()
        deaf, self._free = now < self._free, now + self.pause
        return [] if deaf else self.inner.hear(data)


@dataclass(eq=False)
class Master:
    """Somebody else polls devices of his own on this wire. Implements Talker."""

    devices: Simulator
    questions: Sequence[bytes]
    random: Random
    pause: float  # s between two of his questions

    def hear(self, data: bytes) -> Sequence[bytes]:
        del data  # he listens to his own devices only
        return []

    def speak(self) -> tuple[Sequence[bytes], float]:
        question = self.random.choice(self.questions)
        return [question, *self.devices.hear(question)], self.pause * self.random.uniform(0.8, 1.2)
