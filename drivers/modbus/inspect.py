"""Reads any registers of a device, whatever its profile says."""

import re
from collections.abc import Sequence
from typing import cast

from agent.contract import Device, Host, Misconfigured
from drivers.modbus import codec
from drivers.modbus.planner import Block
from drivers.modbus.profile import Table
from drivers.modbus.station import Station
from drivers.modbus.unit import refused

_WHAT = re.compile(
    r"(coil|discrete|input|holding):(0[xX][0-9a-fA-F]{1,4}|[0-9]{1,5})(?::([0-9]+))?"
)
_MOST = {False: 125, True: 2000}  # registers, bits


async def inspect(device: Device, host: Host, what: str) -> Sequence[tuple[str, bytes]]:
    """Raises Misconfigured, LinkLost, DeviceFault."""
    block = named(what)
    station, wire = Station.of(device, host), host.wire()
    exchange = codec.exchange(wire.framing, codec.read(station.unit, block))
    async with wire.turn(station.line, station.guard) as turn:
        frame = await turn.ask(exchange.frame, exchange.accept, station.timeout)
    code, data = exchange.answer(frame)
    if code:
        raise refused(station.unit, code)
    return list(_cells(block, data))


def named(what: str) -> Block:
    """`holding:0:10`, `input:0x1F`: a table, the first address from 0 on, and how many."""
    match = _WHAT.fullmatch(what)
    if match:
        block = Block(cast("Table", match[1]), int(match[2], 0), int(match[3] or 1))
        if 0 < block.count <= _MOST[block.bits] and block.first + block.count <= 0x10000:
            return block
    raise Misconfigured(
        "'{what}' names no registers",
        hint="write a table, the first address (from 0) and how many, like holding:0:10; the "
        "tables are coil, discrete, input and holding",
        what=what,
    )


def _cells(block: Block, data: bytes) -> Sequence[tuple[str, bytes]]:
    names = [f"{block.table} {block.first + at}" for at in range(block.count)]
    if block.bits:
        bits = [data[at >> 3] >> (at & 7) & 1 for at in range(block.count)]
        return [(name, bytes([bit])) for name, bit in zip(names, bits, strict=True)]
    return [(name, data[2 * at : 2 * at + 2]) for at, name in enumerate(names)]
