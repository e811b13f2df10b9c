"""`fieldgate scan serial`: the ports, their stable names, who holds them, what talks on them."""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.i18n import say

if TYPE_CHECKING:
    from agent.contract import Find

EX_TEMPFAIL = 75
SYS, DEV, PROC = Path("/sys"), Path("/dev"), Path("/proc")
_NO_HARDWARE = "serial8250"  # ports that a kernel offers whether there are any or not


@dataclass(frozen=True, slots=True)
class Port:
    """`names`: the stable ones, the best to write down first. `usb`: id (vendor:product),
    manufacturer, product and serial number of the adapter. `holders`: "program (pid)". `wire`:
    what the running service calls it. `trouble`: why it cannot be opened, "" if it can."""

    device: str
    names: tuple[str, ...] = ()
    usb: Mapping[str, str] = field(default_factory=dict)
    holders: tuple[str, ...] = ()
    wire: str = ""
    trouble: str = ""
    finds: "tuple[Find, ...]" = field(default=())

    @property
    def free(self) -> bool:
        return not self.holders and not self.wire and not self.trouble


async def ports(args: argparse.Namespace) -> int:
    """75 where there is none."""
    there = found(args.port, _wires(args.socket))
    for port in there:
        heard = await _heard(port, args.listen) if args.listen > 0 and port.free else port
        shown = json.dumps(as_data(heard), ensure_ascii=False) if args.json else sheet(heard)
        print(shown, flush=True)
    if not there:
        print(say("no serial port is there; plug an adapter in"), file=sys.stderr)
    return 0 if there else EX_TEMPFAIL


async def _heard(port: Port, seconds: float) -> Port:
    """The port with what speaks on it; or in trouble, where it cannot be opened after all."""
    from agent.contract import GatewayError

    try:
        return replace(port, finds=tuple(await _listen(port, seconds)))
    except GatewayError:
        return replace(port, trouble="busy")


def found(only: Sequence[str] | None, wires: Mapping[str, str]) -> list[Port]:
    """`wires`: real path of a port -> name of the service's wire on it."""
    paths = [Path(name).resolve() for name in only] if only else _devices()
    names = _stable_names()
    holders = _holders({str(path) for path in paths})
    return [
        Port(
            device=str(path),
            names=tuple(names.get(str(path), ())),
            holders=tuple(holders.get(str(path), ())),
            wire=wires.get(str(path), ""),
            usb=_usb(path.name),
            trouble=_trouble(path),
        )
        for path in paths
    ]


def _devices() -> list[Path]:
    """Terminals with hardware behind them."""
    shown = []
    for tty in sorted((SYS / "class" / "tty").glob("*")):
        driver = tty / "device" / "driver"
        if driver.exists() and driver.resolve().name != _NO_HARDWARE:
            shown.append(DEV / tty.name)
    return shown


def _stable_names() -> dict[str, list[str]]:
    """By-id first; adapters without a serial number share one, so that by-path is there too."""
    names: dict[str, list[str]] = {}
    for kind in ("by-id", "by-path"):
        for link in sorted((DEV / "serial" / kind).glob("*")):
            names.setdefault(str(link.resolve()), []).append(str(link))
    return names


def _usb(name: str) -> dict[str, str]:
    """What the USB device behind the port says of itself."""
    at = (SYS / "class" / "tty" / name / "device").resolve()
    for folder in [at, *at.parents][:5]:
        if (folder / "idVendor").exists():
            names = ("manufacturer", "product", "serial")
            identity = f"{_text(folder / 'idVendor')}:{_text(folder / 'idProduct')}"
            return {"id": identity, **{name: _text(folder / name) for name in names}}
    return {}


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""


def _holders(devices: set[str]) -> dict[str, list[str]]:
    """Programs that have a port open, as far as this user may look."""
    held: dict[str, list[str]] = {}
    for process in PROC.glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        for target in _open_files(process) & devices:
            held.setdefault(target, []).append(f"{_text(process / 'comm')} ({process.name})")
    return held


def _open_files(process: Path) -> set[str]:
    targets = set()
    with contextlib.suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                targets.add(str(descriptor.readlink()))
    return targets


def _trouble(path: Path) -> str:
    """`missing`, `denied`, or nothing; `busy` shows when it is opened."""
    if not path.exists():
        return "missing"
    return "" if os.access(path, os.R_OK | os.W_OK) else "denied"


def _wires(socket: Path | None) -> dict[str, str]:
    from agent.contract import GatewayError
    from agent.control.client import SOCKET, ask_once

    try:
        wires = ask_once(socket or SOCKET, {"do": "wires"})["wires"]
    except GatewayError:
        return {}
    return {str(Path(w["port"]).resolve()): w["name"] for w in wires if w["port"]}


async def _listen(port: Port, seconds: float) -> "list[Find]":
    from agent import paths
    from agent.contract import Find, Search
    from agent.registry import driver_named
    from agent.status import Board
    from agent.wires import Wires, WireSpec

    look = driver_named("serial_line").scan
    if look is None:
        return []
    folders = [
        folder / "serial_line"
        for folder in (paths.SITE_PROFILES, paths.share() / "configs" / "profiles")
    ]
    async with Wires([WireSpec("port", port=port.device)], Board()) as wires:
        search = Search(folders, budget=seconds)
        return [n async for n in look(wires.wire("port"), search) if isinstance(n, Find)]


def sheet(port: Port) -> str:
    from agent.cli.scanning import sheet as find_sheet

    what = " ".join(filter(None, port.usb.values()))
    lines = [f"{port.names[0] if port.names else port.device}"]
    facts = [
        say("is {device}", device=port.device) if port.names else "",
        *(say("also {name}", name=name) for name in port.names[1:]),
        what,
        say("wire {wire} of the running service", wire=port.wire) if port.wire else "",
        say("held by {who}", who=", ".join(port.holders)) if port.holders else "",
        *_trouble_words(port),
    ]
    lines += [f"    {fact}" for fact in facts if fact]
    for find in port.finds:
        lines += [f"    {row}" for row in find_sheet(find)]
    return "\n".join(lines)


def _trouble_words(port: Port) -> Iterable[str]:
    if port.trouble == "missing":
        yield say("is not there: plug the adapter in")
    if port.trouble == "busy":
        yield say("cannot be opened; to see who holds it: sudo fieldgate scan serial")
    if port.trouble == "denied":
        yield say(
            "you may not use it: sudo usermod -aG {group} {user}, then log in again",
            group=_group(port.device),
            user=_user(),
        )


def _group(device: str) -> str:
    import grp

    try:
        return grp.getgrgid(Path(device).stat().st_gid).gr_name
    except (OSError, KeyError):
        return "dialout"


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def as_data(port: Port) -> dict[str, Any]:
    from agent.cli.scanning import as_data as find_data

    data = asdict(port)
    return data | {"finds": [find_data(find) for find in port.finds]}
