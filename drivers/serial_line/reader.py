"""Reads one frame, part by part. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from drivers.serial_line.checks import Learner
from drivers.serial_line.layout import (
    CHARACTERS,
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
from drivers.serial_line.profile import Message
from drivers.serial_line.raw import Raw, Unreadable, from_bytes

LONGEST = 1024  # bytes of a frame; what would be longer is none

Found = dict[str, Raw | Unreadable]


class More(Exception):
    """So far all fits, but the frame is not whole yet."""


class Unlike(Exception):
    """No such frame starts here."""


@dataclass(frozen=True, slots=True)
class Frame:
    """`message` is "" for a whole frame of none of the messages. `groups` are the repeated parts,
    `spans` the bytes that fields outside of them came from. `proof`: what a checksum that is still
    to be found out covers, and its bytes."""

    message: str
    data: bytes
    fields: Found
    groups: Sequence[Found] = ()
    spans: Mapping[str, bytes] = field(default_factory=dict)
    proof: tuple[bytes, bytes] | None = None

    def rows(self) -> list[Found]:
        """The fields for each group; the frame's own where it has none."""
        return [{**self.fields, **group} for group in self.groups] or [self.fields]


class Reader:
    def __init__(
        self,
        parts: tuple[Part, ...],
        data: bytes | bytearray,
        start: int,
        message: Message | None,
    ) -> None:
        """`message`: says which fields must have which values; None: any."""
        self._parts, self._data, self._start = parts, data, start
        self._message = message
        self._fixed = message.set if message else {}
        self._bits = message.bits if message else {}
        self._at = start
        self._end: int | None = None  # where what a length counts ends
        self._sizes: dict[str, int] = {}
        self._groups: list[Found] = []
        self._spans: dict[str, bytes] = {}
        self._proof: tuple[bytes, bytes] | None = None
        self._in_group = False

    def frame(self, message: str) -> Frame:
        """Raises More or Unlike."""
        fields: Found = {}
        self._read(self._parts, fields)
        self._must_end_here()
        data = bytes(self._data[self._start : self._at])
        if not data:
            raise Unlike
        return Frame(message, data, fields, tuple(self._groups), self._spans, self._proof)

    def _read(self, parts: tuple[Part, ...], into: Found) -> None:
        for place, part in enumerate(parts):
            if isinstance(part, Fixed | Text):
                self._same(part.data)
            elif isinstance(part, Value):
                self._value(part, parts[place + 1 :], into)
            elif isinstance(part, Skip):
                self._take(part.skip)
            elif isinstance(part, Length):
                self._length(part)
            elif isinstance(part, Check):
                self._check(part)
            else:
                self._several(part, parts[place + 1 :], into)

    def _several(
        self, part: Body | Repeat | Digits | Tagged, later: tuple[Part, ...], into: Found
    ) -> None:
        if isinstance(part, Body):
            self._body(part)
        elif isinstance(part, Repeat):
            self._repeat(part, into)
        elif isinstance(part, Digits):
            self._digits(part, later, into)
        else:
            self._tagged(part, into)

    def _take(self, size: int) -> bytes:
        after = self._at + size
        if (self._end is not None and after > self._end) or after > self._start + LONGEST:
            raise Unlike
        if self._at + size > len(self._data):
            raise More
        taken = bytes(self._data[self._at : self._at + size])
        self._at += size
        return taken

    def _same(self, wanted: bytes) -> None:
        there = bytes(self._data[self._at : self._at + len(wanted)])
        if not wanted.startswith(there):
            raise Unlike
        self._take(len(wanted))

    def _value(self, part: Value, later: tuple[Part, ...], into: Found) -> None:
        size = part.size
        if size is None:
            size = self._sizes.get(part.field)
        if size is None:
            size = self._up_to(later, part.longest, characters=part.type in CHARACTERS)
        if size > part.longest:
            raise Unlike
        data = self._taken_text(size) if part.type in CHARACTERS else self._take(size)
        raw = from_bytes(part, data)
        self._must_fit(part.field, raw)
        into[part.field] = raw
        if not self._in_group:
            self._spans[part.field] = data

    def _must_fit(self, name: str, raw: Raw | Unreadable) -> None:
        if name in self._fixed and raw != self._fixed[name]:
            raise Unlike
        mask, value = self._bits.get(name, (0, 0))
        if mask and not (isinstance(raw, int) and raw & mask == value):
            raise Unlike

    def _taken_text(self, size: int) -> bytes:
        """Gives up at the first control character: it is in no text."""
        there = self._data[self._at : self._at + size]
        if any(byte < 0x20 for byte in there.rstrip(b"\0")):
            raise Unlike
        return self._take(size)

    def _up_to(self, later: tuple[Part, ...], longest: int, *, characters: bool) -> int:
        """Bytes before the next fixed part, or what a length leaves over. A stop is looked for
        among characters; bytes may look like one by chance."""
        stop = later[0].data if later and isinstance(later[0], Fixed | Text) else b""
        if stop and (characters or self._end is None):
            return self._before(stop, longest)
        if self._end is None:
            raise Unlike
        size = self._end - self._at - _size(later)
        if size < 0:
            raise Unlike
        return size

    def _before(self, stop: bytes, longest: int) -> int:
        there = bytes(self._data[self._at : self._at + longest + len(stop)])
        size = there.find(stop)
        if size < 0:
            raise More if len(there) < longest + len(stop) else Unlike
        return size

    def _length(self, part: Length) -> None:
        order = self._take(part.length)
        count = int.from_bytes(order if part.order == "high_first" else order[::-1]) - part.add
        if count < 0:
            raise Unlike
        if part.of is not None:
            self._sizes[part.of] = count
        else:
            self._end = self._at + count
            if self._end > self._start + LONGEST:
                raise Unlike

    def _must_end_here(self) -> None:
        if self._end is not None and self._at != self._end:
            raise Unlike
        self._end = None

    def _check(self, part: Check) -> None:
        self._must_end_here()
        covered = bytes(self._data[self._start + part.first : self._at - part.uncovered])
        found = self._take(part.width * (2 if part.text else 1))
        if part.text:
            try:
                found = bytes.fromhex(found.decode("ascii"))
            except ValueError as error:
                raise Unlike from error
        if part.check == "auto":
            self._proof = covered, found
        elif part.check != "none":
            order = ":low_first" if part.width > 1 and part.order == "low_first" else ""
            if Learner.digest(part.check + order, covered) != found:
                raise Unlike

    def _body(self, part: Body) -> None:
        """Of no known message."""
        if part.body is not True:
            self._take(part.body)
        elif self._end is not None:
            self._take(self._end - self._at)

    def _digits(self, part: Digits, later: tuple[Part, ...], into: Found) -> None:
        text = self._taken_text(self._up_to(later, 2 * part.longest, characters=True))
        try:
            data = bytes.fromhex(text.decode("ascii"))
        except ValueError as error:
            raise Unlike from error
        self._inner(part.digits, data, into)

    def _tagged(self, part: Tagged, into: Found) -> None:
        if self._end is None:
            raise Unlike
        while self._at != self._end:
            tag = int.from_bytes(self._take(part.tag))
            data = self._take(int.from_bytes(self._take(part.size)))
            if tag in part.tagged:
                self._inner(part.tagged[tag], data, into)

    def _inner(self, parts: tuple[Part, ...], data: bytes, into: Found) -> None:
        """Parts that are the whole of these bytes."""
        inner = Reader(parts, data, 0, self._message)
        inner._end = len(data)
        try:
            frame = inner.frame("")
        except More as error:
            raise Unlike from error
        if len(frame.data) != len(data):
            raise Unlike
        into |= frame.fields
        self._spans |= frame.spans
        self._groups += frame.groups

    def _repeat(self, part: Repeat, into: Found) -> None:
        count = part.count
        if isinstance(count, str):
            known = into.get(count)
            if not isinstance(known, int):
                raise Unlike
            count = known
        if count is None and self._end is None:
            raise Unlike
        self._in_group = True
        while self._at != self._end if count is None else len(self._groups) < count:
            group: Found = {}
            before = self._at
            self._read(part.repeat, group)
            if self._at == before:
                raise Unlike
            self._groups.append(group)
        self._in_group = False


def _size(parts: tuple[Part, ...]) -> int:
    """Bytes of these parts, up to the checksum."""
    size = 0
    for part in parts:
        if isinstance(part, Check):
            break
        if isinstance(part, Fixed | Text):
            size += len(part.data)
        elif isinstance(part, Value):
            size += part.size or 0
        elif isinstance(part, Skip):
            size += part.skip
        elif isinstance(part, Length):
            size += part.length
    return size
