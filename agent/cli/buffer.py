"""`fieldgate buffer list|export|replay|verify`: looks into the store, also beside the service."""

import argparse
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from agent.i18n import message, say

STORE = Path("/var/lib/fieldgate")
STREAMS = ("telemetry", "events", "media")


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldgate buffer",
        description=say("look into the store: list, export, replay, verify"),
        epilog=say(
            "example: fieldgate buffer export --format csv --from 2026-11-01 > november.csv"
        ),
    )
    store = argparse.ArgumentParser(add_help=False)
    store.add_argument("--store", type=Path, default=STORE, help=say("the folder of the store"))
    commands = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _list(commands, store)
    _export(commands, store)
    _replay(commands, store)
    _verify(commands, store)
    return parser


def _list(commands: Any, store: argparse.ArgumentParser) -> None:
    summary = say("epochs, streams and ranges; what each uplink is owed")
    add = commands.add_parser("list", parents=[store], help=summary, description=summary)
    add.add_argument("--json", action="store_true", help=say("as JSON, one object a line"))


def _export(commands: Any, store: argparse.ArgumentParser) -> None:
    summary = say("write out the records of a stream")
    add = commands.add_parser("export", parents=[store], help=summary, description=summary)
    add.add_argument("--format", choices=("ndjson", "csv", "parquet"), default="ndjson")
    add.add_argument("--stream", choices=STREAMS, default=STREAMS[0])
    add.add_argument("--from", dest="start", type=_time, help=say("like 2026-11-25T08:00"))
    add.add_argument("--to", dest="end", type=_time, help=say("not included"))
    add.add_argument("--out", type=Path, help=say("a file; else the terminal"))


def _replay(commands: Any, store: argparse.ArgumentParser) -> None:
    summary = say("send records once more")
    add = commands.add_parser("replay", parents=[store], help=summary, description=summary)
    add.add_argument("uplink", help=say("its id"))
    add.add_argument("epoch", help=say("see: fieldgate buffer list"))
    add.add_argument("stream", choices=STREAMS)
    add.add_argument("ranges", help=say("numbers, like 1-500 or 7,9-12"))
    add.add_argument("--socket", type=Path, help=say("of the service"))


def _verify(commands: Any, store: argparse.ArgumentParser) -> None:
    summary = say("read every batch and compare the books; exit code 1 when something is wrong")
    add = commands.add_parser("verify", parents=[store], help=summary, description=summary)
    add.add_argument("--json", action="store_true", help=say("as JSON, one object a line"))


def _time(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise argparse.ArgumentTypeError(say("write a time like 2026-11-25T08:00")) from error


def run(args: argparse.Namespace) -> int:
    actions = {"list": list_, "export": export, "replay": replay, "verify": verify}
    return actions[args.action](args)


def list_(args: argparse.Namespace) -> int:
    from agent.buffer.offline import connect, inventory

    with closing(connect(args.store)) as store:
        epochs = inventory(store)
    if args.json:
        for epoch in epochs:
            print(json.dumps(epoch, ensure_ascii=False))
        return 0
    from agent.cli.columns import table

    heads = [say("epoch"), say("started"), say("stream"), say("last number"), say("stored")]
    heads += [say("uplink"), say("owed"), say("given up")]
    for line in table([heads, *_rows(epochs)], shutil.get_terminal_size((120, 24)).columns):
        print(line)
    return 0


def _rows(epochs: list[dict[str, Any]]) -> Iterator[list[str]]:
    for epoch in epochs:
        started = datetime.fromtimestamp(epoch["started"]).astimezone()
        for name, stream in epoch["streams"].items():
            where = [epoch["epoch"], f"{started:%Y-%m-%d %H:%M:%S}", name, str(stream["last"])]
            uplinks = stream["uplinks"] or {"-": {"owed": "", "gap": {}}}
            for uplink, books in uplinks.items():
                gaps = " ".join(f"{why}:{numbers}" for why, numbers in books["gap"].items())
                yield [*where, stream["stored"] or "-", uplink, books["owed"] or "-", gaps or "-"]


def export(args: argparse.Namespace) -> int:
    from agent.buffer import export as writers
    from agent.buffer.offline import connect
    from agent.contract import Misconfigured

    with closing(connect(args.store)) as store:
        found = writers.rows(store, args.stream, args.start, args.end)
        if args.format == "parquet":
            if args.out is None:
                raise Misconfigured(
                    "Parquet cannot be written to the terminal", hint="name a file with --out"
                )
            writers.write_parquet(found, args.out, args.stream)
            return 0
        with args.out.open("w", encoding="utf-8") if args.out else _terminal() as out:
            if args.format == "csv":
                writers.write_csv(found, out, args.stream)
            else:
                writers.write_ndjson(found, out)
    return 0


def replay(args: argparse.Namespace) -> int:
    from agent.contract import LinkLost
    from agent.control.client import NO_SERVICE, SOCKET, ask_once

    request = {"do": "owe", "uplink": args.uplink, "epoch": args.epoch, "stream": args.stream}
    try:
        answer = ask_once(args.socket or SOCKET, {**request, "ranges": args.ranges})
        count = int(answer["owed"])
    except LinkLost as error:
        if error.reason != NO_SERVICE:
            raise
        count = _replay_without_service(args)
    print(say("{count} records will be sent to {uplink} again", count=count, uplink=args.uplink))
    return 0


def _replay_without_service(args: argparse.Namespace) -> int:
    from agent.buffer.offline import owe
    from agent.contract import Misconfigured, Ranges

    try:
        numbers = Ranges.parse(args.ranges)
    except ValueError as error:
        raise Misconfigured(
            "'{ranges}' is no range of numbers",
            hint="write it like 1-500 or 7,9-12",
            ranges=args.ranges,
        ) from error
    return owe(args.store, args.uplink, args.epoch, args.stream, numbers)


def verify(args: argparse.Namespace) -> int:
    from agent.buffer.offline import connect
    from agent.buffer.offline import verify as look

    with closing(connect(args.store)) as store:
        found = look(store)
    if args.json:
        counts = {"batches": found.batches, "records": found.records}
        problems = [str(problem) for problem in found.problems]
        print(json.dumps({**counts, "problems": problems}, ensure_ascii=False))
        return int(bool(found.problems))
    read = say(
        "{records} records in {batches} batches", records=found.records, batches=found.batches
    )
    print(read)
    for problem in found.problems:
        print(message(problem))
    if not found.problems:
        print(say("the store is sound"))
    return int(bool(found.problems))


def _terminal() -> AbstractContextManager[IO[str]]:
    return nullcontext(sys.stdout)
