"""Pictures are found in what cameras call MJPEG, whatever its heads say, however it arrives."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.camera.child.multipart import Parts


def jpeg(seed: int) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 255, (16, 16, 3), np.uint8)
    return bytes(cv2.imencode(".jpg", noise)[1])


PICTURES = [jpeg(n) for n in range(3)]
SMALL = PICTURES[2]
WITH_A_SMALL_ONE = PICTURES[0][:2] + b"\xff\xe1" + (len(SMALL) + 2).to_bytes(2, "big") + SMALL
WITH_A_SMALL_ONE += PICTURES[0][2:]


def part(picture: bytes, length: int | None, line: bytes = b"\r\n") -> bytes:
    heads = [b"--frame", b"Content-Type: image/jpeg"]
    if length is not None:
        heads.append(b"content-length: %d" % length)
    return line.join([*heads, b"", picture, b""])


def found(stream: bytes, size: int) -> list[bytes]:
    parts = Parts()
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    return [jpeg for piece in pieces if (jpeg := parts.feed(piece)) is not None]


@pytest.mark.parametrize("size", [1, 7, 64])
@pytest.mark.parametrize("line", [b"\r\n", b"\n"])
@pytest.mark.parametrize("off", [None, 0, 2, -5, 40, 10**9])
def test_each_picture_is_found_whole(size: int, line: bytes, off: int | None) -> None:
    """`off`: how wrong the told length is; None: none is told."""
    told = [*PICTURES, WITH_A_SMALL_ONE]
    stream = b"".join(part(p, None if off is None else len(p) + off, line) for p in told)
    after = part(PICTURES[0], len(PICTURES[0]), line)  # a length that is too long is waited for
    assert found(stream + after, size)[: len(told)] == told


def test_of_what_comes_at_once_the_newest_is_given() -> None:
    stream = b"".join(part(p, len(p)) for p in PICTURES)
    assert found(stream + part(PICTURES[0], None)[:90], 10**6) == [PICTURES[-1]]


@given(st.lists(st.sampled_from([b"\n", b"\r\n\r\n", b"\xff\xd8", b"\xff\xd9", b"\xff\xda\0\x02",
                                 b"\xff\xe1\0\x40", b"content-length: 9", b"\0", b"ab"])),
       st.integers(1, 9))  # fmt: skip
def test_whatever_comes_is_a_picture_or_nothing(pieces: list[bytes], size: int) -> None:
    for one in found(b"".join(pieces), size):
        assert one.startswith(b"\xff\xd8")
        assert one.endswith(b"\xff\xd9")
