"""What the cloud hears, in a line for the terminal."""

from agent.i18n import say
from agent.uplink.formats.arrival import Occurrence


def told(event: Occurrence) -> str:
    """Empty for what would only fill the screen."""
    if event.kind == "plate.passed":
        return _passed(event)
    if event.kind == "space.seen":
        return _space(event)
    if event.kind.startswith(("device.", "camera.", "view.")):
        return say("the cloud hears: {kind} {subject}", kind=event.kind, subject=event.subject)
    return ""


def _passed(event: Occurrence) -> str:
    data = event.data
    plate, sure = data["text"], min(99, round(100 * data["confidence"]))
    if data["direction"] == "in":
        return say("the cloud hears: {plate} drives in ({sure} % sure)", plate=plate, sure=sure)
    if data["direction"] == "out":
        return say("the cloud hears: {plate} drives out ({sure} % sure)", plate=plate, sure=sure)
    return say("the cloud hears: {plate} passes ({sure} % sure)", plate=plate, sure=sure)


def _space(event: Occurrence) -> str:
    space, state = event.subject, event.data["state"]
    if state == "occupied":
        return say("the cloud hears: space {space} is taken", space=space)
    if state == "free":
        return say("the cloud hears: space {space} is free", space=space)
    return say("the cloud hears: nobody knows of space {space}", space=space)
