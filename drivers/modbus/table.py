"""The list of supported devices as a Markdown page. As a program it writes docs/devices.md:

python -m drivers.modbus.table configs/profiles/modbus > docs/devices.md
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from drivers.modbus.profile import Factory, Profile, load_profile

FAMILIES = {
    "soil": "Soil 土壤",
    "air": "Air 空气",
    "co2": "CO₂ 二氧化碳",
    "light": "Light 光照",
    "weather": "Weather 气象",
    "water": "Water 水质",
    "relay": "Relays 继电器",
    "energy": "Energy 电能",
    "other": "Other 其他",
}

HEAD = """# Devices

Every Modbus device that fieldgate knows out of the box: {count} profiles, one file each in
`configs/profiles/modbus/`. The name in the first column is what goes behind `profile:` in the
configuration. A device that is not here needs a profile, not a program: copy the nearest one to
`/etc/fieldgate/profiles/modbus/` and correct its numbers from the manual.

*Line* is how the device leaves the factory: baud rate, data bits, parity, stop bits, unit id.
*Confidence* is high where a maker's table or several independent uses agree, medium where one
source stands alone or something had to be assumed; the notes in the file say what. Points in
*italics* come marked `uncertain`: derived or held by the device instead of measured, or of a
scale that its papers leave open. Points followed by (w) can be written.

This page is made from the profiles by `python -m drivers.modbus.table`; a test keeps it current.
"""


def load_all(folder: Path) -> dict[str, Profile]:
    return {file.stem: load_profile(file) for file in sorted(folder.glob("*.yaml"))}


def page(profiles: Mapping[str, Profile]) -> str:
    return "\n".join([HEAD.format(count=len(profiles)), *_sections(profiles)])


def _sections(profiles: Mapping[str, Profile]) -> Iterator[str]:
    for family, heading in FAMILIES.items():
        members = {name: p for name, p in profiles.items() if p.family == family}
        if members:
            yield _section(heading, members)


def _section(heading: str, members: Mapping[str, Profile]) -> str:
    rows = [_row(name, profile) for name, profile in members.items()]
    head = ["Profile", "Device", "Line", "Points", "Confidence", "Source"]
    return "\n".join([f"## {heading}", "", _line(head), _line(["---"] * len(head)), *rows, ""])


def _row(name: str, profile: Profile) -> str:
    device = f"{profile.title}<br>{profile.title_zh}"
    source = "; ".join(profile.source)
    points = ", ".join(_points(profile))
    return _line([f"`{name}`", device, line(profile.line), points, profile.confidence, source])


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def line(factory: Factory) -> str:
    """As people say it: 9600 8N1, unit 1."""
    parity = factory.parity[0].upper()
    return f"{factory.baud} {factory.data_bits}{parity}{factory.stop_bits}, unit {factory.unit}"


def _points(profile: Profile) -> Iterator[str]:
    for name, point in profile.points.items():
        shown = f"*{name}*" if point.quality == "uncertain" else name
        yield f"{shown} (w)" if point.write else shown


if __name__ == "__main__":
    sys.stdout.write(page(load_all(Path(sys.argv[1]))))
