"""What the bus doctor needs of a driver: a harmless question, and what an answer to it means."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from agent.contract.wire import Line


class Sound(StrEnum):
    """What was heard behind a question, echo set aside."""

    NOTHING = "nothing"
    ANSWER = "answer"  # whole, and to this question
    REFUSAL = "refusal"  # whole: the device says no
    STALE = "stale"  # whole, of this device, to another question
    STRANGER = "stranger"  # whole, of another device or master
    BROKEN = "broken"  # looks like the answer, but its checksum or length is wrong
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`echo`: the question itself was heard first. `before` and `after` are the bytes around the
    answer that are no part of it; `answers` counts whole ones; `code` says why it refused."""

    sound: Sound
    echo: bool = False
    before: int = 0
    after: int = 0
    answers: int = 0
    code: int = 0


class Probe(Protocol):
    """One device, as the doctor examines it. Pure: bytes in, judgements out."""

    @property
    def label(self) -> str:
        """What its answers are told by, like `unit 3`."""

    @property
    def line(self) -> Line | None:
        """What it is spoken to with, where that is not the wire's own."""

    @property
    def factory(self) -> Line:
        """How it leaves the factory: the first guess at what else it may be set to."""

    @property
    def timeout(self) -> float:
        """Seconds that it is given to begin an answer."""

    @property
    def guard(self) -> float:
        """Seconds of silence before a question."""

    @property
    def questions(self) -> Sequence[bytes]:
        """That change nothing in the device; there may be none."""

    @property
    def speaks(self) -> bool:
        """Whether it says something unasked."""

    def head(self, question: bytes) -> bytes:
        """How a good answer begins, as far as that is known; may be b""."""

    def judge(self, question: bytes, heard: bytes) -> Verdict:
        """`question` b"": nothing was asked; a whole frame of the device is its answer."""

    def frames(self, heard: bytes) -> Sequence[str]:
        """Every whole frame in it, of anybody, in English words, in order."""
