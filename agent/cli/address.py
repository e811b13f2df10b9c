"""`fieldgate address`: new devices, which all arrive with one id, get ids of their own."""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cli.where import add_arguments
from agent.i18n import say

if TYPE_CHECKING:
    from agent.borrow import Lent
    from agent.cli.addressing import Order
    from agent.cli.addressing_journal import Entry, Journal
    from agent.cli.where import Where
    from agent.contract import Addressing, DriverSpec, Wire
    from agent.wires import WireSpec

PAUSE, SHARED_PAUSE = 0.3, 1.0  # s between two looks; the service's own devices come first
JOURNAL = "addresses.jsonl"  # below the store's folder


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldgate address",
        description=say(
            "plug new devices in one at a time; each gets the next id, is read back there, and "
            "its label is printed. Run again after a power failure, it goes on where it was."
        ),
        epilog=say("example: fieldgate address --wire field-a --profile renke-soil-th --from 11"),
    )
    add = parser.add_argument
    add("--profile", required=True, help=say("of the new devices"))
    add("--from", dest="first", type=_unit, required=True, help=say("the first id to give"))
    add("--count", type=_unit, default=1, help=say("how many devices"))
    add("--at", type=_unit, help=say("the id that they arrive with; else the profile's"))
    add_arguments(parser)
    add("--name", type=_id, help=say("what the devices are called in the settings, before the id"))
    add("--write", type=Path, help=say("add the devices to this file of the settings"))
    add("--again", action="store_true", help=say("the ids are of devices that are no more"))
    add("--journal", type=Path, help=say("else below the store's folder"))
    add("--yes", action="store_true", help=say("do not ask before writing"))
    add("--forget", action="store_true", help=say("give up the device of a run cut short"))
    add("--timeout", type=float, help=say("end when nothing happens for so many seconds"))
    add("--json", action="store_true", help=say("as JSON, one object a line"))
    return parser


def _unit(text: str) -> int:
    """Also as 0x0B01."""
    digits, base = (text[2:], 16) if text[:2] in {"0x", "0X"} else (text, 10)
    try:
        number = int(digits, base)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(say("write a whole number from 1 on"))
    return number


def _id(text: str) -> str:
    from agent.contract.settings import is_id

    if not is_id(text):
        raise argparse.ArgumentTypeError(say("write a-z, 0-9, - and _ only"))
    return text


def run(args: argparse.Namespace) -> int:
    import asyncio

    return asyncio.run(_address(args))


async def _address(args: argparse.Namespace) -> int:
    from agent.borrow import borrow
    from agent.cli.where import where

    _check(args)
    place = where(args)
    talk = _Talk(place, args)
    async with borrow(place.spec, place.socket) as lent:
        driver, addressing = _addressing(args.profile, lent.wire)
        order = _order(args, place, driver, addressing, lent)
        with _journal(args, place) as journal:
            _look_back(args, journal)
            talk.begin(driver, addressing, order)
            talk.catch_up(journal.given.values(), order)
            if not await talk.confirm("write", {"wire": order.wire}):
                return 1
            await _walk(order, addressing, journal, talk)
    talk.tell("finished", {"first": order.first, "count": order.count})
    return 0


def _look_back(args: argparse.Namespace, journal: "Journal") -> None:
    """Raises Misconfigured when a device of another kind is waiting for its id."""
    from agent.contract import Misconfigured

    unfinished = journal.unfinished
    if unfinished is not None and args.forget:
        journal.put(unfinished.then("forgotten"))
    elif unfinished is not None and unfinished.profile != args.profile:
        raise Misconfigured(
            "the last run was cut short with the profile {profile}",
            hint="run it again with that profile, or give that device up with --forget",
            profile=unfinished.profile,
        )


async def _walk(
    order: "Order", addressing: "Addressing", journal: "Journal", talk: "_Talk"
) -> None:
    from agent.cli.addressing import Walk

    await Walk(order, addressing, journal, talk.tell, talk.confirm).run()


def _check(args: argparse.Namespace) -> None:
    """Raises Misconfigured where nobody could be asked, or nothing could be written."""
    from agent.contract import Misconfigured

    if not args.yes and (args.json or not sys.stdin.isatty()):
        raise Misconfigured(
            "nobody can be asked here whether ids may be written",
            hint="say --yes if that is meant, or run it in a terminal",
        )
    if args.write and not (args.wire or args.config):
        raise Misconfigured(
            "--write needs the settings that include the file",
            hint="name the wire with --wire, or give --config",
        )


def _addressing(profile: str, wire: "Wire") -> tuple["DriverSpec", "Addressing"]:
    """Of the first driver that can give ids and has such a profile."""
    from agent.contract import Misconfigured
    from agent.paths import profile as find
    from agent.registry import driver_named, driver_names

    refusal: Misconfigured | None = None
    for spec in map(driver_named, driver_names()):
        if spec.address is None:
            continue
        try:
            file = find(spec.name, profile)
        except Misconfigured as error:
            refusal = refusal or error
            continue
        return spec, spec.address(profile, file, wire)
    assert refusal is not None, "no installed driver can give ids"  # noqa: S101  ours can
    raise refusal


def _order(
    args: argparse.Namespace,
    place: "Where",
    driver: "DriverSpec",
    addressing: "Addressing",
    lent: "Lent",
) -> "Order":
    """Raises Misconfigured where new devices could not be told from those in use."""
    from agent.cli.addressing import Order
    from agent.contract import Misconfigured

    at = args.at or addressing.rules.factory
    taken = _taken(place, driver, addressing)
    if at in taken:
        raise Misconfigured(
            "new devices arrive with id {at}, which is that of {device}",
            hint="give {device} another id first; no device in use is ever written to",
            at=addressing.text(at),
            device=taken[at],
        )
    if addressing.rules.to_all and lent.shared:
        raise Misconfigured(
            "the id of these devices is written to all devices on the wire",
            hint="systemctl stop fieldgate, unplug all other devices, then run this again",
        )
    return Order(
        wire=_key(place.spec),
        profile=args.profile,
        first=args.first,
        count=args.count,
        at=at,
        taken=frozenset(taken),
        pause=SHARED_PAUSE if lent.shared else PAUSE,
        patience=args.timeout,
        again=args.again,
    )


def _taken(place: "Where", driver: "DriverSpec", addressing: "Addressing") -> Mapping[int, str]:
    from agent.clock import Clock
    from agent.host import DeviceHost

    if place.config is None:
        return {}
    devices = [
        device
        for device in place.config.devices
        if device.wire == place.spec.name and device.driver == driver.name
    ]
    return addressing.taken([(device, DeviceHost(device, Clock())) for device in devices])


def _journal(args: argparse.Namespace, place: "Where") -> "Journal":
    from agent.cli.addressing_journal import Journal
    from agent.config.schema import Store

    store = place.config.settings.store if place.config else Store()
    return Journal(args.journal or store.path / JOURNAL, _key(place.spec))


def _key(spec: "WireSpec") -> str:
    return spec.port or f"{spec.host}:{spec.tcp_port}"


@dataclass(slots=True)
class _Talk:
    """With the technician, or with a program that reads lines."""

    place: "Where"
    args: argparse.Namespace
    addressing: "Addressing | None" = None
    driver: str = ""

    def begin(self, driver: "DriverSpec", addressing: "Addressing", order: "Order") -> None:
        from agent.i18n import language

        self.addressing, self.driver = addressing, driver.name
        rules, spec = addressing.rules, self.place.spec
        title = rules.title[language()]
        kind = {"title": title, "wire": order.wire, "first": order.first, "count": order.count}
        self.tell("kind", kind)
        if note := rules.note.get(language()):
            self.tell("note", {"note": note})
        if spec.framing == "rtu" and spec.line != rules.line:
            self.tell("speed", {"theirs": rules.line.baud, "ours": spec.line.baud})

    def catch_up(self, given: Iterable["Entry"], order: "Order") -> None:
        """What was given and is not in the settings: the power failed between the two."""
        for entry in given:
            known = entry.new in order.taken or entry.profile != order.profile
            if self.args.write and entry.new >= order.first and not known:
                self._include(self._given({"new": entry.new, "serial": entry.serial})["yaml"])

    def tell(self, step: str, fields: Mapping[str, Any]) -> None:
        from agent.cli.addressing_words import data, sentence

        more = self._given(fields) if step == "done" else {}
        if self.args.json:
            print(json.dumps(data(step, {**fields, **more}), ensure_ascii=False), flush=True)
        else:
            print(sentence(step, self._readable(fields)), flush=True)
            for line in more.get("label", ()):
                print(f"    | {line}", flush=True)
            if more and not self.args.write:
                print(more["yaml"], flush=True)
        if step == "done" and self.args.write and not self.args.again:
            self._include(more["yaml"])

    async def confirm(self, step: str, fields: Mapping[str, Any]) -> bool:
        """--yes stands for whoever ran the command: it cannot see which device was unplugged."""
        from agent.cli.addressing_words import data, question, values

        identity = fields.get("identity")
        if self.args.json:
            if step != "write":
                print(json.dumps(data(step, fields), ensure_ascii=False), flush=True)
        elif identity is not None:
            print(values(identity), flush=True)
        if self.args.yes:
            return not fields.get("unplugged", False)
        from agent.cli.typed import typed_line

        print(f"{question(step, self._readable(fields))} [{say('y/n')}] ", end="", flush=True)
        return (await typed_line()).strip().lower() in {"y", "yes", "是"}

    def _readable(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """With ids as people write them."""
        ids = {name: fields[name] for name in ("at", "old", "new", "first") if name in fields}
        text = self.addressing.text if self.addressing is not None else str
        return {**fields, **{name: text(unit) for name, unit in ids.items()}}

    def _given(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        from agent.cli.addressing_words import label
        from agent.cli.addressing_yaml import entry

        assert self.addressing is not None  # noqa: S101  `begin` was first
        new = int(fields["new"])
        text = self.addressing.text(new)
        name = f"{self.args.name or self.args.profile}-{text}".lower()
        options = self.addressing.options(new)
        lines: Sequence[str] = label(text, self.addressing.rules.title, str(fields["serial"]))
        return {"label": lines, "yaml": entry(name, self.driver, self.place.spec.name, options)}

    def _include(self, text: str) -> None:
        from agent.cli.addressing_yaml import add_device
        from agent.cli.where import CONFIG

        add_device(self.args.write, self.args.config or CONFIG, text)
        self.tell("included", {"file": str(self.args.write)})
