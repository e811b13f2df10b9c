"""Whether bytes are one JPEG and nothing else, looked at without decoding it.

The parent must not let a library parse what comes from a process that may have been taken over;
it walks over the segments (ITU-T T.81, annex B) and compares the size.
"""

_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_SIZES = (0xC0, 0xC1, 0xC2)  # frame headers of Huffman-coded pictures
_SCAN = 0xDA
MOST_PIXELS = 7680 * 4320  # of a frame: what a camera of today shows at most ("8K")


def size_of(data: bytes) -> tuple[int, int] | None:
    """(width, height); None when it is no JPEG from its first byte to its last."""
    if not (data.startswith(_SOI) and data.endswith(_EOI)):
        return None
    at, found = 2, None
    while at + 4 <= len(data) and data[at] == 0xFF:
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2 or at + 2 + length > len(data):
            return None
        if kind in _SIZES and length >= 8:
            height, width = (int.from_bytes(data[at + n : at + n + 2], "big") for n in (5, 7))
            found = (width, height)
        if kind == _SCAN:
            return found
        at += 2 + length
    return None


def fits(size: tuple[int, int]) -> bool:
    """Whether a picture of this width and height may be unpacked: a few hundred kilobytes can hold
    one of gigabytes."""
    return size[0] * size[1] <= MOST_PIXELS
