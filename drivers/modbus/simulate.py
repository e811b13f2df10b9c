"""Answers on a wire as the Modbus devices of a configuration would."""

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from agent.contract import Device, Host, Said, Story
from drivers.modbus.bank import ILLEGAL_VALUE, Bank, Refusal
from drivers.modbus.codec import READS, REFUSAL, WRITES, crc_ok, mbap_frame, rtu_frame
from drivers.modbus.planner import READ
from drivers.modbus.profile import Table
from drivers.modbus.station import Station
from drivers.modbus.words import pack_bits, pack_registers

_TABLES: dict[int, Table] = {code: table for table, code in READ.items()}
_ILLEGAL_FUNCTION, _ILLEGAL_ADDRESS = 1, 2
_ON, _OFF = 0xFF00, 0x0000
_LONGEST = 512  # bytes kept while no request is complete


def simulate(devices: Sequence[tuple[Device, Host]], framing: str) -> "ModbusSimulator":
    """Raises Misconfigured, as the driver would."""
    banks = {}
    for device, host in devices:
        banks[device.id] = Bank(device.id, Station.of(device, host), _clock(host), host.state)
    return ModbusSimulator(banks, "tcp" if framing == "tcp" else "rtu")


class ModbusSimulator:
    """`banks`: the registers of each device, by its id. Silent for units that it has not."""

    def __init__(self, banks: dict[str, Bank], framing: Literal["rtu", "tcp"]) -> None:
        self.banks = banks
        self._heard = bytearray()
        self._framing = framing

    def follow(self, story: Story) -> None:
        for bank in self.banks.values():
            bank.follow(story)

    def hear(self, data: bytes) -> Sequence[bytes]:
        self._heard += data
        del self._heard[:-_LONGEST]
        if self._framing == "tcp":
            return [
                Said.by(name, mbap_frame(unit, answer, number))
                for number, unit, pdu in mbap_requests(self._heard)
                for name, answer in self._answer(unit, pdu)
            ]
        return [
            Said.by(name, rtu_frame(frame[0], answer))
            for frame in rtu_requests(self._heard)
            for name, answer in self._answer(frame[0], frame[1:-2])
        ]

    def _answer(self, unit: int, pdu: bytes) -> Sequence[tuple[str, bytes]]:
        """Who answers, and what; nobody to another unit's request or a broadcast."""
        asked = {n: b for n, b in self.banks.items() if b.powered and unit in {0, b.unit}}
        answers = [(name, _answer(bank, pdu)) for name, bank in asked.items()]
        if not answers or unit == 0:
            return ()
        # Several devices of the configuration may be one unit: the one that has the registers.
        missing = bytes([pdu[0] | REFUSAL, _ILLEGAL_ADDRESS])
        return [next((one for one in answers if one[1] != missing), answers[0])]


def _answer(bank: Bank, pdu: bytes) -> bytes:
    function, body = pdu[0], pdu[1:]
    if function not in READS | WRITES:
        return bytes([function | REFUSAL, _ILLEGAL_FUNCTION])
    try:
        if function in READS:
            return bytes([function]) + _read(bank, _TABLES[function], body)
        return bytes([function]) + _write(bank, function, body)
    except Refusal as refusal:
        return bytes([function | REFUSAL, refusal.code])


def _read(bank: Bank, table: Table, body: bytes) -> bytes:
    first, count = _numbers(body)
    words = bank.read(table, first, count)
    data = pack_bits(words) if table in {"coil", "discrete"} else pack_registers(words)
    return bytes([len(data)]) + data


def _write(bank: Bank, function: int, body: bytes) -> bytes:
    first, number = _numbers(body)
    if function == 5:
        if number not in {_ON, _OFF}:
            raise Refusal(ILLEGAL_VALUE)
        bank.write("coil", first, [int(number == _ON)])
    elif function == 6:
        bank.write("holding", first, [number])
    elif function == 15:
        bank.write("coil", first, _bits(body[5:], number))
    else:
        bank.write("holding", first, _registers(body[5:], number))
    return body[:4]


def _numbers(body: bytes) -> tuple[int, int]:
    if len(body) < 4:
        raise Refusal(ILLEGAL_VALUE)
    first, number = struct.unpack_from(">HH", body)
    return first, number


def _bits(data: bytes, count: int) -> list[int]:
    if not count or len(data) != (count + 7) // 8:
        raise Refusal(ILLEGAL_VALUE)
    return [data[place >> 3] >> (place & 7) & 1 for place in range(count)]


def _registers(data: bytes, count: int) -> list[int]:
    if not count or len(data) != 2 * count:
        raise Refusal(ILLEGAL_VALUE)
    return list(struct.unpack(f">{count}H", data))


def rtu_requests(heard: bytearray) -> Iterator[bytes]:
    """Takes whole requests out, and the noise before them; leaves what may still become one."""
    at = 0
    while at < len(heard):
        size = _request_size(heard, at)
        if size is not None and at + size <= len(heard) and crc_ok(heard[at : at + size]):
            yield bytes(heard[at : at + size])
            del heard[: at + size]
            at = 0
        else:
            at += 1


def _request_size(heard: bytearray, at: int) -> int | None:
    """Of the RTU request that may start here; None when none does, or not enough was heard."""
    left = len(heard) - at
    if left < 8:
        return None
    if heard[at + 1] in {15, 16}:
        return 9 + heard[at + 6]
    return 8


def mbap_requests(heard: bytearray) -> Iterator[tuple[int, int, bytes]]:
    while len(heard) >= 8:
        number, protocol, length = struct.unpack_from(">HHH", heard)
        if protocol or not 2 <= length <= 254:
            del heard[:1]
            continue
        if len(heard) < 6 + length:
            return
        yield number, heard[6], bytes(heard[7 : 6 + length])
        del heard[: 6 + length]


def _clock(host: Host) -> Callable[[], float]:
    return lambda: host.now().wall / 1e9
