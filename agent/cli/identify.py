"""`fieldgate identify`: which device is it that somebody just touched, or drove over?"""

import argparse
import json
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from agent.control.client import SOCKET
from agent.i18n import say, use

if TYPE_CHECKING:
    from agent.cli.identifying import Change, Ranking
    from agent.cli.identifying_page import Names
    from agent.cli.typed import Keys
    from agent.config.load import Configuration

CONFIG = Path("/etc/fieldgate/gateway.yaml")
EVERY = 1.0  # s between two pictures
EX_NOTHING = 1
_CLEAR = "\x1b[H\x1b[2J"


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldgate identify",
        description=say(
            "touch a device, breathe on it, unplug it or drive over it, and see which one it is: "
            "what changed most, measured by its own noise, is first. One key names it."
        ),
        epilog=say(
            "examples: fieldgate identify; fieldgate identify bed-1 bed-2 --write; "
            "fieldgate identify --seconds 10 --json"
        ),
    )
    add = parser.add_argument
    add("devices", nargs="*", help=say("only these; default: all"))
    add("--config", type=Path, help=say("the settings; else {file}", file=CONFIG))
    add("--socket", type=Path, help=say("of the service"))
    add("--seconds", type=float, help=say("end by itself; exit code 1 when nothing changed"))
    add("--write", action="store_true", help=say("write names into the settings, not on paper"))
    add("--json", action="store_true", help=say("as JSON, one object a second"))
    return parser


def run(args: argparse.Namespace) -> int:
    import asyncio

    try:
        return asyncio.run(_identify(args))
    except BaseExceptionGroup as group:
        raise _first(group) from group


def _first(error: BaseException) -> BaseException:
    """What ended all that ran side by side."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _identify(args: argparse.Namespace) -> int:
    import asyncio

    from agent.cli.identifying import Ranking

    config = _configuration(args)
    watch = _Watch(args, config, Ranking(), _names(config))
    end = time.monotonic() + args.seconds if args.seconds else None
    async with asyncio.TaskGroup() as tasks:
        feeding = tasks.create_task(_feed(args, config, watch.ranking))
        try:
            await (_with_keys(watch, end) if watch.interactive else _without(watch, end))
        finally:
            feeding.cancel()
    return 0 if watch.noticed else EX_NOTHING


def _configuration(args: argparse.Namespace) -> "Configuration | None":
    """None where there is none and the service can do without."""
    from agent.config.load import load

    if args.config is None and not CONFIG.is_file():
        return None
    config = load(args.config or CONFIG)
    use(config.settings.gateway.language)
    return config


def _names(config: "Configuration | None") -> "Names":
    from agent.cli.identifying import Subject
    from agent.cli.identifying_page import Names

    if config is None:
        return Names()
    spaces = config.settings.parking.spaces.items()
    return Names(
        {d.id: " · ".join(filter(None, (d.name, d.place))) for d in config.devices},
        {Subject(space.device, space.detector or ""): name for name, space in spaces},
    )


async def _feed(
    args: argparse.Namespace, config: "Configuration | None", ranking: "Ranking"
) -> None:
    from agent.cli.identifying_sources import from_service, from_wires
    from agent.contract import LinkLost
    from agent.control.client import NO_SERVICE

    socket = args.socket or (config.settings.control.socket if config else SOCKET)
    try:
        await from_service(socket, args.devices, ranking.see)
    except LinkLost as error:
        if error.reason != NO_SERVICE or config is None:
            raise
        await from_wires(config, args.devices, ranking.see)


async def _without(watch: "_Watch", end: float | None) -> None:
    import asyncio

    while end is None or time.monotonic() < end:
        await asyncio.sleep(EVERY)
        watch.show()


async def _with_keys(watch: "_Watch", end: float | None) -> None:
    from agent.cli.typed import Keys

    with Keys() as keys:
        while end is None or time.monotonic() < end:
            watch.show()
            key = await keys.key(EVERY)
            if key == "q":
                return
            if key == " ":
                watch.ranking.begin_anew()
            elif key.isdigit() and 0 < int(key) <= len(watch.ranking.shown):
                await watch.name(keys, watch.ranking.shown[int(key) - 1])


@dataclass(slots=True)
class _Watch:
    """What is shown, and what was named."""

    args: argparse.Namespace
    config: "Configuration | None"
    ranking: "Ranking"
    names: "Names"
    noticed: bool = False
    told: list[str] = field(default_factory=list)
    _last: float = 0.0  # unix s of the newest change that was printed

    @property
    def interactive(self) -> bool:
        return not self.args.json and sys.stdin.isatty() and sys.stdout.isatty()

    def show(self) -> None:
        now = time.time()
        ranked = self.ranking.ranked(now)
        self.noticed = self.noticed or bool(ranked)
        if self.args.json:
            self._print_json(ranked, now)
        elif self.interactive:
            self._draw(ranked, now)
        else:
            self._print_new(ranked)

    async def name(self, keys: "Keys", change: "Change") -> None:
        """Asks what the device is called, or which space its detector watches."""
        from agent.cli.identifying_naming import asked, name
        from agent.contract import GatewayError
        from agent.i18n import hint, message

        answer = await keys.line(asked(change))
        if not answer:
            return
        main = (self.args.config or CONFIG) if self.args.write else None
        try:
            self.told = name(change, answer, main)
            self.names = _names(_configuration(self.args))
        except GatewayError as error:
            self.told = [message(error), say("next: {hint}", hint=hint(error))]
        self.ranking.begin_anew()

    def _print_json(self, ranked: "list[Change]", now: float) -> None:
        from agent.cli.identifying_page import data

        found = {"t": round(now, 3), "devices": self.ranking.devices, "points": self.ranking.points}
        print(json.dumps(found | {"ranked": data(ranked, self.names, now)}, ensure_ascii=False))
        sys.stdout.flush()

    def _draw(self, ranked: "list[Change]", now: float) -> None:
        from agent.cli.identifying_page import keys, page

        limit = max(shutil.get_terminal_size((80, 24)).columns, 40)
        watched = self.ranking.devices, self.ranking.points
        lines = page(ranked, self.names, watched, now, limit)
        print(_CLEAR + "\n".join([*lines, "", *keys(limit), "", *self.told]), flush=True)

    def _print_new(self, ranked: "list[Change]") -> None:
        from agent.cli.identifying_page import sentence

        for change in sorted(ranked, key=lambda one: one.t):
            if change.t > self._last:
                self._last = change.t
                print(sentence(change, self.names), flush=True)
