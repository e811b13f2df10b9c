"""`fieldgate read DEVICE`: one sample now, decoded, with the raw words that it came from.

The running service owns the wire, so it is asked first; only where none runs, the wire is opened
from the configuration.
"""

import argparse
import json
import shutil
import time
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
        epilog=say("example: fieldgate read soil-1"),
    )
    parser.add_argument("device", help=say("its id"))
    parser.add_argument("--config", type=Path, help=say("the settings; else {file}", file=CONFIG))
    parser.add_argument("--socket", type=Path, help=say("of the service"))
    parser.add_argument("--json", action="store_true", help=say("as JSON, one object a line"))
    parser.add_argument("--watch", action="store_true", help=say("read again every 2 s"))
    return parser


def run(args: argparse.Namespace) -> int:
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


def _show(sample: Sample, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(sample, ensure_ascii=False), flush=True)
        return
    from agent.cli.readings import sheet

    columns = shutil.get_terminal_size((80, 24)).columns
    print("\n".join(sheet(sample["readings"], sample["raw"], max(columns, 40))), flush=True)
