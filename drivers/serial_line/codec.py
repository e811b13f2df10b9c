"""Messages to frames, and what was heard back to messages. Pure: bytes in, bytes out.

A frame is only believed when everything fits: fixed bytes, lengths, checksum, end. Within a frame
that is whole nothing is looked for, so that no part of one is taken for another.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agent.contract import DeviceFault
from drivers.serial_line.checks import Learner
from drivers.serial_line.layout import (
    Body,
    Check,
    Digits,
    Fixed,
    Length,
    Part,
    Repeat,
    Skip,
    Tagged,
    Text,
    Value,
)
from drivers.serial_line.profile import Profile
from drivers.serial_line.raw import Raw, to_bytes
from drivers.serial_line.reader import Frame, More, Reader, Unlike

Fields = Mapping[str, Raw]


@dataclass(slots=True)
class Sifted:
    """`used` bytes need not be looked at again; some of them were no frame: `noise`."""

    frames: list[Frame] = field(default_factory=list)
    used: int = 0
    noise: bool = False


class Codec:
    """The messages of one profile; `check` stands in for the profile's own checksum."""

    def __init__(self, profile: Profile, check: str | None = None, learned: str = "") -> None:
        self.profile = profile
        self._parts = {name: _checked(profile.parts(name), check) for name in profile.messages}
        self._whole = _checked(profile.frame, check) if _bounded(profile.frame) else None
        self._preamble = bytes.fromhex(profile.preamble.hex) if profile.preamble else b""
        auto = next(filter(None, map(_auto, self._parts.values())), None)
        self.learner = Learner(auto.width, learned) if auto else None

    def values(self, message: str) -> dict[str, Value]:
        return self.profile.values(message)

    def build(self, message: str, fields: Fields, groups: Sequence[Fields] = ()) -> bytes:
        """Fields that are not given are as `set:` and `default:` say, else 0 or empty.
        Raises DeviceFault when a field cannot carry its value."""
        told = {**self.profile.messages[message].set, **fields}
        for name, (mask, value) in self.profile.messages[message].bits.items():
            told[name] = int(told.get(name, 0)) & ~mask | value
        body = _Writer(self._parts[message], told, groups, self._digest).frame()
        lead = self._preamble * self.profile.preamble.send if self.profile.preamble else b""
        return lead + body

    def sift(
        self, heard: bytes | bytearray, first: Collection[str] = (), *, final: bool = False
    ) -> Sifted:
        """All whole frames, in order. `first`: messages that a frame is rather than any other of
        the same shape. `final`: nothing more will come, so that what only began to look like a
        frame is noise.

        What begins right behind a frame is waited for; behind noise it may be noise, too, so that
        frames are looked for within it.
        """
        found = Sifted()
        at = clean = 0
        rest: int | None = None
        order = [*first, *(name for name in self._parts if name not in first)]
        while at < len(heard):
            frame, begun = self._frame_at(order, heard, at)
            if frame is not None:
                found.frames.append(frame)
                found.noise |= rest is not None
                at = clean = at + len(frame.data)
                rest = None
                continue
            if begun and not final:
                rest = at if rest is None else rest
                if at == clean:
                    break
            lead = heard[at : at + 1] == self._preamble
            found.noise |= rest is None and not lead
            clean += lead and at == clean
            at += 1
        found.used = at if rest is None else rest
        return found

    @property
    def sure(self) -> bool:
        """Whether it is known which checksum the device uses."""
        return self.learner is None or bool(self.learner.learned)

    def learn(self, frame: Frame) -> bool:
        """Whether the frame's checksum is known to be right."""
        if frame.proof is None or self.learner is None:
            return True
        self.learner.see(*frame.proof)
        return self.sure

    def _frame_at(
        self, order: Sequence[str], heard: bytes | bytearray, at: int
    ) -> tuple[Frame | None, bool]:
        """The frame that starts here; and whether one may have begun."""
        begun = False
        for name in order:
            try:
                return self._read(name, self._parts[name], heard, at), True
            except More:
                begun = True
            except Unlike:
                continue
        if self._whole is not None and not begun:
            try:
                return self._read("", self._whole, heard, at), True
            except More:
                begun = True
            except Unlike:
                pass
        return None, begun

    def _read(self, name: str, parts: tuple[Part, ...], heard: bytes | bytearray, at: int) -> Frame:
        frame = Reader(parts, heard, at, self.profile.messages.get(name)).frame(name)
        learned = self.learner.learned if self.learner else ""
        if frame.proof is not None and learned:
            covered, found = frame.proof
            if Learner.digest(learned, covered) != found:
                raise Unlike
            return replace(frame, proof=None)
        return frame

    def _digest(self, check: Check, covered: bytes) -> bytes:
        if check.check == "none":
            return bytes(check.width)
        if check.check == "auto":
            learned = self.learner.learned if self.learner else ""
            return Learner.digest(learned or _USUAL[check.width], covered)
        return Learner.digest(_rule(check), covered)


_USUAL = {1: "sum8", 2: "crc16_modbus:low_first"}  # sent while it is not known which


class _Writer:
    """One frame on its way out."""

    def __init__(
        self,
        parts: tuple[Part, ...],
        told: Mapping[str, Any],
        groups: Sequence[Fields],
        digest: Any,
    ) -> None:
        self._parts, self._told, self._groups, self._digest = parts, told, groups, digest
        self._out = bytearray()
        self._open: tuple[Length, int] | None = None  # a length, and where it stands

    def frame(self) -> bytes:
        self._write(self._parts, self._told)
        self._close()
        return bytes(self._out)

    def _write(self, parts: tuple[Part, ...], told: Mapping[str, Any]) -> None:
        for at, part in enumerate(parts):
            if isinstance(part, Length):
                self._length(part, parts[at + 1 :], told)
            elif isinstance(part, Check):
                self._check(part)
            elif isinstance(part, Repeat):
                for group in self._groups:
                    self._write(part.repeat, group)
            elif isinstance(part, Digits):
                self._out += self._inner(part.digits, told).hex().upper().encode("ascii")
            elif isinstance(part, Tagged):
                self._tagged(part, told)
            else:
                self._out += _plain(part, told)

    def _inner(self, parts: tuple[Part, ...], told: Mapping[str, Any]) -> bytes:
        return _Writer(parts, told, self._groups, self._digest).frame()

    def _tagged(self, part: Tagged, told: Mapping[str, Any]) -> None:
        for tag, parts in part.tagged.items():
            data = self._inner(parts, told)
            self._out += tag.to_bytes(part.tag) + len(data).to_bytes(part.size) + data

    def _length(self, part: Length, later: tuple[Part, ...], told: Mapping[str, Any]) -> None:
        if part.of is None:
            self._open = part, len(self._out)
            self._out += bytes(part.length)
            return
        counted = next(p for p in later if isinstance(p, Value) and p.field == part.of)
        self._out += _count(part, len(_value(counted, told)))

    def _close(self) -> None:
        if self._open is not None:
            (part, at), self._open = self._open, None
            after = at + part.length
            self._out[at:after] = _count(part, len(self._out) - after)

    def _check(self, part: Check) -> None:
        self._close()
        covered = bytes(self._out[part.first : len(self._out) - part.uncovered])
        digest = self._digest(part, covered)
        self._out += digest.hex().upper().encode("ascii") if part.text else digest


def _plain(part: Part, told: Mapping[str, Any]) -> bytes:
    if isinstance(part, Fixed | Text):
        return part.data
    if isinstance(part, Skip):
        return bytes([part.fill]) * part.skip
    return _value(part, told) if isinstance(part, Value) else b""


def _value(part: Value, told: Mapping[str, Any]) -> bytes:
    raw = told.get(part.field, part.default)
    if raw is None:
        raw = {"text": "", "raw": "00" * (part.size or 0)}.get(part.type, 0)
    return to_bytes(part, raw)


def _count(part: Length, size: int) -> bytes:
    try:
        data = (size + part.add).to_bytes(part.length)
    except OverflowError as error:
        raise DeviceFault(
            "the message is too long: {size} bytes",
            hint="write a shorter text",
            reason="value",
            size=size,
        ) from error
    return data[::-1] if part.order == "low_first" else data


def _checked(parts: tuple[Part, ...], check: str | None) -> tuple[Part, ...]:
    """With another checksum of the same size."""
    if check is None:
        return parts
    return tuple(
        Check.model_validate(
            part.model_dump(exclude={"size"})
            | {"check": check}
            | ({"size": part.width} if check in {"auto", "none"} else {})
        )
        if isinstance(part, Check)
        else part
        for part in parts
    )


def _auto(parts: tuple[Part, ...]) -> Check | None:
    return next((p for p in parts if isinstance(p, Check) and p.check == "auto"), None)


def _bounded(frame: tuple[Part, ...]) -> bool:
    """Whether the end of a frame is known without knowing the message."""
    length = any(isinstance(part, Length) and part.of is None for part in frame)
    return any(isinstance(p, Body) and (length or p.body is not True) for p in frame)


def _rule(check: Check) -> str:
    return check.check + (":low_first" if check.width > 1 and check.order == "low_first" else "")
