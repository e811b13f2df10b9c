"""What the configuration says about one wire."""

from dataclasses import dataclass, field
from typing import Literal

from agent.contract import Line


@dataclass(frozen=True, slots=True)
class WireSpec:
    """`port` for a serial wire; `host` and `tcp_port` for one behind a socket.

    `framing` "tcp": frames carry MBAP headers and no line is behind them; "rtu": the bytes travel
    on a serial line, here or behind a converter.
    """

    name: str
    port: str | None = None
    host: str | None = None
    tcp_port: int | None = None
    framing: Literal["rtu", "tcp"] = "rtu"
    line: Line = field(default_factory=Line)
    guard: float = 0.0  # s of silence before each request, if longer than 3.5 characters
    echo: bool = False  # the adapter hears what it sends

    def characters(self, count: int, line: Line) -> float:
        """Seconds that so many characters take on the wire."""
        return 0.0 if self.framing == "tcp" else count * line.character

    def silence(self, line: Line, guard: float) -> float:
        """Seconds without a byte that must pass before a request."""
        return max(0.0 if self.framing == "tcp" else line.silence, guard, self.guard)
