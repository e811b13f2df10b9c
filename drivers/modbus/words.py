"""In which order the bytes of a value stand on the wire. Pure.

The four orders of a 32-bit value ABCD, most significant byte first:

    words high_first, bytes high_first   A B C D
    words low_first,  bytes high_first   C D A B
    words high_first, bytes low_first    B A D C
    words low_first,  bytes low_first    D C B A
"""

import struct
from collections.abc import Callable, Sequence
from operator import itemgetter

from drivers.modbus.profile import Point

Chunk = Callable[[bytes, int], bytes]


def positions(point: Point) -> list[int]:
    """Where on the wire each byte of the value stands, most significant byte first."""
    registers = range(point.width)
    if point.words == "low_first":
        registers = registers[::-1]
    pair = (0, 1) if point.bytes == "high_first" else (1, 0)
    return [2 * register + byte for register in registers for byte in pair]


def struct_order(point: Point) -> str:
    """`>` or `<` where struct can read the wire as it is, else ""."""
    order = positions(point)
    if order == sorted(order):
        return ">"
    return "<" if order == sorted(order, reverse=True) else ""


def chunk(point: Point) -> Chunk:
    """A function that takes the point's bytes out of an answer, most significant byte first."""
    order = positions(point)
    size = len(order)
    if order == sorted(order):
        return lambda data, at: data[at : at + size]
    pick = itemgetter(*order)
    return lambda data, at: bytes(pick(data[at : at + size]))


def to_wire(point: Point, value: bytes) -> list[int]:
    """Registers in the order of the wire; `value` has its most significant byte first."""
    wire = bytearray(len(value))
    for byte, position in zip(value, positions(point), strict=True):
        wire[position] = byte
    return list(struct.unpack(f">{len(wire) // 2}H", wire))


def pack_registers(registers: Sequence[int]) -> bytes:
    """As they stand in a frame."""
    return struct.pack(f">{len(registers)}H", *registers)


def pack_bits(bits: Sequence[bool | int]) -> bytes:
    """As they stand in a frame: the first is the lowest bit of the first byte."""
    number = sum(1 << place for place, bit in enumerate(bits) if bit)
    return number.to_bytes((len(bits) + 7) // 8, "little")
