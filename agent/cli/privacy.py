"""`fieldgate privacy audit`: what personal data the store holds, and whether it may. Reads only."""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from agent.cli.buffer import STORE
from agent.i18n import say

DAY = 86400.0  # s


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldgate privacy",
        description=say("what personal data the store holds, how old and how much"),
        epilog=say("example: fieldgate privacy audit --no-plates"),
    )
    commands = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    summary = say("look through records, pictures and files; exit code 1 when something is found")
    audit = commands.add_parser("audit", help=summary, description=summary)
    audit.add_argument("--store", type=Path, default=STORE, help=say("the folder of the store"))
    audit.add_argument("--days", type=float, default=7.0, help=say("how old a picture may be"))
    audit.add_argument(
        "--no-plates", action="store_true", help=say("no text and no picture of a plate may be")
    )
    audit.add_argument("--json", action="store_true", help=say("as JSON, one object a line"))
    return parser


def run(args: argparse.Namespace) -> int:
    from contextlib import closing

    from agent.buffer.offline import connect
    from agent.cli.privacy_look import look

    with closing(connect(args.store)) as store:
        found = look(store, args.store, time.time(), args.days * DAY, no_plates=args.no_plates)
    if args.json:
        print(json.dumps(found.as_json(), ensure_ascii=False))
        return int(bool(found.findings))
    _tell(found)
    return int(bool(found.findings))


def _tell(found: Any) -> None:
    print(
        say(
            "{records} records, {files} files read; {texts} texts like a plate",
            records=found.records,
            files=found.files,
            texts=sum(found.texts.values()),
        )
    )
    for where, count in sorted(found.texts.items()):
        print(f"  {where}: {count}")
    print(
        say(
            "{count} pictures, {size} bytes, the oldest {days:.1f} days; {orphans} of no record",
            count=found.pictures,
            size=found.size,
            days=found.oldest / DAY,
            orphans=found.orphans,
        )
    )
    for finding in found.findings:
        print(say("found: {what} in {where}", what=finding["what"], where=finding["where"]))
    if not found.findings:
        print(say("nothing is kept that may not be"))
