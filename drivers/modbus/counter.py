"""Counters that wrap at a modulus, and counters that start again. Pure.

A meter that counts to 65535 and then shows 0 has wrapped; one that showed 40000 and then 3 was
replaced or reset. Both show a drop. It is taken for a wrap when the way forward through the
modulus is at most a quarter of it, else for a reset. The total never falls.
"""

from dataclasses import dataclass, replace

_WRAP = 0.25  # of the modulus: the longest way that a wrap may have gone between two readings


@dataclass(frozen=True, slots=True)
class Counter:
    """`base` is what was counted before the number that the device shows now began at 0."""

    base: float = 0
    shown: float | None = None
    resets: int = 0

    @property
    def total(self) -> float:
        return self.base + (self.shown or 0)

    def see(self, raw: float, modulus: int) -> "Counter":
        if self.shown is None or raw >= self.shown:
            return replace(self, shown=raw)
        forward = raw + modulus - self.shown
        if 0 < forward <= modulus * _WRAP:
            return replace(self, base=self.base + modulus, shown=raw)
        return Counter(self.base + self.shown, raw, self.resets + 1)

    def to_text(self) -> str:
        return f"{self.base!r} {self.shown!r} {self.resets}"

    @classmethod
    def from_text(cls, text: str) -> "Counter":
        """What `to_text` made; a fresh counter when the text is nothing of the kind."""
        try:
            base, shown, resets = text.split()
            return cls(_number(base), None if shown == "None" else _number(shown), int(resets))
        except ValueError:
            return cls()


def _number(text: str) -> float:
    return int(text) if text.lstrip("-").isdigit() else float(text)
