"""Which wire a command is to work on: a named one of the configuration, a port, or a peer."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.contract import Misconfigured
from agent.control.client import SOCKET
from agent.i18n import say, use

if TYPE_CHECKING:
    from agent.config.load import Configuration
    from agent.wires import WireSpec

CONFIG = Path("/etc/fieldgate/gateway.yaml")


@dataclass(frozen=True, slots=True)
class Where:
    """`config` is None when the wire was given by its port or peer and no `--config`."""

    spec: "WireSpec"
    socket: Path
    config: "Configuration | None"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--wire | --port | --connect, --baud, --parity, --stop-bits, --framing, --config, --socket."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--wire", help=say("its name in the settings"))
    which.add_argument("--port", help=say("the adapter's file: /dev/serial/by-id/…"))
    which.add_argument("--connect", help=say("a peer, as host:port"))
    parser.add_argument("--baud", type=int, default=9600, help=say("of --port"))
    parser.add_argument("--parity", choices=["none", "even", "odd"], default="none")
    parser.add_argument("--stop-bits", type=int, choices=[1, 2], default=1)
    parser.add_argument("--framing", choices=["rtu", "tcp"], help=say("of --connect"))
    parser.add_argument("--config", type=Path, help=say("the settings; else {file}", file=CONFIG))
    parser.add_argument("--socket", type=Path, help=say("of the service"))


def where(args: argparse.Namespace) -> Where:
    """Raises Misconfigured: no such wire, or an unsound configuration."""
    config = _configuration(args)
    socket = args.socket or (config.settings.control.socket if config else SOCKET)
    return Where(_named(args.wire, config) if args.wire else _given(args), socket, config)


def _configuration(args: argparse.Namespace) -> "Configuration | None":
    if args.config is None and not args.wire:
        return None
    from agent.config.load import load

    config = load(args.config or CONFIG)
    use(config.settings.gateway.language)
    return config


def _named(name: str, config: "Configuration | None") -> "WireSpec":
    from agent.plan import wire_spec

    wires = config.settings.wires if config else {}
    if name not in wires:
        raise Misconfigured(
            "no wire is called '{name}'",
            hint="the wires are: {known}",
            name=name,
            known=", ".join(sorted(wires)),
        )
    return wire_spec(name, wires[name])


def _given(args: argparse.Namespace) -> "WireSpec":
    from pydantic import ValidationError

    from agent.config.schema import WireSettings
    from agent.plan import wire_spec

    options = {"port": args.port, "connect": args.connect, "framing": args.framing}
    line = {"baud": args.baud, "parity": args.parity, "stop_bits": args.stop_bits}
    try:
        return wire_spec("wire", WireSettings.model_validate(options | line))
    except ValidationError as error:
        raise Misconfigured(
            "that is no wire: {why}",
            hint="see the examples: fieldgate COMMAND --help",
            why="; ".join(str(e["msg"]).removeprefix("Value error, ") for e in error.errors()),
        ) from error
