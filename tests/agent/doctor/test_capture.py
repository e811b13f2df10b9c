"""The capture, as a person reads it and as Wireshark does."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from agent.contract import Misconfigured
from agent.doctor import capture
from agent.doctor.tape import Piece, frames
from drivers.modbus.codec import rtu_frame

ASKED = rtu_frame(3, bytes.fromhex("03 0000 0001"))
ANSWERED = rtu_frame(3, bytes.fromhex("03 02 00d6"))
SAID = [
    Piece(1_800_000_000.25, "tx", ASKED),
    Piece(1_800_000_000.30, "rx", ANSWERED[:3]),
    Piece(1_800_000_000.31, "rx", ANSWERED[3:]),
    Piece(1_800_000_001.00, "rx", b"\x00"),
]


def meaning(data: bytes) -> str:
    return "" if len(data) < 5 else "unit 3"


def test_pieces_that_follow_closely_are_one_frame() -> None:
    assert [piece.data for piece in frames(SAID)] == [ASKED, ANSWERED, b"\x00"]


def test_the_text_tells_direction_bytes_and_meaning(tmp_path: Path) -> None:
    capture.write(tmp_path / "wire", SAID, meaning, "mbrtu")
    lines = (tmp_path / "wire.txt").read_text().splitlines()
    assert lines[0].endswith(f"-> {ASKED.hex(' ')}   unit 3")
    assert lines[1].endswith(f"<- {ANSWERED.hex(' ')}   unit 3")
    assert lines[2].endswith("<- 00")


def test_each_packet_names_its_dissector(tmp_path: Path) -> None:
    _, pcap = capture.write(tmp_path / "wire", SAID, meaning, "mbrtu")
    data = pcap.read_bytes()
    magic, _, _, _, _, _, link = struct.unpack_from("<IHHiIII", data)
    assert (magic, link) == (0xA1B2C3D4, 252)
    assert data.count(b"mbrtu") == 2
    assert data.count(b"data") == 1
    assert data.endswith(b"\x00")


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_wireshark_reads_modbus_rtu(tmp_path: Path) -> None:
    _, pcap = capture.write(tmp_path / "wire", SAID, meaning, "mbrtu")
    command = ["tshark", "-r", str(pcap), "-T", "fields", "-e", "mbrtu.unit_id",
               "-e", "modbus.func_code", "-e", "modbus.regval_uint16"]  # fmt: skip
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert [line.split("\t") for line in shown.splitlines()][:2] == [["3", "3", ""],
                                                                     ["3", "3", "214"]]  # fmt: skip


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        capture.write(tmp_path / "nowhere" / "wire", SAID, meaning, "mbrtu")
