"""What the demo puts on the terminal: a board in place, or plain lines where it is no terminal."""

import sys
import time
import unicodedata
from collections import deque
from dataclasses import dataclass, field

from agent.i18n import say

_UP_AND_CLEAR = "\x1b[{lines}F\x1b[J"
_BOLD, _DIM, _RED, _GREEN, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[0m"
_LINES_KEPT = 8
_NOT_SHOWN = "confined"  # a point that never changes
_PLAIN_EVERY = 5.0  # s between summary lines where the output is no terminal


@dataclass(slots=True)
class Arrived:
    """The newest value of one point on the cloud's side."""

    text: str
    bad: bool


@dataclass(slots=True)
class Picture:
    """All that one redraw shows."""

    title: str
    left: str
    devices: dict[str, dict[str, Arrived]]
    names: dict[str, str]
    received: int
    rate: float  # records/s
    missing: int
    delay: float | None  # s, of the newest record


@dataclass(slots=True)
class Screen:
    """Draws to stdout."""

    tty: bool = field(default_factory=sys.stdout.isatty)
    started: float = field(default_factory=time.monotonic)
    _notes: deque[str] = field(default_factory=lambda: deque(maxlen=_LINES_KEPT))
    _drawn: int = 0
    _said: float = 0.0

    def note(self, text: str) -> None:
        """Something happened."""
        line = f"{_clock(time.monotonic() - self.started)}  {text}"
        if self.tty:
            self._notes.append(line)
        else:
            print(line, flush=True)

    def draw(self, picture: Picture) -> None:
        if self.tty:
            self._erase()
            lines = _board(picture, list(self._notes))
            print("\n".join(lines), flush=True)
            self._drawn = len(lines)
        elif time.monotonic() - self._said >= _PLAIN_EVERY:
            self._said = time.monotonic()
            self.note(f"{_cloud(picture)}; {_newest(picture)}")

    def close(self, lines: list[str]) -> None:
        """The summary, under the last picture."""
        self._drawn = 0
        print("\n".join(["", *lines]), flush=True)

    def _erase(self) -> None:
        if self._drawn:
            sys.stdout.write(_UP_AND_CLEAR.format(lines=self._drawn))


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"


def _board(picture: Picture, notes: list[str]) -> list[str]:
    lines = [f"{_BOLD}{picture.title}{_PLAIN}  {_DIM}{picture.left}{_PLAIN}", ""]
    for device, points in picture.devices.items():
        label = pad(f"{picture.names.get(device, '')} {device}".strip(), 26)
        shown = [(point, value) for point, value in points.items() if point != _NOT_SHOWN][:3]
        cells = [
            pad(f"{point} {value.text}", 26, _RED if value.bad else "") for point, value in shown
        ]
        lines.append(f"  {label}{''.join(cells)}".rstrip())
    colour = _GREEN if picture.missing == 0 else _RED
    lines += ["", f"  {colour}{_cloud(picture)}{_PLAIN}", ""]
    return lines + [f"  {note}" for note in notes]


def _cloud(picture: Picture) -> str:
    delay = "-" if picture.delay is None else f"{picture.delay:.1f}"
    return say(
        "cloud: {received} records, {rate:.0f}/s, {delay} s old, on their way {missing}",
        received=picture.received,
        rate=picture.rate,
        delay=delay,
        missing=picture.missing,
    )


def _newest(picture: Picture) -> str:
    firsts = [
        f"{device}/{point} {value.text}"
        for device, points in picture.devices.items()
        for point, value in list(points.items())[:1]
    ]
    return ", ".join(firsts[:4])


def pad(text: str, width: int, colour: str = "") -> str:
    """Cut or filled to `width` terminal columns; a Chinese character takes two."""
    kept, used = "", 0
    for character in text:
        wide = 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if used + wide > width - 2:
            kept, used = kept + "…", used + 1
            break
        kept, used = kept + character, used + wide
    return f"{colour}{kept}{_PLAIN if colour else ''}{' ' * (width - used)}"
