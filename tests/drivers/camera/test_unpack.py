"""A few bytes that are a picture of gigabytes are refused before anything is unpacked."""

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.camera.child.__main__ import ENVIRONMENT
from drivers.camera.child.lost import Lost
from drivers.camera.child.sources import open_source
from drivers.camera.child.unpack import unpacked

LARGE = 60_000  # pixels wide and high: 10 GB of colours


def jpeg(size: tuple[int, int]) -> bytes:
    """Of 16 by 16 pixels, whose header says that it is of this size."""
    data = bytes(cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1])
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", size[1], size[0]) + data[at + 4 :]


def png(size: tuple[int, int]) -> bytes:
    def part(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", rows) + part(b"IEND", b"")


@pytest.mark.parametrize("how", [cv2.IMREAD_COLOR, cv2.IMREAD_REDUCED_GRAYSCALE_4])
def test_a_jpeg_that_is_too_large_is_no_picture(how: int) -> None:
    assert unpacked(jpeg((LARGE, LARGE)), how) is None
    assert unpacked(jpeg((16, 16)), how) is not None


def test_the_child_s_opencv_refuses_other_pictures_that_are_too_large() -> None:
    look = (
        "import sys, cv2; from drivers.camera.child.unpack import unpacked; "
        "sys.exit(unpacked(sys.stdin.buffer.read(), cv2.IMREAD_COLOR) is not None)"
    )
    for data, refused in ((png((LARGE, LARGE)), True), (png((16, 10)), False)):
        done = subprocess.run(
            [sys.executable, "-c", look], input=data, env={**os.environ, **ENVIRONMENT}, check=False
        )
        assert done.returncode == (0 if refused else 1)


def test_a_camera_with_such_a_picture_has_none_and_its_next_is_taken(tmp_path: Path) -> None:
    source = open_source("images", str(tmp_path))
    (tmp_path / "1.jpg").write_bytes(jpeg((LARGE, LARGE)))
    with pytest.raises(Lost, match="too_large"):
        source.newest(1.0)
    (tmp_path / "2.jpg").write_bytes(jpeg((16, 16)))
    assert source.newest(1.0) is not None


@pytest.mark.parametrize("data", [b"", b"GIF89a", bytes(range(256)) * 4])
def test_other_bytes_are_no_picture(data: bytes) -> None:
    assert unpacked(data, cv2.IMREAD_COLOR) is None
