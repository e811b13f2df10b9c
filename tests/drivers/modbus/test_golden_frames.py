"""Frames out of manuals whose devices have no profile: the codec speaks them all the same."""

import struct

import pytest

from drivers.modbus import codec
from drivers.modbus.planner import Block

LEAF = "souliw.cn leaf humidity sensor, protocol page"
SKYDRIVE = "seller's protocol page of SkyDrive type relay boards"
WIND = "RS485 wind sensors without a name, default id 2: command list"


@pytest.mark.parametrize(
    ("source", "request_", "frame"),
    [
        (LEAF, codec.read(0, Block("holding", 1, 1)), "00 03 00 01 00 01 D4 1B"),
        (LEAF, codec.write(0, 16, 1, [0x33]), "00 10 00 01 00 01 02 00 33 EA 04"),
        (SKYDRIVE, codec.write(0, 6, 0x4000, [2]), "00 06 40 00 00 02 1C 1A"),
        (SKYDRIVE, codec.read(0, Block("holding", 0x4000, 1)), "00 03 40 00 00 01 90 1B"),
        (WIND, codec.write(0, 6, 0x20, [2]), "00 06 00 20 00 02 08 10"),
    ],
)
def test_a_request_is_the_frame_of_the_manual(
    source: str, request_: codec.Request, frame: str
) -> None:
    assert codec.RtuExchange(request_).frame == bytes.fromhex(frame), source


def test_a_sensor_that_answers_unit_0_is_understood() -> None:
    """Contrary to the standard; such a device must be alone on its wire."""
    exchange = codec.RtuExchange(codec.read(0, Block("holding", 1, 1)))
    reply = bytes.fromhex("00 03 02 00 FF C5 C4")
    assert exchange.accept(bytearray(reply)) == reply, LEAF
    code, data = exchange.answer(reply)
    assert (code, *struct.unpack(">H", data)) == (0, 0xFF)
