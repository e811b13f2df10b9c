"""A USB camera for the kernel's own uvcvideo, until it is stopped, which pulls it out.

It hangs on the kernel's `vhci-hcd` by the protocol of USB/IP, over a pair of sockets, and answers
as a USB Video Class 1.0 device with a bulk endpoint (UVC 1.0, sections 3 and 4): MJPEG in three
sizes, YUYV in one, 15 frames a second. With the word `yuyv` it has no MJPEG.
"""

import queue
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import cv2
import numpy as np

ATTACH = Path("/sys/devices/platform/vhci_hcd.0/attach")
HIGH_SPEED, DEVICE = 3, 0x10002
SUBMIT, UNLINK, SUBMITTED, UNLINKED = 1, 2, 3, 4
HEAD = struct.Struct(">5I")  # command, number, device, direction, endpoint
CALL = struct.Struct(">5i8s")  # flags, length, start, packets, interval; setup
RESULT = struct.Struct(">5i8x")  # status, length, start, packets, errors
IN = 1
STALLED, TAKEN_BACK = -32, -104

MJPEG, YUYV = 1, 2
SIZES = {MJPEG: [(640, 480), (1280, 720), (1920, 1080)], YUYV: [(640, 480)]}
INTERVAL = 666_666  # of 100 ns
PAYLOAD = 16384  # bytes of one transfer: uvcvideo takes no more at a time
PROBE = struct.Struct("<HBBI5HII")
LARGEST = 1920 * 1080 * 2
NAMES = ["", "Rig", "Gate camera", "RIG0003"]
YUYV_GUID = bytes.fromhex("5955593200001000800000aa00389b71")


def device() -> bytes:
    return struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x200, 0xEF, 2, 1, 64, 0x1209, 1, 0x100, 1, 2, 3,
                       1)  # fmt: skip


def frame(kind: int, number: int, width: int, height: int) -> bytes:
    rate = width * height * 16 * 15
    return struct.pack("<BBBBBHHIIIIBI", 30, 0x24, kind, number, 0, width, height, rate, rate,
                       width * height * 2, INTERVAL, 1, INTERVAL)  # fmt: skip


def formats() -> bytes:
    colours = bytes([6, 0x24, 13, 1, 1, 4])
    told = b""
    for kind, sizes in SIZES.items():
        if kind == MJPEG:
            told += bytes([11, 0x24, 6, kind, len(sizes), 1, 1, 0, 0, 0, 0])
        else:
            told += bytes([27, 0x24, 4, kind, len(sizes)]) + YUYV_GUID + bytes([16, 1, 0, 0, 0, 0])
        shape = 7 if kind == MJPEG else 5
        told += b"".join(frame(shape, n, *size) for n, size in enumerate(sizes, 1)) + colours
    return told


def configuration() -> bytes:
    terminals = struct.pack("<BBBBHBBHHHB3x", 18, 0x24, 2, 1, 0x201, 0, 0, 0, 0, 0, 3)
    terminals += struct.pack("<BBBBHBBB", 9, 0x24, 3, 2, 0x101, 0, 1, 0)
    control = struct.pack("<BBBHHIBB", 13, 0x24, 1, 0x100, 13 + len(terminals), 48_000_000, 1, 1)
    streams = formats()
    n = len(SIZES)
    header = struct.pack("<BBBBHB", 13 + n, 0x24, 1, n, 13 + n + len(streams), 0x81)
    header += bytes([0, 2, 0, 0, 0, 1]) + bytes(n)
    body = (
        bytes([8, 11, 0, 2, 14, 3, 0, 2])  # both interfaces are one camera
        + bytes([9, 4, 0, 0, 0, 14, 1, 0, 2])
        + control
        + terminals
        + bytes([9, 4, 1, 0, 1, 14, 2, 0, 0])
        + header
        + streams
        + struct.pack("<BBBBHB", 7, 5, 0x81, 2, 512, 0)
    )
    return struct.pack("<BBHBBBBB", 9, 2, 9 + len(body), 2, 1, 0, 0x80, 125) + body


def text(number: int) -> bytes:
    said = NAMES[number].encode("utf-16-le") if number else struct.pack("<H", 0x409)
    return bytes([2 + len(said), 3]) + said


@dataclass
class Setting:
    format: int = field(default_factory=lambda: next(iter(SIZES)))
    frame: int = 1

    @property
    def size(self) -> tuple[int, int]:
        return SIZES[self.format][self.frame - 1]

    def told(self) -> bytes:
        return PROBE.pack(0, self.format, self.frame, INTERVAL, 0, 0, 0, 0, 0, LARGEST, PAYLOAD)

    def take(self, said: bytes) -> None:
        _, kind, number, *_ = PROBE.unpack(said[: PROBE.size].ljust(PROBE.size, b"\0"))
        self.format = kind if kind in SIZES else next(iter(SIZES))
        self.frame = number if 1 <= number <= len(SIZES[self.format]) else 1


def pictures(setting: Setting) -> list[bytes]:
    """A few of them, as they travel: something moves."""
    width, height = setting.size
    scene = np.random.default_rng(7).integers(20, 235, (height // 40, width // 40, 3), np.uint8)
    made = []
    for n in range(4):
        image = cv2.resize(scene, (width, height), interpolation=cv2.INTER_NEAREST)
        cv2.circle(image, (width * (n + 1) // 6, height // 2), height // 10, (0, 0, 255), -1)
        if setting.format == MJPEG:
            made.append(cv2.imencode(".jpg", image)[1].tobytes())
        else:
            made.append(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_YUY2).tobytes())
    return made


class Webcam:
    def __init__(self, wire: socket.socket, shown: Mapping[tuple[int, int], list[bytes]]) -> None:
        """`shown`: pictures by format and frame."""
        self._shown = shown
        self._wire, self._writing = wire, threading.Lock()
        self._asked: queue.Queue[int] = queue.Queue()
        self._given_back: set[int] = set()
        self._waiting: set[int] = set()
        self._probe, self._setting = Setting(), Setting()
        self._turn = 0
        threading.Thread(target=self._film, daemon=True).start()

    def serve(self) -> None:
        """Until the kernel lets go."""
        while head := self._wire.recv(HEAD.size, socket.MSG_WAITALL):
            command, number, _, direction, endpoint = HEAD.unpack(head)
            rest = self._wire.recv(CALL.size, socket.MSG_WAITALL)
            if command == UNLINK:
                self._take_back(number, int.from_bytes(rest[:4], "big"))
                continue
            _, length, _, _, _, setup = CALL.unpack(rest)
            if endpoint:
                self._waiting.add(number)
                self._asked.put(number)
                continue
            said = b""
            if direction != IN and length:
                said = self._wire.recv(length, socket.MSG_WAITALL)
            answer = self._control(setup, said)
            self._tell(
                number, (answer or b"")[:length], STALLED if answer is None else 0, len(said)
            )

    def _control(self, setup: bytes, said: bytes) -> bytes | None:
        """None: it knows nothing of that."""
        kind, request, value, _, _ = struct.unpack("<BBHHH", setup)
        if kind == 0x80 and request == 6:
            return self._descriptor(value >> 8, value & 0xFF)
        if kind in {0x80, 0x81, 0x82} and request == 0:
            return b"\0\0"
        if kind & 0x60 == 0:
            return b""
        selected = self._probe if value >> 8 == 1 else self._setting
        if request == 1:
            selected.take(said)
            self._turn += value >> 8 == 2
            return b""
        if request == 0x86:
            return b"\x03"
        return selected.told() if 0x81 <= request <= 0x87 else None

    @staticmethod
    def _descriptor(kind: int, number: int) -> bytes | None:
        if kind == 3:
            return text(number) if number < len(NAMES) else None
        return {1: device, 2: configuration}.get(kind, lambda: None)()

    def _take_back(self, number: int, other: int) -> None:
        with self._writing:
            pending = other in self._waiting
            self._waiting.discard(other)
            self._given_back.add(other)
            answer = HEAD.pack(UNLINKED, number, 0, 0, 0)
            self._wire.sendall(answer + struct.pack(">i24x", TAKEN_BACK if pending else 0))

    def _tell(self, number: int, data: bytes, status: int = 0, taken: int = 0) -> None:
        """`taken`: bytes that came with the call."""
        head = HEAD.pack(SUBMITTED, number, 0, 0, 0)
        with self._writing:
            if number not in self._given_back:
                self._waiting.discard(number)
                self._wire.sendall(head + RESULT.pack(status, len(data) or taken, 0, 0, 0) + data)

    def _film(self) -> None:
        """Frame after frame, each in as many transfers as were asked for."""
        for n in count():
            began, shown = time.monotonic(), self._shown[self._setting.format, self._setting.frame]
            self._send(shown[n % len(shown)], n & 1, self._turn)
            time.sleep(max(0.0, began + INTERVAL / 1e7 - time.monotonic()))

    def _send(self, picture: bytes, parity: int, turn: int) -> None:
        room = PAYLOAD - 2
        for at in range(0, len(picture), room):
            number = self._next()
            if turn != self._turn:  # another format has been chosen: nothing but a head
                self._tell(number, bytes([2, 0x80 | parity]))
                return
            last = 2 if at + room >= len(picture) else 0
            self._tell(number, bytes([2, 0x80 | last | parity]) + picture[at : at + room])

    def _next(self) -> int:
        while (number := self._asked.get()) in self._given_back:
            pass
        return number


def main() -> None:
    if sys.argv[1:] == ["yuyv"]:
        del SIZES[MJPEG]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    each = [Setting(kind, n) for kind, sizes in SIZES.items() for n in range(1, len(sizes) + 1)]
    webcam = Webcam(ours, {(one.format, one.frame): pictures(one) for one in each})
    ATTACH.write_text(f"0 {kernels.fileno()} {DEVICE} {HIGH_SPEED}")
    kernels.close()
    webcam.serve()


if __name__ == "__main__":
    main()
