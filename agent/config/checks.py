"""What no single setting can know: names that meet, ports used twice."""

import os
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from agent.config.document import Document
from agent.config.mistake import KeyPath, Mistake
from agent.config.parking import SpaceSettings
from agent.config.schema import DeviceSettings, UplinkSettings, WireSettings
from agent.contract.settings import is_id
from agent.i18n import say

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Parts:
    """The entries of the document that are valid by themselves, at their places."""

    document: Document
    devices: Mapping[int, DeviceSettings]
    uplinks: Mapping[int, UplinkSettings]
    wires: Mapping[str, WireSettings]
    spaces: Mapping[str, SpaceSettings]


def cross_checks(parts: Parts) -> Iterator[Mistake]:
    yield from _ids(parts)
    yield from _wire_names(parts)
    yield from _ports(parts)
    yield from _units(parts)
    yield from _sessions(parts)


def _ids(parts: Parts) -> Iterator[Mistake]:
    for section in ("devices", "uplinks"):
        for where, first, name in _seen_twice(_written_ids(parts.document, section)):
            file, line = parts.document.place(first)
            words = say(
                "'{id}' is the id of {file}:{line} too; give each its own",
                id=name,
                file=file,
                line=line,
            )
            yield parts.document.mistake(where, words)


def _written_ids(document: Document, section: str) -> Iterator[tuple[KeyPath, str]]:
    """Of entries with mistakes, too; what is no id is told when it is validated."""
    entries = document.data.get(section)
    for at, written in enumerate(entries if isinstance(entries, list) else []):
        name = written.get("id") if isinstance(written, dict) else None
        if isinstance(name, str) and is_id(name):
            yield (section, at, "id"), name


def _wire_names(parts: Parts) -> Iterator[Mistake]:
    known = sorted(_written_wires(parts.document))
    for at, device in parts.devices.items():
        if device.wire is None or device.wire in known:
            continue
        close = get_close_matches(device.wire, known, n=1)
        if close:
            words = say(
                "no wire is called '{name}'; did you mean '{close}'?",
                name=device.wire,
                close=close[0],
            )
        elif known:
            words = say(
                "no wire is called '{name}'; there are: {known}",
                name=device.wire,
                known=", ".join(known),
            )
        else:
            words = say("no wire is called '{name}'; add it to `wires:`", name=device.wire)
        yield parts.document.mistake(("devices", at, "wire"), words)


def _written_wires(document: Document) -> Iterable[str]:
    """Of those with mistakes, too: they are there, after all."""
    wires = document.data.get("wires")
    return [str(name) for name in wires] if isinstance(wires, dict) else []


def _ports(parts: Parts) -> Iterator[Mistake]:
    """A port has one owner. Two names of one serial adapter are one port."""
    ends = ((("wires", name, _end(wire)), _peer(wire)) for name, wire in parts.wires.items())
    for where, first, _ in _seen_twice(ends):
        words = say(
            "wire '{name}' uses the same; hang the devices of both on one wire", name=first[1]
        )
        yield parts.document.mistake(where, words)


def _end(wire: WireSettings) -> str:
    return "port" if wire.port is not None else "connect"


def _peer(wire: WireSettings) -> str:
    return os.path.realpath(wire.port) if wire.port else str(wire.connect).lower()


def _units(parts: Parts) -> Iterator[Mistake]:
    """Drivers with addresses on a shared wire call them `unit`, or `address` where each kind of
    device has its own frames. A device without one has its factory's, which two of one profile
    share."""
    answering = (
        (("devices", at, _key(device)), (device.wire, *_address(device)))
        for at, device in parts.devices.items()
        if device.wire and any(_address(device))
    )
    for where, first, _ in _seen_twice(answering):
        other = parts.devices[int(first[1])].id
        yield parts.document.mistake(where, _shared(str(where[-1]), other))


def _shared(key: str, other: str) -> str:
    if key == "address":
        return say(
            "device '{id}' has the same address on the same wire; give each its own", id=other
        )
    return say(
        "device '{id}' answers to the same unit on the same wire; give each its own `unit:`",
        id=other,
    )


def _key(device: DeviceSettings) -> str:
    return "address" if "address" in device.options else "unit"


def _address(device: DeviceSettings) -> tuple[Hashable, ...]:
    """Unit, address, and the profile that the address is one of; what is not written is None."""
    unit, address, profile = (device.options.get(k) for k in ("unit", "address", "profile"))
    of = None if unit is not None else profile
    written = (value if isinstance(value, int | str) else None for value in (unit, address, of))
    return tuple(str(value) if value is not None else None for value in written)


def _sessions(parts: Parts) -> Iterator[Mistake]:
    """A broker ends the older of two sessions with one client id."""
    sessions = (
        (("uplinks", at, "client_id"), (uplink.client_id, broker))
        for at, uplink in parts.uplinks.items()
        for broker in uplink.brokers
        if uplink.client_id is not None
    )
    for where, first, _ in _seen_twice(sessions):
        if where != first:
            words = say(
                "uplink '{id}' uses this client id at the same broker; give each its own",
                id=parts.uplinks[int(first[1])].id,
            )
            yield parts.document.mistake(where, words)


def _seen_twice(
    entries: Iterable[tuple[KeyPath, T]],
) -> Iterator[tuple[KeyPath, KeyPath, T]]:
    """Each place whose value was seen before, and where that was."""
    seen: dict[T, KeyPath] = {}
    for where, value in entries:
        if value in seen:
            yield where, seen[value], value
        else:
            seen[value] = where
