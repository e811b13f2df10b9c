#!/usr/bin/env python3
"""Writes docs/devices.md from the profiles of all drivers: python docs/make_devices.py

Reads what every profile has (title, family, source, confidence, points) and nothing that only one
driver knows, so that the profiles of a new driver appear by themselves.
"""

import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "devices.md"
HEADINGS = {
    "soil": "Soil 土壤",
    "air": "Air 空气",
    "climate": "Climate 温湿度",
    "co2": "CO₂ 二氧化碳",
    "light": "Light 光照",
    "weather": "Weather and leaves 气象与叶面",
    "water": "Water 水",
    "parking": "Parking 车位检测",
    "sign": "Signs 显示屏",
    "relay": "Relays 继电器",
    "curtain": "Curtains and vents 卷帘与天窗",
    "energy": "Energy 电能",
    "beacon": "Beacons 信标",
}
HEAD = """# Devices

What fieldgate knows out of the box: {count} profiles, one file each, as
`configs/profiles/DRIVER/NAME.yaml`. The first column gives both: `modbus/xy-md02` is
`driver: modbus` and `profile: xy-md02` in the configuration, and
`fieldgate simulate --profile modbus/xy-md02` plays it. A device that is not here needs a profile,
not a program: [adding-a-device.md](adding-a-device.md).

*Line* is how the device leaves the factory: baud rate, data bits, parity, stop bits, unit id.
*Confidence* is high where a maker's table or several independent uses agree, medium where one
source stands alone or something had to be assumed; the notes in the file say what. Points in
*italics* come marked `uncertain`: derived or held by the device instead of measured, or of a
scale that its papers leave open. Points followed by (w) can be written.

This page is made by `make devices`; a test keeps it current.
"""
FAMILIES = """## Bluetooth families 蓝牙设备族

Decoded by the community's libraries, without a profile: `driver: ble` and `family: NAME`.

| Family | Points | Encrypted |
| --- | --- | --- |
"""
TAIL = """## Without a profile, and why 暂无配置文件

Public papers name these devices and leave out what a profile needs. With the maker's manual on
the table each of them is a file away.

| Device | What is missing |
| --- | --- |
| Indoor guidance bus "E8" of ultrasonic detectors | payloads, byte order of its lengths, CRC polynomial; only the list of functions is public |
| PNI PlacePod, LoRaWAN | the bytes: only the list of messages is public |
| Onbon BX signs | the CRC of the published frame could not be reproduced |
| Renke RS-GZ and RS-GZWS light sensors | the register numbers of the light |
| Renke RS-CO2WS, RS-FX, RS-WS-N01-YM; DFRobot SEN0657 | a register map that somebody vouches for; those that go around differ in order or factor |
| Seeed S-PAR-02, Dragino DR-ECK | the register numbers (pictures only) |
| RainWise MkIII, Lambrecht | the register map, or the line settings |
| WP8025ADAM, SkyDrive relay boards | the coils, or a source for their odd "on" word |
| Barrier gates, pulse meters | nothing: they are dry contacts; hang them on a relay or input board |
| souliw leaf wetness | the register of the wetness; it also answers unit 0, so it must be alone on its wire |
"""  # noqa: E501  rows of a table


@dataclass(frozen=True, slots=True)
class Known:
    """One profile. `ident` is driver/name."""

    ident: str
    told: Mapping[str, Any]

    @property
    def family(self) -> str:
        return str(self.told.get("family", "other"))


def all_known(folder: Path = ROOT / "configs" / "profiles") -> list[Known]:
    return [
        Known(f"{file.parent.name}/{file.stem}", yaml.safe_load(file.read_text(encoding="utf-8")))
        for file in sorted(folder.glob("*/*.yaml"))
    ]


def page(known: Iterable[Known], families: Mapping[str, Any]) -> str:
    profiles = list(known)
    parts = [HEAD.format(count=len(profiles)), *_sections(profiles)]
    if families:
        parts.append(
            FAMILIES + "\n".join(_family(*item) for item in sorted(families.items())) + "\n"
        )
    return "\n".join([*parts, TAIL])


def ble_families() -> Mapping[str, Any]:
    """What the Bluetooth driver decodes without profiles; nothing where it is not there."""
    if not (ROOT / "drivers" / "ble" / "families.py").is_file():
        return {}
    found: Mapping[str, Any] = importlib.import_module("drivers.ble.families").FAMILIES
    return found


def line(told: Mapping[str, Any]) -> str:
    """As people say it: 9600 8N1, unit 1. Nothing for what has no line."""
    if "frames" in told:
        return "connected" if "steps" in told else "advertises"
    own = told.get("line", {})
    parity = str(own.get("parity", "none"))[0].upper()
    shown = f"{own.get('baud', 9600)} {own.get('data_bits', 8)}{parity}{own.get('stop_bits', 1)}"
    if "messages" not in told:
        return f"{shown}, unit {own.get('unit', 1)}"
    way = "unasked" if told.get("listens") else "polled" if told.get("polls") else "written"
    return f"{shown}, {way}"


def _sections(known: list[Known]) -> Iterator[str]:
    others = sorted({one.family for one in known} - HEADINGS.keys())
    for family in [*HEADINGS, *others]:
        members = [one for one in known if one.family == family]
        if members:
            heading = HEADINGS.get(
                family, "Other 其他" if family == "other" else family.capitalize()
            )
            yield _section(heading, members)


def _section(heading: str, members: Iterable[Known]) -> str:
    head = ["Profile", "Device", "Line", "Points", "Confidence", "Source"]
    rows = [_row(one) for one in members]
    return "\n".join([f"## {heading}", "", _cells(head), _cells(["---"] * len(head)), *rows, ""])


def _row(one: Known) -> str:
    told = one.told
    device = f"{told['title']}<br>{told.get('title_zh', '')}"
    source = told["source"]
    sources = "; ".join(source if isinstance(source, list) else [source])
    points = ", ".join(_points(told["points"]))
    return _cells([f"`{one.ident}`", device, line(told), points, told["confidence"], sources])


def _points(points: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, point in points.items():
        shown = f"*{name}*" if point.get("quality") == "uncertain" else name
        yield f"{shown} (w)" if point.get("write") else shown


def _family(name: str, family: Any) -> str:
    points = ", ".join(family.points) or "what the device sends"
    return _cells([f"`{name}`", points, "yes" if family.encrypts else "no"])


def _cells(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def made() -> str:
    return page(all_known(), ble_families())


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    PAGE.write_text(made(), encoding="utf-8")
