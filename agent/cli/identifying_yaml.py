"""Which detector watches a space: as text to paste, or into the gateway's own file."""

from collections.abc import Mapping
from pathlib import Path

from agent.cli.addressing_yaml import by_hand, line_end, replace, source_of, with_value
from agent.cli.identifying import Subject
from agent.config.mistake import KeyPath
from agent.config.source import Source

SPACES: KeyPath = ("parking", "spaces")


def space_text(space: str, subject: Subject) -> str:
    return f"parking:\n  spaces:\n    {space}: {_flow(subject)}\n"


def bind_space(main: Path, space: str, subject: Subject) -> None:
    """Raises Misconfigured, and then the file is as it was."""
    source = source_of(main)
    known = source.data.get("parking") or {}
    spaces = known.get("spaces") if isinstance(known, Mapping) else None
    if "parking" not in source.data:
        text = source.text.rstrip("\n") + "\n\n" + space_text(space, subject)
    elif not isinstance(spaces, Mapping) or not spaces:
        raise by_hand(main)
    elif space in spaces:
        replace(main, _moved(main, space, subject), main)
        return
    else:
        text = _added(source, list(spaces)[-1], space, subject)
    replace(main, text, main)


def _flow(subject: Subject) -> str:
    detector = f', detector: "{subject.detector}"' if subject.detector else ""
    return f"{{device: {subject.device}{detector}}}"


def _added(source: Source, last: str, space: str, subject: Subject) -> str:
    """A line after the last space, as far from the margin as that is."""
    text, at = source.text, (*SPACES, last)
    if text[source.values[SPACES].start] == "{":
        raise by_hand(source.file)
    ends = [span.end for key, span in source.values.items() if key[:3] == at and span.scalar]
    start = source.keys[at].start
    margin = " " * (start - text.rfind("\n", 0, start) - 1)
    end = line_end(text, max(ends))
    rest = text[end:].removeprefix("\n")
    return f"{text[:end]}\n{margin}{space}: {_flow(subject)}\n{rest}"


def _moved(main: Path, space: str, subject: Subject) -> str:
    """Another detector for a space that is there already; its other settings stay."""
    source = source_of(main)
    at = (*SPACES, space)
    text = source.text
    if subject.detector:
        text = with_value(source, at, "device", "detector", subject.detector)
    elif "detector" in source.data["parking"]["spaces"][space]:
        raise by_hand(main)
    old = source.values[(*at, "device")]
    detector = source.values.get((*at, "detector"))
    shift = len(text) - len(source.text) if detector and detector.start < old.start else 0
    return text[: old.start + shift] + subject.device + text[old.end + shift :]
