"""What can go wrong on a simulated wire."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

Duration = float | Callable[[], float]  # seconds


@dataclass(slots=True)
class Faults:
    """May be changed at any time; takes effect with the next request. Chances are 0…1."""

    dead: bool = False  # nobody answers
    silent: Callable[[bytes], bool] | None = None  # answers that are not given: one dead unit
    delay: Duration = 0.0  # before every answer
    late: float = 0.0  # chance that an answer takes `late_by` more
    late_by: Duration = 1.0
    echo: bool = False  # the adapter hears what it sends
    noise: int = 0  # random bytes before every answer
    flip: float = 0.0  # chance that one bit of an answer is turned
    drop: float = 0.0  # chance that one byte of an answer is missing
    truncate: int | None = None  # only so many bytes of an answer arrive
    random: Random = field(default_factory=Random)

    def silences(self, answer: bytes) -> bool:
        return self.silent is not None and self.silent(answer)

    def wait(self) -> float:
        """Seconds until the answer begins."""
        late = self.late > 0 and self.random.random() < self.late
        return _seconds(self.delay) + (_seconds(self.late_by) if late else 0.0)

    def damage(self, answer: bytes) -> bytes:
        """What arrives of it."""
        out = bytearray(answer)
        if out and self.random.random() < self.flip:
            out[self.random.randrange(len(out))] ^= 1 << self.random.randrange(8)
        if out and self.random.random() < self.drop:
            del out[self.random.randrange(len(out))]
        if self.truncate is not None:
            del out[self.truncate :]
        return self.random.randbytes(self.noise) + bytes(out)


def _seconds(duration: Duration) -> float:
    return duration() if callable(duration) else duration
