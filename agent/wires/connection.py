"""What the owner of a wire needs of a serial port or a socket."""

from typing import Protocol

from agent.contract import Line, LinkLost


class Connection(Protocol):
    def send(self, data: bytes) -> None:
        """Hands the bytes to the kernel. Raises LinkLost when they cannot be taken."""

    def set_line(self, line: Line) -> None:
        """Raises LinkLost when the port is gone, Misconfigured when it cannot do that."""

    def close(self) -> None:
        """Lets go at once. Twice is once."""

    async def closed(self) -> None:
        """Returns when nothing is left of it, after `close`."""


class Ear(Protocol):
    """Called from the event loop."""

    def heard(self, connection: Connection, data: bytes) -> None: ...

    def gone(self, connection: Connection, error: LinkLost) -> None:
        """The other end is not there any more; nothing more will be heard of this connection."""


class Dialer(Protocol):
    async def dial(self, line: Line, ear: Ear) -> Connection:
        """Raises LinkLost while there is nothing to connect to."""
