"""All wires of a gateway."""

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from agent.contract import Wire
from agent.status import Board
from agent.wires.connection import Dialer
from agent.wires.owner import Owner, Tap
from agent.wires.peer import PeerDialer
from agent.wires.port import SerialDialer
from agent.wires.spec import WireSpec

__all__ = ["WireSpec", "Wires"]


class Wires:
    """Opens each wire at its first turn; closes all at the end of the `async with`."""

    def __init__(self, specs: Iterable[WireSpec], board: Board) -> None:
        self._owners = {
            spec.name: Owner(spec, _dialer(spec), board.wire(spec.name)) for spec in specs
        }

    def wire(self, name: str) -> Wire:
        return self._owners[name]

    def spec(self, name: str) -> WireSpec:
        return self._owners[name].spec

    def taps(self, name: str) -> set[Tap]:
        """Who sees every byte of that wire, as it is sent and as it is heard."""
        return self._owners[name].taps

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for owner in self._owners.values():
            await owner.close()


def _dialer(spec: WireSpec) -> Dialer:
    if spec.port is not None:
        return SerialDialer(spec.port)
    if spec.host is None or spec.tcp_port is None:
        raise ValueError(f"wire {spec.name}: neither a port nor a peer")
    return PeerDialer(spec.host, spec.tcp_port)
