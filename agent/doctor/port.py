"""Why a port cannot be used, and who else has it open."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from agent.contract import GatewayError, LinkLost
from agent.doctor.evidence import Trouble
from agent.wires.troubles import port_gone, port_trouble


def trouble_of(error: LinkLost) -> Trouble:
    """Of an error whose reason is one of WIRE_GONE."""
    if error.reason == "no_peer":
        return "peer"
    return _KNOWN.get(error.template, "broken")


def _template(number: int) -> str:
    error: GatewayError = port_trouble("", OSError(number, ""))
    return error.template


_KNOWN: dict[str, Trouble] = {
    port_gone("").template: "missing",
    _template(errno.EBUSY): "held",
    _template(errno.EACCES): "denied",
}


def holders(port: str, proc: Path = Path("/proc")) -> tuple[str, ...]:
    """Other programs that have the port open, like `minicom (1234)`; those of other users are
    seen by root only."""
    target = os.path.realpath(port)
    if target.startswith("/dev/pts/"):  # a simulator holds its own end open
        return ()
    others = (p for p in proc.glob("[0-9]*") if int(p.name) != os.getpid())
    return tuple(f"{_name(p)} ({p.name})" for p in others if _has(p, target))


def _has(process: Path, target: str) -> bool:
    return any(link == target for link in _links(process / "fd"))


def _links(folder: Path) -> Iterator[str]:
    try:
        for entry in folder.iterdir():
            yield str(entry.readlink())
    except OSError:
        return  # it has ended, or belongs to somebody else


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8").strip()
    except OSError:
        return "?"
