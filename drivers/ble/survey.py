"""`fieldgate scan ble`: who is there, what decodes, what needs a key, and the lines to paste.

Listens like anybody with a telephone; sends nothing but requests for scan responses. The service
may run meanwhile. Addresses are shown here and kept nowhere.
"""

import argparse
import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.contract import Value
from drivers.ble.families import FAMILIES, Family
from drivers.ble.libraries import LibraryDecoder, missing, supported
from drivers.ble.packet import Packet, fresh, uuid
from drivers.ble.profile import Profile, load_profile
from drivers.ble.sight import Refused
from drivers.ble.vocabulary import meaning

Say = Callable[..., str]
MOST = 2000  # devices that a survey keeps
NOTHING = 75  # exit code where nothing was decoded: trying again may help


@dataclass
class Found:
    """One address. `values` are point -> value of the newest packets that said so."""

    address: str
    rssi: int = -127
    packets: int = 0
    name: str = ""
    kind: str = ""  # the family or profile that decodes it
    is_profile: bool = False
    encrypted: bool = False
    values: dict[str, Value] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)  # point -> the library's word
    before: Packet | None = None

    def data(self) -> dict[str, Any]:
        return {
            "address": self.address, "name": self.name, "rssi": self.rssi,
            "packets": self.packets, "profile" if self.is_profile else "family": self.kind or None,
            "needs_key": self.encrypted, "values": self.values,
        }  # fmt: skip


class Survey:
    """Takes packets, knows who sent them."""

    def __init__(self, profiles: Mapping[str, Profile]) -> None:
        self._profiles = profiles
        self.found: dict[str, Found] = {}
        self.overflow = 0

    def hear(self, packet: Packet) -> None:
        if packet.address not in self.found and len(self.found) >= MOST:
            self.overflow += 1
            return
        one = self.found.setdefault(packet.address, Found(packet.address))
        one.packets += 1
        one.rssi = one.rssi if packet.rssi is None else packet.rssi
        one.name = packet.name or one.name
        self._decode(one, fresh(one.before, packet))
        one.before = packet

    def _decode(self, one: Found, packet: Packet) -> None:
        for name, family in FAMILIES.items():
            if is_candidate(family, packet) and supported(name, packet):
                one.kind, one.is_profile = name, False
                self._by_library(one, name, packet)
                return
        for name, profile in self._profiles.items():
            if self._by_profile(one, name, profile, packet):
                return

    def _by_library(self, one: Found, name: str, packet: Packet) -> None:
        decoder = LibraryDecoder(name, None)
        decoder.load()
        try:
            sight = decoder.look(packet)
            if sight is None:
                return
            one.encrypted = sight.encrypted
            told = {} if sight.encrypted else decoder.decode(packet, sight).values
        except Refused:
            return
        for key, value in told.items():
            means = meaning(key)
            if means is not None and value is not None:
                one.values[means.point] = value
                one.keys[means.point] = key

    def _by_profile(self, one: Found, name: str, profile: Profile, packet: Packet) -> bool:
        """Advertised frames only: a connection costs a sensor's battery."""
        from drivers.ble.frames import FrameDecoder

        decoder = FrameDecoder(profile, packet.address, None)
        try:
            sight = None if profile.connects else decoder.look(packet)
            if sight is None:
                return False
            one.kind, one.is_profile, one.encrypted = name, True, sight.encrypted
            if not sight.encrypted:
                told = decoder.decode(packet, sight).values
                one.values |= {point: value for point, value in told.items() if value is not None}
        except Refused:
            return False
        return True


def is_candidate(family: Family, packet: Packet) -> bool:
    """Worth importing its library for."""
    return (
        any(uuid(one) in packet.services for one in family.services)
        or any(company in packet.manufacturers for company in family.companies)
        or any(uuid(one) in packet.uuids for one in family.uuids)
        or packet.name.lower().startswith(family.names or ("\0",))
    )


def paste(one: Found) -> str:
    """The device's entry for `devices:`."""
    kind = "profile" if one.is_profile else "family"
    label = one.address.replace(":", "")[-6:].lower()
    lines = [
        f"  - id: ble-{label}", "    driver: ble", f'    address: "{one.address}"',
        f"    {kind}: {one.kind}",
    ]  # fmt: skip
    if one.encrypted:
        lines.append("    key_file: /etc/fieldgate/secrets/ble-" + label + ".key")
    if not one.is_profile and not FAMILIES[one.kind].points:
        points = ", ".join(sorted(one.values)) or "air_temperature, air_humidity, battery_level"
        lines.append(f"    points: [{points}]")
    return "\n".join(lines)


def report(survey: Survey, say: Say) -> list[str]:
    """The nearest first."""
    known = sorted((f for f in survey.found.values() if f.kind), key=lambda f: -f.rssi)
    others = sorted((f for f in survey.found.values() if not f.kind), key=lambda f: -f.rssi)
    lines = [_line(one, say) for one in known]
    lines += [f"{one.address}  {one.rssi:>4} dBm  -  {one.name}".rstrip() for one in others]
    lines.append(
        say(
            "{known} devices that can be decoded, {others} others",
            known=len(known),
            others=len(others),
        )
    )
    if survey.overflow:
        lines.append(say("more devices than a survey keeps: {count}", count=survey.overflow))
    if known:
        lines += ["", say("to paste, where a device is yours:"), "devices:", *map(paste, known)]
    return lines


def _line(one: Found, say: Say) -> str:
    if one.encrypted:
        what = say("encrypted, needs its key")
    else:
        what = ", ".join(f"{point} {value}" for point, value in one.values.items()) or say(
            "no values yet"
        )
    return f"{one.address}  {one.rssi:>4} dBm  {one.kind:<12}  {one.name}  {what}"


async def listen(adapter: str, seconds: float, survey: Survey) -> None:
    """Raises LinkLost, Misconfigured."""
    try:
        from drivers.ble import scanning
        from drivers.ble.bluez import Bluez
        from drivers.ble.edge import TROUBLES, radio_trouble
    except ImportError as error:
        raise missing(error) from error
    bluez = Bluez()
    try:
        name = await bluez.find(adapter)
        scan = scanning.scanner(name, lambda _: True, lambda _, packet: survey.hear(packet))
        await scan.start()
        try:
            await asyncio.sleep(seconds)
        finally:
            await scanning.stop(scan)
    except TROUBLES as error:
        raise radio_trouble(error, adapter) from error
    finally:
        bluez.close()


def main(words: Sequence[str], say: Say | None = None, profiles: Sequence[Path] = ()) -> int:
    """0 where something was decoded, else 75. `say` translates sentences; `profiles` are files of
    devices that no library knows."""
    say = say or _plain
    parser = argparse.ArgumentParser(
        prog="fieldgate scan ble",
        description=say("Bluetooth sensors in reach: who is there, what decodes, what needs a key"),
    )
    add = parser.add_argument
    add("--seconds", type=float, default=30.0, help=say("how long to listen; else 30"))
    add("--adapter", default="hci0", help=say("the radio: hci0, or its address"))
    add("--json", action="store_true", help=say("print data instead of words"))
    args = parser.parse_args(words)
    survey = Survey({file.stem: load_profile(file) for file in profiles})
    asyncio.run(listen(args.adapter, args.seconds, survey))
    if args.json:
        found = sorted(survey.found.values(), key=lambda one: -one.rssi)
        print(json.dumps([one.data() for one in found], ensure_ascii=False))  # noqa: T201  its work
    else:
        print("\n".join(report(survey, say)))  # noqa: T201  its work
    return 0 if any(one.kind for one in survey.found.values()) else NOTHING


def _plain(sentence: str, **values: object) -> str:
    return sentence.format(**values) if values else sentence
