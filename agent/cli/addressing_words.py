"""The steps of `fieldgate address` in words, and as data."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agent.cli import readings
from agent.contract import GatewayError, Identity
from agent.i18n import hint, language, message, say

Fields = Mapping[str, Any]


def sentence(step: str, fields: Fields) -> str:
    return _SENTENCES[step](fields)


def question(step: str, fields: Fields) -> str:
    if step == "give":
        return say("give id {new} to the device at id {at}?", **_plain(fields))
    if step == "write":
        return say("new ids will be written into devices on {wire}; go on?", **_plain(fields))
    return say("is the device at id {at} the one that was to get id {new}?", **_plain(fields))


def values(identity: Identity) -> str:
    """What the device measures, so that one sees that it is the right one."""
    shown = [
        f"{point} {readings.value({'value': value, 'unit': unit})}"
        for point, value, unit in identity.values
    ]
    serial = [f"S/N {identity.serial}"] if identity.serial else []
    return ", ".join([*serial, *shown])


def label(unit: str, title: Mapping[str, str], serial: str) -> Sequence[str]:
    """What to stick on the device."""
    number = [f"S/N {serial}"] if serial else []
    return [f"ID {unit}", title[language()], *number, time.strftime("%Y-%m-%d")]


def data(step: str, fields: Fields) -> dict[str, Any]:
    return {"step": step, **{name: _datum(value) for name, value in fields.items()}}


def _datum(value: Any) -> Any:
    if isinstance(value, Identity):
        named = [{"point": p, "value": v, "unit": u} for p, v, u in value.values]
        return {"serial": value.serial, "values": named}
    return str(value) if isinstance(value, GatewayError) else value


def _plain(fields: Fields) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if not isinstance(value, Identity)}


_SENTENCES: Mapping[str, Callable[[Fields], str]] = {
    "kind": lambda f: say("{title} on {wire}; {count} get ids, from {first} on", **f),
    "note": lambda f: say("note: {note}", **f),
    "speed": lambda f: say(
        "these devices leave the factory at {theirs} baud, this wire runs at {ours}: where none "
        "is found, use a wire with their settings first",
        **f,
    ),
    "resumed": lambda f: say(
        "the last run was cut short while id {new} was being given; going on with that", **f
    ),
    "waiting": lambda f: say(
        "plug in the next new device, alone; it gets id {new} (waiting for id {at})", **f
    ),
    "several": lambda f: say(
        "more than one device answers at id {at}, or there is noise: unplug all new ones but one",
        **f,
    ),
    "unlike": lambda f: say(
        "the device at id {at} is not of this kind: {error}; {hint}",
        at=f["at"],
        error=message(f["error"]),
        hint=hint(f["error"]),
    ),
    "taken": lambda f: say("id {new} is taken: somebody answers there; it is passed over", **f),
    "alone": lambda f: say(
        "this id is written to all devices on the wire: unplug the one with id {at}, too", **f
    ),
    "unplug": lambda f: say("a device answers at id {at}: unplug it", **f),
    "written": lambda f: say("id {new} is written", **f),
    "restart": lambda f: say(
        "now switch the supply of this device off and on: then it has id {new}", **f
    ),
    "gone": lambda f: say("nobody answers at id {at} or {new}: plug the same device in again", **f),
    "another": lambda f: say(
        "that is another device: unplug it, and plug in the one that is to have id {new}", **f
    ),
    "done": lambda f: say("done: the device answers at id {new}", **f),
    "finished": lambda f: say("all {count} ids from {first} on are given", **f),
    "included": lambda f: say("written to {file}", **f),
}
