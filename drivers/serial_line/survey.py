"""Who speaks unasked on a line, and what it is. Says nothing itself."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from agent.contract import Find, Line, Match, Remark, Search, Step, Wire
from drivers.serial_line.codec import Codec
from drivers.serial_line.profile import Profile, load_profile

SECONDS = 20.0  # for all lines together, unless the search says otherwise
_PIECE = 0.5  # s between two steps
_MASK = 0x55  # turns what was heard into bytes that mean nothing


async def survey(wire: Wire, search: Search) -> AsyncIterator[Find | Step]:
    """A Find for each line at which something was heard that is understood; where nothing is, one
    for the line at which most was heard."""
    profiles, broken = _load(search)
    for file in broken:
        yield Find(None, None, remarks=(Remark("bad_profile", {"file": file}),))
    settings = lines(profiles, search)
    each = (search.budget or SECONDS) / max(1, len(settings))
    heard: dict[Line, bytes] = {}
    for place, line in enumerate(settings):
        heard[line] = b""
        async with wire.overhear(line) as ear:
            end = _now() + each
            while (left := end - _now()) > 0:
                yield Step(place * each + each - left, left, line, None)
                heard[line] += await ear.hear(min(_PIECE, left))
    for find in finds(heard, profiles, each):
        yield find


def lines(profiles: Mapping[str, Profile], search: Search) -> list[Line]:
    """Those of devices that speak unasked come first."""
    if search.line is not None:
        return [search.line]
    talkers = [p.line.line for p in profiles.values() if p.listens]
    others = [p.line.line for p in profiles.values() if not p.listens]
    known = dict.fromkeys([*talkers, *others])
    return [line for line in known if search.speeds is None or line.baud in search.speeds]


def finds(
    heard: Mapping[Line, bytes], profiles: Mapping[str, Profile], seconds: float
) -> list[Find]:
    found = []
    for line, data in heard.items():
        matches, frames = recognised(data, profiles)
        if matches:
            remark = Remark("speaks", {"count": frames, "seconds": seconds})
            options = {"profile": matches[0].profile}
            tied = sum(match.score == matches[0].score for match in matches)
            found.append(Find(None, line, matches, tied, options, remarks=(remark,)))
    if found or not any(heard.values()):
        return found
    line, data = max(heard.items(), key=lambda item: len(item[1]))
    return [Find(None, line, remarks=(Remark("foreign", {"count": len(data)}),))]


def recognised(data: bytes, profiles: Mapping[str, Profile]) -> tuple[tuple[Match, ...], int]:
    """Profiles by the share of the bytes that they explain, and the whole frames of the best."""
    shares: dict[str, tuple[float, int]] = {}
    for name, profile in profiles.items():
        explained, frames = _explained(data, profile)
        by_chance, _ = _explained(bytes(byte ^ _MASK for byte in data), profile)
        if explained > 2 * by_chance:
            shares[name] = explained / len(data), frames
    best = sorted(shares, key=lambda name: -shares[name][0])
    matches = tuple(_match(name, profiles[name], shares[name][0]) for name in best)
    return matches, shares[best[0]][1] if best else 0


def _explained(data: bytes, profile: Profile) -> tuple[int, int]:
    """Bytes in whole frames of what such a device says, and the frames."""
    said = {*profile.listens, *profile.answers()}
    frames = [frame for frame in Codec(profile).sift(data, said, final=True).frames
              if frame.message in said]  # fmt: skip
    return sum(len(frame.data) for frame in frames), len(frames)


def _match(name: str, profile: Profile, share: float) -> Match:
    return Match(name, profile.title, profile.title_zh, round(share, 3))


def _load(search: Search) -> tuple[dict[str, Profile], list[str]]:
    """The profiles, and the files that cannot be read."""
    from pydantic import ValidationError
    from yaml import YAMLError

    files: dict[str, Path] = {}
    for folder in search.profiles:
        for file in sorted(folder.glob("*.yaml")) if folder.is_dir() else ():
            files.setdefault(file.stem, file)
    profiles, broken = {}, []
    for name, file in sorted(files.items()):
        try:
            profiles[name] = load_profile(file)
        except (OSError, ValidationError, YAMLError, UnicodeDecodeError):
            broken.append(str(file))
    return profiles, broken


def _now() -> float:
    return asyncio.get_running_loop().time()
