"""`fieldgate read DEVICE`: one sample now, decoded, with the raw words that it came from.

The running service owns the wire, so it is asked first; only where none runs, the wire is opened
from the configuration.
"""

import argparse
import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.control.client import NO_SERVICE, SOCKET, ask_once
from agent.i18n import say, use

if TYPE_CHECKING:
    from agent.config.load import Configuration

CONFIG = Path("/etc/fieldgate/gateway.yaml")
EVERY = 2.0  # s between two samples with --watch
PATIENCE = 60.0  # s: the wire may have to finish what it is at
EX_TEMPFAIL = 75
Sample = dict[str, Any]


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldgate read",
        description=say(
            "one sample of a device now, decoded, with the raw words; through the running service "
            "where there is one, else straight from the wire"
        ),
        epilog=say("examples: fieldgate read soil-1; fieldgate read soil-1 --raw holding:0:10"),
    )
    parser.add_argument("device", help=say("its id"))
    parser.add_argument("--config", type=Path, help=say("the settings; else {file}", file=CONFIG))
    parser.add_argument("--socket", type=Path, help=say("of the service"))
    parser.add_argument("--json", action="store_true", help=say("as JSON, one object a line"))
    parser.add_argument(
        "--raw", metavar="WHAT", help=say("these registers instead, whatever they may mean")
    )
    parser.add_argument("--watch", action="store_true", help=say("read again every 2 s"))
    return parser


def run(args: argparse.Namespace) -> int:
    if args.raw is not None:
        return _run_raw(args)
    while True:
        sample = _sample(args.config, args.socket, args.device)
        _show(sample, as_json=args.json)
        if not args.watch:
            good = any(line["quality"] != "bad" for line in sample["readings"])
            return 0 if good else EX_TEMPFAIL
        time.sleep(EVERY)


def _sample(config: Path | None, socket: Path | None, device: str) -> Sample:
    if config is None and (answer := _through_service(socket or SOCKET, device)):
        return answer
    from agent.config.load import load

    configuration = load(config or CONFIG)
    use(configuration.settings.gateway.language)
    its_socket = socket or configuration.settings.control.socket
    return _through_service(its_socket, device) or _from_wire(configuration, device)


def _from_wire(configuration: "Configuration", device: str) -> Sample:
    import asyncio

    from agent.oneshot import sample

    return asyncio.run(sample(configuration, device))


def _through_service(socket: Path, device: str) -> Sample | None:
    """None where no service runs."""
    from agent.contract import LinkLost

    try:
        return ask_once(socket, {"do": "read", "device": device}, PATIENCE)
    except LinkLost as error:
        if error.reason != NO_SERVICE:
            raise
        return None


def _run_raw(args: argparse.Namespace) -> int:
    import asyncio

    from agent.cli.raw_words import meanings, sheet
    from agent.config.load import load

    configuration = load(args.config or CONFIG)
    use(configuration.settings.gateway.language)
    while True:
        cells = asyncio.run(_inspected(configuration, args))
        if args.json:
            print(json.dumps(meanings(cells), ensure_ascii=False), flush=True)
        else:
            print("\n".join(sheet(cells, max(_columns(), 40))), flush=True)
        if not args.watch:
            return 0
        time.sleep(EVERY)


async def _inspected(
    configuration: "Configuration", args: argparse.Namespace
) -> Sequence[tuple[str, bytes]]:
    """On the wire of the service where one runs, between its polls."""
    from agent.borrow import borrow
    from agent.clock import Clock
    from agent.contract import Misconfigured
    from agent.host import DeviceHost
    from agent.oneshot import named
    from agent.plan import wire_spec
    from agent.registry import driver_named

    device = named(configuration, args.device)
    settings = configuration.settings
    inspect = driver_named(device.driver).inspect
    if inspect is None or not device.wire:
        raise Misconfigured(
            "{device}: the driver {driver} has no registers to read",
            hint="leave out --raw",
            device=device.id,
            driver=device.driver,
        )
    spec = wire_spec(device.wire, settings.wires[device.wire])
    async with borrow(spec, args.socket or settings.control.socket) as lent:
        return await inspect(device, DeviceHost(device, Clock(), lent.wire), args.raw)


def _columns() -> int:
    return shutil.get_terminal_size((80, 24)).columns


def _show(sample: Sample, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(sample, ensure_ascii=False), flush=True)
        return
    from agent.cli.readings import sheet

    print("\n".join(sheet(sample["readings"], sample["raw"], max(_columns(), 40))), flush=True)
