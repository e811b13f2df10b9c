"""Pictures out of multipart/x-mixed-replace (RFC 2046), which cameras call MJPEG. Pure.

Most cameras say in each part's head how long it is; then nothing is searched through. Some do not,
or say it wrong: then the picture's own end is looked for, behind its heads, which may hold a small
picture with an end of its own.
"""

import re

BEGIN, END = b"\xff\xd8", b"\xff\xd9"
LONGEST = 16 << 20  # bytes of one picture
HEAD = 2000  # bytes at most in which a part's head is looked at
PADDED = 16  # bytes of line ends or zeros that a length may count in
_BLANK = (b"\n\n", b"\r\n\r\n")
_LENGTH = re.compile(rb"content-length:[ \t]*(\d{1,9})\b", re.IGNORECASE)
_SCAN = 0xDA


class Parts:
    """Takes bytes as they come, gives the newest picture that is whole."""

    def __init__(self) -> None:
        self._heard = bytearray()
        self._within = False  # what was heard begins with a picture
        self._length: int | None = None  # of that picture, as its head says
        self._searched = 0  # bytes in which there is nothing to be found any more

    @property
    def waiting(self) -> int:
        """Bytes that are kept."""
        return len(self._heard)

    def feed(self, piece: bytes) -> bytes | None:
        """None: no picture has become whole."""
        self._heard += piece
        newest = None
        while (jpeg := self._next()) is not None:
            newest = jpeg
        return newest

    def _next(self) -> bytes | None:
        if not self._within and not self._begin():
            return None
        end = self._end()
        if end is None:
            return None
        jpeg = bytes(self._heard[:end])
        self._forget(end)
        self._within = False
        return jpeg

    def _begin(self) -> bool:
        """Whether a picture begins; drops what came before it."""
        while (at := self._heard.find(b"\n" + BEGIN, self._searched)) >= 0:
            head = bytes(self._heard[max(0, at - HEAD) : at + 1])
            if head.endswith(_BLANK):
                told = [int(digits) for digits in _LENGTH.findall(head)]
                self._length = told[-1] if told and told[-1] <= LONGEST else None
                self._forget(at + 1)
                self._within = True
                return True
            self._searched = at + 1
        self._searched = max(0, len(self._heard) - len(BEGIN))
        return False

    def _end(self) -> int | None:
        """Behind the picture; None: it is not whole yet."""
        if self._length is not None:
            if len(self._heard) < self._length:
                return None
            found = self._heard.rfind(END, max(0, self._length - PADDED), self._length)
            if found >= 0:
                return found + len(END)
            self._length = None
        heads = _behind_heads(self._heard)
        if heads is None:
            return None
        found = self._heard.find(END, max(self._searched, heads))
        if found >= 0:
            return found + len(END)
        self._searched = len(self._heard) - 1
        return None

    def _forget(self, count: int) -> None:
        del self._heard[:count]
        self._searched = 0


def _behind_heads(jpeg: bytearray) -> int | None:
    """Where the first scan of a picture begins (ITU-T T.81, annex B), or what is no head at all;
    None: not told yet."""
    at = len(BEGIN)
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF:
        after = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if jpeg[at + 1] == _SCAN:
            return after
        at = after
    return at if at + 4 <= len(jpeg) else None
