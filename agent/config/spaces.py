"""Spaces against the devices that watch them: names that are not there, detectors used twice."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from agent.config.checks import Parts
from agent.config.mistake import Mistake
from agent.config.options import Judged, spoken
from agent.config.places import place_of
from agent.contract import Misconfigured, PolledDriver
from agent.i18n import say

MOST_NAMED = 12  # of the known devices


def space_checks(parts: Parts, judged: Sequence[Judged]) -> Iterator[Mistake]:
    known = {one.device.id: one for one in judged if one.device is not None}
    written = {settings.id for settings in parts.devices.values()}
    told: dict[tuple[str, str], str] = {}  # device and point that tells a state -> space
    for space, settings in parts.spaces.items():
        where = ("parking", "spaces", space)
        if space in written:
            words = say(
                "'{id}' is the id of a device; records carry both, so name one anew", id=space
            )
            yield parts.document.mistake(where, words, key=True)
        if settings.device not in written:
            words = _no_device(settings.device, sorted(written))
            yield parts.document.mistake((*where, "device"), words)
            continue
        one = known.get(settings.device)
        if one is None or one.device is None or one.driver is None:
            continue  # its own mistakes are told; its points are not known
        streaming = not isinstance(one.driver, PolledDriver)
        try:
            place = place_of(space, settings, one.device, one.driver.points, streaming=streaming)
        except Misconfigured as error:
            key = str(error.values.get("key"))
            yield parts.document.mistake((*where, key), spoken(error))
            continue
        other = told.setdefault((place.device, place.sources[0]), space)
        if other != space:
            words = say("space '{space}' has the same detector; each needs its own", space=other)
            yield parts.document.mistake(where, words)


def _no_device(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    if close:
        return say(
            "no device is called '{name}'; did you mean '{close}'?", name=name, close=close[0]
        )
    some = ", ".join(known[:MOST_NAMED]) or "-"
    return say("no device is called '{name}'; there are: {known}", name=name, known=some)
