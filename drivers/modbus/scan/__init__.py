"""Who is on the wire, and what it is. Asks, and never writes: functions 1, 2, 3, 4, 17 and 43."""

from collections.abc import AsyncIterator
from pathlib import Path

from agent.contract import Find, Remark, Search, Step, Wire
from drivers.modbus.profile import load_profile
from drivers.modbus.scan.hunt import Hunt
from drivers.modbus.scan.sheet import Sheet

__all__ = ["scan", "sheets"]


async def scan(wire: Wire, search: Search) -> AsyncIterator[Find | Step]:
    """A profile that cannot be read is told of first, and compared with nothing."""
    known, broken = sheets(search)
    for file in broken:
        yield Find(None, None, remarks=(Remark("bad_profile", {"file": file}),))
    async for news in Hunt(wire, search, known).run():
        yield news


def sheets(search: Search) -> tuple[list[Sheet], list[str]]:
    """Of all profiles, and the files that cannot be read."""
    from pydantic import ValidationError
    from yaml import YAMLError

    files: dict[str, Path] = {}
    for folder in search.profiles:
        for file in sorted(folder.glob("*.yaml")) if folder.is_dir() else ():
            files.setdefault(file.stem, file)
    found, broken = [], []
    for name, file in sorted(files.items()):
        try:
            found.append(Sheet.of(name, load_profile(file)))
        except (OSError, ValidationError, YAMLError, UnicodeDecodeError):
            broken.append(str(file))
    return found, broken
