"""What can go wrong on a simulated wire."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from agent.contract import Said

Duration = float | Callable[[], float]  # seconds


@dataclass(slots=True)
class Faults:
    """May be changed at any time; takes effect with the next request. Chances are 0…1.

    `devices`: by their ids, what is wrong with one of them alone, beside what is wrong with all.
    """

    dead: bool = False  # nobody answers
    silent: Callable[[bytes], bool] | None = None  # answers that are not given: one dead unit
    delay: Duration = 0.0  # before every answer
    late: float = 0.0  # chance that an answer takes `late_by` more
    late_by: Duration = 1.0
    echo: bool = False  # the adapter hears what it sends
    noise: int = 0  # random bytes before every answer
    flip: float = 0.0  # chance that one bit of an answer is turned
    drop: float = 0.0  # chance that one byte of an answer is missing
    swap: float = 0.0  # chance that two neighbouring bytes of an answer change places
    truncate: int | None = None  # only so many bytes of an answer arrive
    random: Random = field(default_factory=Random)
    devices: "dict[str, Faults]" = field(default_factory=dict)

    def silences(self, answer: bytes) -> bool:
        own = self._own(answer)
        if own is not None and (own.dead or own.silences(bytes(answer))):
            return True
        return self.silent is not None and self.silent(answer)

    def wait(self, answer: bytes = b"") -> float:
        """Seconds until the answer begins."""
        late = self.late > 0 and self.random.random() < self.late
        own = self._own(answer)
        return (
            _seconds(self.delay)
            + (_seconds(self.late_by) if late else 0.0)
            + (own.wait() if own is not None else 0.0)
        )

    def damage(self, answer: bytes) -> bytes:
        """What arrives of it."""
        own = self._own(answer)
        out = bytearray(answer if own is None else own.damage(bytes(answer)))
        self._swap(out)
        if out and self.random.random() < self.flip:
            out[self.random.randrange(len(out))] ^= 1 << self.random.randrange(8)
        if out and self.random.random() < self.drop:
            del out[self.random.randrange(len(out))]
        if self.truncate is not None:
            del out[self.truncate :]
        return self.random.randbytes(self.noise) + bytes(out)

    def _swap(self, out: bytearray) -> None:
        """Of the neighbours that differ, so that it is always damage."""
        if not self.swap or self.random.random() >= self.swap:
            return
        places = [at for at in range(len(out) - 1) if out[at] != out[at + 1]]
        if places:
            at = self.random.choice(places)
            out[at], out[at + 1] = out[at + 1], out[at]

    def _own(self, answer: bytes) -> "Faults | None":
        return self.devices.get(answer.device) if isinstance(answer, Said) else None


def _seconds(duration: Duration) -> float:
    return duration() if callable(duration) else duration
