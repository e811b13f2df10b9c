"""A shared line to devices, one conversation at a time. The agent owns it; drivers take turns."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

Parity = Literal["none", "even", "odd"]

Accept = Callable[[bytearray], bytes | None]
"""Looks at all bytes heard since the request. Removes what cannot be part of the answer (noise,
another unit's late frame) and returns the whole answer once it is there, None while it is not.
May raise LinkLost when what was heard proves that the answer is lost."""


@dataclass(frozen=True, slots=True)
class Line:
    """Serial line settings."""

    baud: int = 9600
    parity: Parity = "none"
    stop_bits: int = 1
    data_bits: int = 8

    @property
    def character(self) -> float:
        """Seconds that one character takes, with its start, parity and stop bits."""
        return (1 + self.data_bits + (self.parity != "none") + self.stop_bits) / self.baud

    @property
    def silence(self) -> float:
        """Seconds of silence that end a frame: 3.5 characters, 1.75 ms above 19200 baud.

        Modbus over Serial Line V1.02, section 2.5.1.1.
        """
        return 0.00175 if self.baud > 19200 else 3.5 * self.character


class Turn(Protocol):
    """The right to use the wire, until the `async with` ends."""

    async def ask(self, request: bytes, accept: Accept, timeout: float) -> bytes:
        """Send, then wait until `accept` returns the answer; the timeout (s) starts when the
        last byte has left. Echo of the request is removed. Raises LinkLost on silence."""

    async def tell(self, request: bytes) -> None:
        """Send something that nobody answers (a broadcast)."""

    async def listen(self, seconds: float) -> bytes:
        """Say nothing for that long; returns what was heard meanwhile."""


class Ear(Protocol):
    """Hears all that is said on a wire, whoever has the turn."""

    async def hear(self, seconds: float) -> bytes:
        """What came since the last call, waiting that long for a first byte; b"" for none.
        Raises LinkLost when the port or peer is gone."""


class Wire(Protocol):
    name: str
    framing: Literal["rtu", "tcp"]  # "tcp": frames carry MBAP headers with transaction ids

    def turn(
        self, line: Line | None = None, guard: float = 0.0
    ) -> AbstractAsyncContextManager[Turn]:
        """Waits for the wire to be free and silent (`guard` s, or 3.5 characters if longer), with
        `line` set when the device wants other settings than the wire's own.
        Raises LinkLost while the port or peer is not there."""

    def overhear(self, line: Line | None = None) -> AbstractAsyncContextManager[Ear]:
        """For devices that speak unasked; takes no turn. Opens the port with `line`, else with
        the wire's own settings. Raises LinkLost while the port or peer is not there."""
