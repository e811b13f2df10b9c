"""`fieldgate run`: the service, in the foreground; systemd keeps it alive."""

import argparse
import asyncio
from pathlib import Path

from agent.i18n import say

DEFAULT_CONFIG = Path("/etc/fieldgate/gateway.yaml")


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldgate run",
        description=say("run the gateway until it is stopped"),
        epilog=say("example: fieldgate run --config gateway.yaml"),
    )
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help=say("the settings"))
    parser.add_argument("--debug", action="store_true", help=say("log more"))
    return parser


def run(args: argparse.Namespace) -> int:
    import logging

    from agent import log
    from agent.service import main

    log.set_up(logging.DEBUG if args.debug else logging.INFO)
    return asyncio.run(main(args.config))
