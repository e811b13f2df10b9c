"""Gives what was identified a name: a device its place, a detector its space."""

import json
from pathlib import Path

from agent.cli.identifying import Change
from agent.cli.identifying_page import described
from agent.i18n import say


def asked(change: Change) -> str:
    who = described(change.subject)
    if _is_detector(change):
        return say("{device}: which space does it watch (its id; Enter for none)?", device=who)
    return say("{device}: where is it (Enter for nowhere)?", device=who)


def name(change: Change, answer: str, main: Path | None) -> list[str]:
    """Lines that tell what was done, or what to paste where `main` is None.

    Raises Misconfigured when the settings would not be sound with it.
    """
    from agent.cli.addressing_yaml import set_value
    from agent.cli.identifying_yaml import bind_space, space_text

    subject = change.subject
    if _is_detector(change):
        if main is None:
            return [say("paste into the settings:"), *space_text(answer, subject).splitlines()]
        bind_space(main, answer, subject)
        return [_written(main)]
    if main is None:
        line = f"place: {json.dumps(answer, ensure_ascii=False)}"
        return [say("paste into the device {device}:", device=subject.device), line]
    return [_written(set_value(main, subject.device, "place", answer))]


def _is_detector(change: Change) -> bool:
    from agent.config.places import AXES, STATE_POINTS

    own = change.point.startswith("space ") or change.point in {*AXES, *STATE_POINTS}
    return own or bool(change.subject.detector)


def _written(file: Path) -> str:
    return say("written to {file}; to use it: systemctl reload fieldgate", file=file)
