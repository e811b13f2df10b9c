"""`fieldgate configure DEVICE`: sets a device itself up, as its profile says how."""

import argparse
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agent.i18n import say, use

if TYPE_CHECKING:
    from agent.config.load import Configuration
    from agent.contract import Configurable, Device, Setup

CONFIG = Path("/etc/fieldgate/gateway.yaml")


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldgate configure",
        description=say(
            "set a device itself up: calibration, compensation, what it keeps without power. "
            "Without SETUP it lists what the device's profile knows"
        ),
        epilog=say("example: fieldgate configure co2-1 abc_period value=0"),
    )
    parser.add_argument("device", help=say("its id"))
    parser.add_argument("setup", nargs="?", help=say("one of the list"))
    parser.add_argument("fields", nargs="*", metavar="FIELD=VALUE", help=say("what it carries"))
    parser.add_argument("--config", type=Path, help=say("the settings; else {file}", file=CONFIG))
    parser.add_argument("--socket", type=Path, help=say("of the service"))
    parser.add_argument("--yes", action="store_true", help=say("do not ask"))
    parser.add_argument(
        "--dangerous",
        action="store_true",
        help=say("meant: it wears out, moves or cuts off the device"),
    )
    return parser


def run(args: argparse.Namespace) -> int:
    import asyncio

    from agent.config.load import load

    config = load(args.config or CONFIG)
    use(config.settings.gateway.language)
    device = _named(config, args.device)
    return asyncio.run(_configure(config, device, args))


async def _configure(config: "Configuration", device: "Device", args: argparse.Namespace) -> int:
    fields = dict(map(_field, args.fields))
    socket = args.socket or config.settings.control.socket
    async with _opened(config, device, socket) as driver:
        if args.setup is None:
            for setup in driver.setups:
                print(_line(setup))
            return 0
        if not _confirmed(device.id, args):
            return 1
        answer = await driver.configure(args.setup, fields, dangerous=args.dangerous)
    for name, value in answer.items():
        print(f"{name}: {value}")
    print(say("{device}: {setup} is done", device=device.id, setup=args.setup))
    return 0


@asynccontextmanager
async def _opened(
    config: "Configuration", device: "Device", socket: Path
) -> "AsyncIterator[Configurable]":
    """Through the service's wire where it runs. Raises Misconfigured: nothing to set up."""
    from contextlib import AsyncExitStack

    from agent.borrow import borrow
    from agent.clock import Clock
    from agent.contract import Configurable, Misconfigured
    from agent.host import DeviceHost
    from agent.plan import make_driver, wire_spec

    async with AsyncExitStack() as last:
        wire = None
        if device.wire:
            spec = wire_spec(device.wire, config.settings.wires[device.wire])
            wire = (await last.enter_async_context(borrow(spec, socket))).wire
        host = DeviceHost(device, Clock(), wire)
        last.callback(host.close)
        driver = make_driver(device, host)
        last.push_async_callback(driver.close)
        if not isinstance(driver, Configurable) or not driver.setups:
            raise Misconfigured(
                "{device}: its profile knows nothing that sets it up",
                hint="use the maker's tool, or write it into the profile",
                device=device.id,
            )
        await driver.open()
        yield driver


def _named(config: "Configuration", name: str) -> "Device":
    from agent.contract import Misconfigured

    for device in config.devices:
        if device.id == name:
            return device
    raise Misconfigured(
        "no device is called '{name}'",
        hint="the devices are: {known}",
        name=name,
        known=", ".join(sorted(device.id for device in config.devices)),
    )


def _field(written: str) -> tuple[str, int | str]:
    """A number may be written like 0x11. Raises Misconfigured."""
    from agent.contract import Misconfigured

    name, equals, value = written.partition("=")
    if not equals or not name:
        raise Misconfigured(
            "'{written}' is no field", hint="write FIELD=VALUE, like value=0", written=written
        )
    try:
        return name, int(value, 0)
    except ValueError:
        return name, value


def _line(setup: "Setup") -> str:
    fields = " ".join(f"{name}=…" for name in setup.fields)
    danger = say("(needs --dangerous)") if setup.dangerous else ""
    return "  ".join(
        part for part in (f"{setup.name} {fields}".strip(), danger, setup.note) if part
    )


def _confirmed(device: str, args: argparse.Namespace) -> bool:
    """Raises Misconfigured where nobody can be asked."""
    from agent.contract import Misconfigured

    if args.yes:
        return True
    if not sys.stdin.isatty():
        raise Misconfigured(
            "nobody can be asked here whether the device may be changed",
            hint="say --yes if that is meant, or run it in a terminal",
        )
    question = say("{setup} changes {device} itself. Go on?", setup=args.setup, device=device)
    return input(f"{question} [{say('y/n')}] ").strip().lower() in {"y", "yes", "是"}
