"""A process of a driver's own, for native code that may crash, hang or eat memory."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ChildLimits:
    memory: int  # bytes it may keep in RAM
    silence: float = 5.0  # s without a message, a heartbeat included, after which it hangs
    patience: float = 30.0  # s that its first message may take
    longest: int = 4 << 20  # bytes of one message, either way


class Child(Protocol):
    """Messages go both ways, whole and in order. What the child says is to be distrusted: it may
    have been taken over by the bytes that it parses."""

    @property
    def pid(self) -> int: ...

    async def send(self, message: bytes) -> None:
        """Raises LinkLost when it has died or does not read."""

    async def receive(self) -> bytes:
        """The next message that is no heartbeat.

        Raises LinkLost when the child has died (reason `child_died`), fell silent (`child_hung`),
        took too much memory (`child_memory`) or said what is no message (`child_garbage`); it has
        been killed then.
        """

    async def close(self) -> None:
        """Kills it. Twice is once."""
