"""`fieldgate scan modbus|serial|ble`: who is there, and what it is. Writes to no device."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from agent.cli.where import CONFIG
from agent.i18n import say

if TYPE_CHECKING:
    from agent.borrow import Lent
    from agent.cli.where import Where
    from agent.contract import Parity, Search

PARITIES = ("none", "even", "odd")
GIVE_WAY = 0.1  # s, at least
NEW_WIRE = "field"  # what a wire is called in the lines to paste
EX_TEMPFAIL = 75
INTERRUPTED = 130


class _Kind(argparse.ArgumentParser):
    """Of one kind of scan. `passes`: takes all words as they are, for a driver's own command."""

    passes = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if not self.passes:
            return super().parse_known_args(args, namespace)
        return argparse.Namespace(words=list(args)), []


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldgate scan",
        description=say("who is on a wire, at the serial ports, in the air; nothing is written"),
        epilog=say("example: fieldgate scan modbus --port /dev/ttyUSB0"),
    )
    kinds = parser.add_subparsers(
        dest="what", required=True, metavar="modbus|serial|ble", parser_class=_Kind
    )
    _modbus(kinds)
    _serial(kinds)
    air = kinds.add_parser("ble", help=say("who is in the air"), add_help=False)
    air.passes = True
    return parser


def _modbus(kinds: Any) -> None:
    parser = kinds.add_parser(
        "modbus",
        help=say("the devices on a wire: id, settings of the line, profile"),
        description=say(
            "asks ids at likely speeds and parities, looks closely at whoever answers, and prints "
            "what to paste into the settings. Reads only. Where the service runs, it goes on "
            "polling, and only the wire's own speed is tried unless another is asked for."
        ),
        epilog=say("example: fieldgate scan modbus --port /dev/ttyUSB0 --ids 1-32"),
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--wire", help=say("its name in the settings"))
    which.add_argument("--port", help=say("the adapter's file: /dev/serial/by-id/…"))
    which.add_argument("--connect", help=say("a peer, as host:port"))
    add = parser.add_argument
    add("--framing", choices=["rtu", "tcp"], help=say("of --connect"))
    add("--ids", type=_ids, help=say("like 1-32 or 1,2,9; else the likely ones"))
    add("--speeds", type=_speeds, help=say("like 4800,9600; else those of the profiles"))
    add("--parity", dest="parities", type=_parities, help=say("like none,even"))
    add("--deep", action="store_true", help=say("all ids and speeds; takes many minutes"))
    add("--seconds", type=float, help=say("of bus time at most; else 60, --deep without end"))
    add("--json", action="store_true", help=say("as JSON, one object a line"))
    add("--config", type=Path, help=say("the settings; else {file}", file=CONFIG))
    add("--socket", type=Path, help=say("of the service"))


def _serial(kinds: Any) -> None:
    parser = kinds.add_parser(
        "serial",
        help=say("the serial ports: stable names, who holds them, what talks on them"),
        description=say(
            "lists the serial ports with their stable names, what is plugged in, who holds them, "
            "what is in the way, and what speaks on them unasked"
        ),
        epilog=say("example: fieldgate scan serial --listen 20"),
    )
    add = parser.add_argument
    add("--listen", type=float, default=4.0, help=say("s for each port that is free; else 4"))
    add("--port", action="append", help=say("only this one; may be given again"))
    add("--json", action="store_true", help=say("as JSON, one object a line"))
    add("--socket", type=Path, help=say("of the service"))


def run(args: argparse.Namespace) -> int:
    if args.what == "ble":
        return _ble(args.words)
    import asyncio

    if args.what == "serial":
        from agent.cli.scanning_serial import ports

        return asyncio.run(ports(args))
    return asyncio.run(_scan(args))


def _ble(words: Sequence[str]) -> int:
    """What the driver brings for it."""
    from importlib import import_module

    from agent.contract import Misconfigured
    from agent.paths import profiles
    from agent.registry import driver_named

    command = driver_named("ble").commands.get("scan")
    if command is None:
        raise Misconfigured(
            "the driver {driver} cannot scan",
            hint="install a version of it that can",
            driver="ble",
        )
    module, _, function = command.partition(":")
    scan = getattr(import_module(module), function)
    return int(scan(list(words), say, profiles("ble")))


async def _scan(args: argparse.Namespace) -> int:
    from agent.borrow import borrow
    from agent.cli.scanning import Account
    from agent.cli.scanning_yaml import Paste
    from agent.cli.where import where

    given = vars(args) | {"baud": 9600, "parity": "none", "stop_bits": 1}
    place = where(argparse.Namespace(**given))
    async with borrow(place.spec, place.socket) as lent:
        name = lent.wire.name if args.wire or lent.shared else NEW_WIRE
        known = lent.shared or args.wire is not None
        account = Account(Paste("modbus", name, place.spec, lent.line, known).text, args.json)
        interrupted = await _hunt(args, place, lent, account)
    account.end()
    if interrupted:
        return INTERRUPTED
    return 0 if account.devices else EX_TEMPFAIL


async def _hunt(args: argparse.Namespace, place: "Where", lent: "Lent", account: Any) -> bool:
    """True when it was cut short by Ctrl-C; what was found until then is in the account."""
    import asyncio
    import signal
    import threading

    from agent.contract import Find, Misconfigured
    from agent.registry import driver_named

    look = driver_named("modbus").scan
    if look is None:
        raise Misconfigured(
            "the driver {driver} cannot scan",
            hint="install a version of it that can",
            driver="modbus",
        )

    async def hunt() -> None:
        async for news in look(lent.wire, search(args, place, lent)):
            if isinstance(news, Find):
                account.found(news)
                continue
            rest = give_way(news.bus - account.bus) if lent.shared else 0.0
            account.step(news)
            await asyncio.sleep(rest)

    task = asyncio.ensure_future(hunt())
    if threading.current_thread() is threading.main_thread():
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return True
    return False


def give_way(spent: float) -> float:
    """Seconds to leave the service's wire to its own devices after having kept it so long: as
    much, so that they wait for one exchange at most before they are all asked."""
    return max(GIVE_WAY, spent)


def search(args: argparse.Namespace, place: "Where", lent: "Lent") -> "Search":
    """A line that somebody else uses, or that is behind a converter, is not ours to change."""
    from agent import paths
    from agent.contract import Line, Search

    asked: dict[str, Any] = {"speeds": args.speeds, "parities": args.parities}
    line = lent.line if lent.shared else None
    if place.spec.port is None:
        speed, parity = (args.speeds or [9600])[0], (args.parities or ["none"])[0]
        line, asked = (Line(speed, parity) if args.speeds else lent.line), {}
    folders = [paths.SITE_PROFILES / "modbus", paths.share() / "configs" / "profiles" / "modbus"]
    return Search(folders, args.ids, line=line, deep=args.deep, budget=args.seconds, **asked)


def _ids(text: str) -> list[int]:
    from agent.contract import Ranges

    try:
        found = Ranges.parse(text)
    except ValueError:
        found = Ranges()
    if not found or found.intervals[0][0] < 1 or found.intervals[-1][1] > 255:
        _refuse(say("write ids like 1-32 or 1,2,9, from 1 to 255"))
    return list(found.numbers())


def _speeds(text: str) -> list[int]:
    if not all(part.isdecimal() and 300 <= int(part) <= 1_000_000 for part in text.split(",")):
        _refuse(say("write speeds like 4800,9600"))
    return [int(part) for part in text.split(",")]


def _parities(text: str) -> "list[Parity]":
    parts = text.split(",")
    if not set(parts) <= set(PARITIES):
        _refuse(say("write parities like none,even,odd"))
    return [parity for parity in PARITIES if parity in parts]  # type: ignore[misc]  # one of three


def _refuse(words: str) -> NoReturn:
    raise argparse.ArgumentTypeError(words)
