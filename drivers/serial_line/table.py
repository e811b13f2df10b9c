"""The list of supported devices as a Markdown page. As a program it writes it to docs:

python -m drivers.serial_line.table configs/profiles/serial_line > docs/devices-serial-line.md
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from drivers.serial_line.profile import Profile, load_profile

FAMILIES = {
    "parking": "Parking detectors 车位检测",
    "sign": "Signs 显示屏",
    "co2": "CO₂ 二氧化碳",
    "air": "Air 空气",
    "water": "Water 水表",
    "curtain": "Curtains and vents 卷帘与天窗",
    "other": "Other 其他",
}

HEAD = """# Devices with frames of their own

Every device that fieldgate knows out of the box and that does not speak Modbus: {count} profiles,
one file each in `configs/profiles/serial_line/`. The name in the first column is what goes behind
`profile:` in the configuration, with `driver: serial_line`. How to write a profile for another one
stands in `drivers/serial_line/README.md`.

*Line* is how the device leaves the factory. *Confidence* is high where a maker's table or several
independent uses agree, medium where one source stands alone or something had to be assumed; the
notes in the file say what. Points in *italics* come marked `uncertain`. Points followed by (w) can
be written.

This page is made from the profiles by `python -m drivers.serial_line.table`; a test keeps it
current.
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
    head = ["Profile", "Device", "Line", "Way", "Points", "Confidence", "Source"]
    return "\n".join([f"## {heading}", "", _line(head), _line(["---"] * len(head)), *rows, ""])


def _row(name: str, profile: Profile) -> str:
    device = f"{profile.title}<br>{profile.title_zh}"
    source = "; ".join(profile.source)
    points = ", ".join(_points(profile))
    cells = [f"`{name}`", device, line(profile), way(profile), points, profile.confidence, source]
    return _line(cells)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def line(profile: Profile) -> str:
    """As people say it: 9600 8N1."""
    factory = profile.line
    parity = factory.parity[0].upper()
    return f"{factory.baud} {factory.data_bits}{parity}{factory.stop_bits}"


def way(profile: Profile) -> str:
    if profile.listens:
        return "unasked"
    return "polled" if profile.polls else "written"


def _points(profile: Profile) -> Iterator[str]:
    for name, point in profile.points.items():
        shown = f"*{name}*" if point.quality == "uncertain" else name
        yield f"{shown} (w)" if point.write else shown


if __name__ == "__main__":
    sys.stdout.write(page(load_all(Path(sys.argv[1]))))
