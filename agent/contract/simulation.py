"""What a simulator may offer beyond answering: whose answer it is, and a script to follow."""

from collections.abc import Callable
from typing import Protocol, Self, runtime_checkable

from agent.contract.reading import Value

Story = Callable[[str, str], Value | None]
"""What a device's point shows now, in the point's unit; None: whatever the simulator makes up."""


class Said(bytes):
    """Bytes that a simulated device sends, and the id of that device."""

    device: str

    @classmethod
    def by(cls, device: str, data: bytes) -> Self:
        said = cls(data)
        said.device = device
        return said


@runtime_checkable
class Follower(Protocol):
    """A simulator whose devices measure what a story tells."""

    def follow(self, story: Story) -> None:
        """Points that are held or written stay as they are; values are cut to what the point can
        carry."""
