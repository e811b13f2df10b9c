"""Requests, and the answers to them as they come in. Pure: bytes in, bytes out.

Function codes 1 to 6, 15 and 16, in RTU frames and in MBAP frames (Modbus TCP). pymodbus builds
the requests, the frames and the CRC. Answers are taken apart here, because its framer gives up at
the first wrong CRC, passes on answers of other requests, and knows nothing of other units' frames.
"""

import itertools
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pymodbus.framer.rtu import FramerRTU
from pymodbus.framer.socket import FramerSocket
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.bit_message import WriteMultipleCoilsRequest, WriteSingleCoilRequest
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from agent.contract import LinkLost
from drivers.modbus.planner import Block

READS = frozenset({1, 2, 3, 4})
WRITES = frozenset({5, 6, 15, 16})
REFUSAL = 0x80  # added to the function code of an exception reply

_rtu = FramerRTU(DecodePDU(is_server=False))
_mbap = FramerSocket(DecodePDU(is_server=False))
_numbers = itertools.count(1)  # transaction ids, of all devices of this process


@dataclass(frozen=True)
class Request:
    """`body` follows the function code. The answer to a read has `size` data bytes, the answer to
    a write is `echo`. Made once and asked many times: its frames are kept."""

    unit: int
    function: int
    body: bytes
    size: int = 0
    echo: bytes = b""

    @cached_property
    def rtu_frame(self) -> bytes:
        return rtu_frame(self.unit, bytes([self.function]) + self.body)

    @cached_property
    def mbap_tail(self) -> bytes:
        """All of the frame behind the transaction id."""
        return mbap_frame(self.unit, bytes([self.function]) + self.body, 0)[2:]

    @cached_property
    def answer_head(self) -> bytes:
        """How an RTU answer that is no exception begins."""
        return bytes([self.unit, self.function]) + (self.echo or bytes([self.size]))

    def fits(self, pdu: bytes) -> bool:
        """Whether these bytes, from the function code on, can be the answer."""
        if pdu[0] == self.function | REFUSAL:
            return len(pdu) == 2
        if pdu[0] != self.function:
            return False
        if self.echo:
            return pdu[1:] == self.echo
        return len(pdu) == 2 + self.size and pdu[1] == self.size


def read(unit: int, block: Block) -> Request:
    body = ReadHoldingRegistersRequest(address=block.first, count=block.count).encode()
    return Request(unit, block.function, body, size=block.size)


def write(
    unit: int, function: Literal[5, 6, 15, 16], address: int, words: Sequence[int]
) -> Request:
    """`words` are registers, or 0 and 1 for coils."""
    bits = [bool(word) for word in words]
    if function == 5:
        body = WriteSingleCoilRequest(address=address, bits=bits[:1]).encode()
    elif function == 6:
        body = WriteSingleRegisterRequest(address=address, registers=words[:1]).encode()
    elif function == 15:
        body = WriteMultipleCoilsRequest(address=address, bits=bits).encode()
    else:
        body = WriteMultipleRegistersRequest(address=address, registers=words).encode()
    return Request(unit, function, body, echo=body[:4])


def rtu_frame(unit: int, pdu: bytes) -> bytes:
    return bytes(_rtu.encode(pdu, unit, 0))


def mbap_frame(unit: int, pdu: bytes, number: int) -> bytes:
    return bytes(_mbap.encode(pdu, unit, number))


def crc_ok(frame: bytes | bytearray) -> bool:
    return FramerRTU.compute_CRC(bytes(frame[:-2])) == frame[-2] << 8 | frame[-1]


class RtuExchange:
    """One request on a serial line, and its answer.

    Nothing but unit, function and size connects an answer to its request. So every other frame of
    the unit, and every second one, proves that answers come late: LinkLost, reason `late`.
    """

    __slots__ = ("_noise", "_request", "_rest", "_whole", "frame")

    def __init__(self, request: Request) -> None:
        self._request = request
        self.frame = request.rtu_frame
        self._whole = 4 + len(request.echo) if request.echo else 5 + request.size
        self._noise = False
        self._rest = 0

    @property
    def garbled(self) -> bool:
        """Something was heard that is no whole frame of anybody."""
        return self._noise or self._rest > 0

    def accept(self, heard: bytearray) -> bytes | None:
        head = self._request.answer_head
        if len(heard) < self._whole and head.startswith(heard[: len(head)]):
            self._rest = len(heard)  # a part of the answer, and nothing else: the common case
            return None
        frames, understood, noise = sift(heard, self._request.unit)
        self._noise = self._noise or noise
        del heard[:understood]
        self._rest = len(heard)
        if not frames:
            return None
        if len(frames) > 1 or not self._request.fits(frames[0][1:-2]):
            raise late(self._request.unit)
        return frames[0]

    def answer(self, frame: bytes) -> tuple[int, bytes]:
        """(exception code or 0, data)."""
        return (frame[2], b"") if frame[1] & REFUSAL else (0, frame[3:-2])


def sift(heard: bytearray, unit: int) -> tuple[list[bytes], int, bool]:
    """The whole frames of a unit; how many bytes need not be looked at again; and whether some of
    those were noise.

    Whole frames of other units are passed over as such, so that nothing within them is taken for
    an answer. Noise costs one step each, which resynchronises at the next frame.
    """
    frames: list[bytes] = []
    at = clean = 0
    rest: int | None = None
    noise = False
    while at < len(heard):
        size = answer_size(heard, at)
        if size is not None and at + size <= len(heard) and crc_ok(heard[at : at + size]):
            if heard[at] == unit:
                frames.append(bytes(heard[at : at + size]))
            noise = noise or (clean < at and rest is None)
            at += size
            clean = at
            continue
        partial = size is not None and at + size > len(heard)
        if rest is None and partial and (heard[at] == unit or at == clean):
            rest = at
        at += 1
    understood = len(heard) if rest is None else rest
    return frames, understood, noise or clean < understood


def answer_size(heard: bytearray, at: int) -> int | None:
    """Bytes of the RTU answer that may start here, at least; None when none does."""
    left = len(heard) - at
    if left < 2:
        return 3
    function = heard[at + 1]
    if function & REFUSAL:
        return 5 if function ^ REFUSAL in READS | WRITES else None
    if function in READS:
        return 5 + heard[at + 2] if left > 2 else 6
    return 8 if function in WRITES else None


class MbapExchange:
    """One request in a Modbus TCP connection, and its answer: it has the same transaction id."""

    __slots__ = ("_request", "_rest", "frame")

    def __init__(self, request: Request) -> None:
        self._request = request
        self._rest = 0
        self.frame = (next(_numbers) & 0xFFFF).to_bytes(2) + request.mbap_tail

    @property
    def garbled(self) -> bool:
        """Something was heard that is no whole frame."""
        return self._rest > 0

    def accept(self, heard: bytearray) -> bytes | None:
        frame = self._next(heard)
        self._rest = len(heard)
        if frame is None:
            return None
        if frame[6] != self._request.unit or not self._request.fits(frame[7:]):
            raise LinkLost(
                "unit {unit}: the answer does not belong to the request",
                hint="check `unit:`; if a converter from TCP to RS-485 is in between, "
                "raise its timeout above the device's",
                reason="late",
                unit=self._request.unit,
            )
        return frame

    def answer(self, frame: bytes) -> tuple[int, bytes]:
        """(exception code or 0, data)."""
        return (frame[8], b"") if frame[7] & REFUSAL else (0, frame[9:])

    def _next(self, heard: bytearray) -> bytes | None:
        """The first whole frame with our number; removes those before it, and noise."""
        head = self.frame[:4]
        while len(heard) >= 8:
            protocol, length = struct.unpack_from(">HH", heard, 2)
            if protocol or not 3 <= length <= 254:
                at = heard.find(head, 1)
                del heard[: at if at > 0 else -3]
                continue
            if len(heard) < 6 + length:
                return None
            if heard.startswith(head):
                return bytes(heard[: 6 + length])
            del heard[: 6 + length]
        return None


Exchange = RtuExchange | MbapExchange


def exchange(framing: Literal["rtu", "tcp"], request: Request) -> Exchange:
    return MbapExchange(request) if framing == "tcp" else RtuExchange(request)


def late(unit: int) -> LinkLost:
    return LinkLost(
        "unit {unit} answers later than it was given time",
        hint="raise `timeout:` of the device; if other masters share the bus, take them off it",
        reason="late",
        unit=unit,
    )
