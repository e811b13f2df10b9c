"""`fieldgate watch URL`: subscribes as a cloud would, and proves what is missing or double."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.i18n import say

if TYPE_CHECKING:
    from agent.cli.watching import Watcher
    from agent.uplink.endpoint import Endpoint
    from agent.uplink.link import Link

_AGAIN = 1.0  # s before a lost connection is tried again


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldgate watch",
        description=say(
            "subscribe as a cloud would; print what arrives, and at the end what is missing, "
            "double, contradictory, out of order and how late; exit code 1 when anything is lost"
        ),
        epilog=say("example: fieldgate watch mqtts://broker.example:8883 --ca ca.pem --seconds 60"),
    )
    add = parser.add_argument
    add("url", type=_url, help=say("mqtt://host:port or mqtts://host:port"))
    add("--root", default="fieldgate/{gateway}", help=say("the topics' template, as in `root:`"))
    add("--gateway", default="+", help=say("its id; default: every gateway"))
    add("--seconds", type=float, help=say("end by itself; otherwise Ctrl-C ends it"))
    add("--whole", action="store_true", help=say("miss every number from 1 on, not from now on"))
    add("--json", action="store_true", help=say("as JSON, one object a line"))
    add("--mqtt", choices=("5", "3.1.1"), default="5", help=say("the protocol's version"))
    add("--username", help=say("of the account at the broker"))
    add("--password-file", type=Path, help=say("a file with the account's password"))
    add("--ca", type=Path, help=say("the CA that signed the broker's certificate"))
    add("--cert", type=Path, help=say("a certificate to show the broker"))
    add("--key", type=Path, help=say("the certificate's key"))
    return parser


def _url(text: str) -> str:
    from urllib.parse import urlsplit

    parts = urlsplit(text)
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
        raise argparse.ArgumentTypeError(say("write mqtt://host:port or mqtts://host:port"))
    return text


def run(args: argparse.Namespace) -> int:
    """0 when nothing is lost."""
    import asyncio

    return asyncio.run(_watch(args))


async def _watch(args: argparse.Namespace) -> int:
    import asyncio
    import contextlib
    import signal

    from agent.cli.watching import Watcher

    watcher = Watcher(args.root, args.gateway, whole=args.whole, show=_json if args.json else _text)
    listening = asyncio.create_task(_listen(watcher, _endpoint(args)))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, listening.cancel)
    try:
        async with asyncio.timeout(args.seconds):
            with contextlib.suppress(asyncio.CancelledError):
                await listening
    except TimeoutError:
        pass
    report = watcher.report()
    print(json.dumps(report, ensure_ascii=False) if args.json else _sheet(report), flush=True)
    return 1 if report["lost"] else 0


def _endpoint(args: argparse.Namespace) -> "Endpoint":
    import secrets

    from agent.uplink.endpoint import Endpoint, address

    host, port, secure = address(args.url)
    return Endpoint(
        host,
        port,
        f"fieldgate-watch-{secrets.token_hex(4)}",
        secure=secure,
        mqtt=args.mqtt,
        username=args.username,
        password_file=args.password_file,
        ca_file=args.ca,
        cert_file=args.cert,
        key_file=args.key,
    )


async def _listen(watcher: "Watcher", endpoint: "Endpoint") -> None:
    """Until cancelled. Raises LinkLost only for the first connection."""
    link = await _subscribed(watcher, endpoint)
    try:
        while True:
            await link.over.wait()
            link.drop()
            _say(say("not heard meanwhile: {why}", why=link.error or "?"))
            link = await _subscribed_again(watcher, endpoint)
    finally:
        await link.close()


async def _subscribed_again(watcher: "Watcher", endpoint: "Endpoint") -> "Link":
    import asyncio

    from agent.contract import LinkLost

    while True:
        await asyncio.sleep(_AGAIN)
        try:
            return await _subscribed(watcher, endpoint)
        except LinkLost:
            continue


async def _subscribed(watcher: "Watcher", endpoint: "Endpoint") -> "Link":
    from agent.contract import LinkLost
    from agent.uplink.link import open_link

    link = await open_link(endpoint)
    link.on_message = watcher.take
    try:
        codes = zip(watcher.filters, await link.subscribe(watcher.filters), strict=True)
    except BaseException:
        link.drop()
        raise
    refused = [topic for topic, code in codes if code >= 0x80]
    if refused:
        await link.close()
        raise LinkLost(
            "the broker does not let us subscribe to {filters}",
            hint="ask whoever runs the broker to allow this account to read them",
            filters=", ".join(refused),
        )
    _say(say("listening to {broker}", broker=endpoint.name))
    return link


def _say(words: str) -> None:
    """Beside the data."""
    print(words, file=sys.stderr, flush=True)


def _json(line: Mapping[str, Any]) -> None:
    print(json.dumps(line, ensure_ascii=False), flush=True)


def _text(line: Mapping[str, Any]) -> None:
    from agent.cli.columns import pad
    from agent.cli.readings import moment

    about = f"{line['gateway']} {line['epoch'][:8]} {line['first']}-{line['last']}"
    marks = [str(line["lane"]), *(["again"] if line["again"] else [])]
    for record in line["records"]:
        what = _record(record)
        cells = [moment(record["t"]), pad(record["name"], 34), pad(what, 24), about, *marks]
        print(" ".join(cells), flush=True)
    if not line["records"]:
        print(f"{about} {' '.join(marks)} {line['skip']}", flush=True)


def _record(record: Mapping[str, Any]) -> str:
    if "kind" in record:
        return json.dumps(record["data"], ensure_ascii=False)
    if record["value"] is None:
        return str(record["quality"])
    number = record["value"]
    text = f"{number:.6g}" if isinstance(number, float) else str(number)
    doubt = "" if record["quality"] == "good" else f" ({record['quality']})"
    return f"{text} {record['unit']}".rstrip() + doubt


def _sheet(report: Mapping[str, Any]) -> str:
    """The report in words; the last line is `lost N` in every language."""
    lines = [""]
    for gateway, found in report["gateways"].items():
        for stream, epochs in found["streams"].items():
            lines += [_ledger(gateway, stream, epoch, one) for epoch, one in epochs.items()]
        for epoch, successors in found["clones"].items():
            lines.append(
                say(
                    "{gateway}: the epochs {epochs} all follow {epoch}: was a card copied?",
                    gateway=gateway,
                    epochs=", ".join(successors),
                    epoch=epoch or "-",
                )
            )
    for lane, quantiles in report["delay"].items():
        if quantiles:
            lines.append(say("delay {lane}: p50 {p50} ms, p99 {p99} ms", lane=lane, **quantiles))
    if report["unreadable"]:
        lines.append(say("unreadable messages: {count}", count=report["unreadable"]))
    return "\n".join([*lines, f"lost {report['lost']}"])


def _ledger(gateway: str, stream: str, epoch: str, one: Mapping[str, Any]) -> str:
    text = say(
        "{gateway} {stream} {epoch}: received {received} of {highest}, double {duplicates}, "
        "contradictory {conflicts}, out of order {disorder}",
        gateway=gateway,
        stream=stream,
        epoch=epoch,
        **one,
    )
    for word, counts in ((say("skipped"), one["skipped"]), (say("gap"), one["gap"])):
        if counts:
            told = ", ".join(f"{reason} {count}" for reason, count in counts.items())
            text += f"; {word}: {told}"
    return text + (f"; {say('missing')}: {one['missing']}" if one["missing"] else "")
