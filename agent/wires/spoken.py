"""What a receiver set to one line makes of bytes that were sent at another."""

import fcntl
import struct
import termios
from collections.abc import Iterator

from agent.contract import Line, Parity

_TCGETS2 = 0x802C542A  # the only call that tells every speed, as a number
_TERMIOS2 = struct.Struct("=4I20s2I")
_ODD = {"none": 0, "even": 0, "odd": 1}


def mark_parity(fd: int, parity: Parity) -> None:
    """For `spoken_on`: a pseudo-terminal has no parity, but keeps these two flags."""
    attributes = termios.tcgetattr(fd)
    attributes[0] &= ~termios.INPCK
    attributes[2] &= ~termios.PARODD
    if parity != "none":
        attributes[0] |= termios.INPCK
    if parity == "odd":
        attributes[2] |= termios.PARODD
    termios.tcsetattr(fd, termios.TCSANOW, attributes)


def spoken_on(fd: int) -> Line:
    """The settings that the user of a pseudo-terminal has chosen."""
    got = fcntl.ioctl(fd, _TCGETS2, bytes(_TERMIOS2.size))
    iflag, _, cflag, _, _, baud, _ = _TERMIOS2.unpack(got)
    parity: Parity = "none"
    if iflag & termios.INPCK:
        parity = "odd" if cflag & termios.PARODD else "even"
    return Line(baud, parity, 2 if cflag & termios.CSTOPB else 1)


def understood(said: Line, heard: Line) -> bool:
    """One stop bit or two: a receiver looks at the first only."""
    return (said.baud, said.parity, said.data_bits) == (heard.baud, heard.parity, heard.data_bits)


def misheard(data: bytes, said: Line, heard: Line) -> bytes:
    """The characters that a receiver at `heard` makes of what was sent at `said`; those with a
    wrong parity or stop bit are lost to it."""
    if understood(said, heard):
        return data
    levels = [level for byte in data for level in _levels(byte, said)]
    return bytes(_received(levels, said.baud / heard.baud, heard))


def _levels(byte: int, line: Line) -> Iterator[int]:
    """Bit by bit: start, data from the lowest bit on, parity, stop."""
    bits = [byte >> place & 1 for place in range(line.data_bits)]
    yield 0
    yield from bits
    if line.parity != "none":
        yield sum(bits) + _ODD[line.parity] & 1
    yield from [1] * line.stop_bits


def _received(levels: list[int], ratio: float, line: Line) -> Iterator[int]:
    """`ratio`: sent bits in the time of one received bit. Behind the last the line is idle."""

    def level(at: float) -> int:
        return levels[int(at)] if int(at) < len(levels) else 1

    frame = 1 + line.data_bits + (line.parity != "none")
    at = 0.0
    while at < len(levels):
        if level(at):  # idle: on to the next sent bit, which may be a start
            at = int(at) + 1.0
            continue
        bits = [level(at + ratio * (place + 0.5)) for place in range(frame + 1)]
        data = bits[1 : 1 + line.data_bits]
        even = line.parity == "none" or (sum(bits[1:frame]) + _ODD[line.parity]) % 2 == 0
        if even and bits[frame]:
            yield sum(bit << place for place, bit in enumerate(data))
        at += ratio * (frame + 0.5)
        while at < len(levels) and not level(at):  # a line that stays low starts nothing
            at = int(at) + 1.0
