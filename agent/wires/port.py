"""A serial port on the event loop: pyserial opens it, the loop reads it."""

import asyncio
import contextlib
import os
import stat
import termios
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.contract import Line, LinkLost
from agent.wires.connection import Connection, Ear
from agent.wires.spoken import mark_parity
from agent.wires.troubles import line_refused, not_a_port, port_gone, port_trouble

if TYPE_CHECKING:
    from serial import Serial

_PARITY = {"none": "N", "even": "E", "odd": "O"}


class SerialDialer:
    """`path` is looked up anew each time: a by-id name follows its adapter to any socket."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def dial(self, line: Line, ear: Ear) -> Connection:
        self._look()
        return SerialPort(self._path, self._open(line), line, ear)

    def _look(self) -> None:
        try:
            mode = Path(self._path).stat().st_mode
        except OSError as error:
            raise port_trouble(self._path, error) from error
        if not stat.S_ISCHR(mode):
            raise not_a_port(self._path)

    def _open(self, line: Line) -> "Serial":
        from serial import Serial

        serial = Serial(exclusive=True)
        serial.port = self._path
        try:
            serial.apply_settings(_settings(self._path, line))
            serial.open()
            _show_parity(self._path, serial.fileno(), line)
        except ValueError as error:
            raise line_refused(self._path, line) from error
        except (OSError, termios.error) as error:
            raise port_trouble(self._path, error) from error
        return serial


class SerialPort:
    def __init__(self, path: str, serial: "Serial", line: Line, ear: Ear) -> None:
        self._path, self._serial, self._line, self._ear = path, serial, line, ear
        self._fd: int = serial.fileno()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._readable)

    def send(self, data: bytes) -> None:
        try:
            sent = os.write(self._fd, data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise port_gone(self._path) from error
        if sent < len(data):
            raise LinkLost(
                "{port} takes no more bytes",
                hint="unplug the adapter and plug it in again",
                reason="no_port",
                port=self._path,
            )

    def set_line(self, line: Line) -> None:
        if line == self._line:
            return
        try:
            self._serial.apply_settings(_settings(self._path, line))
            _show_parity(self._path, self._fd, line)
        except ValueError as error:
            raise line_refused(self._path, line) from error
        except (OSError, termios.error) as error:
            raise port_trouble(self._path, error) from error
        self._line = line

    def close(self) -> None:
        if not self._serial.is_open:
            return
        self._loop.remove_reader(self._fd)
        with contextlib.suppress(OSError, termios.error):
            # Otherwise close() would block until unsent bytes have left, or for 30 s.
            termios.tcflush(self._fd, termios.TCIOFLUSH)
        self._serial.close()

    async def closed(self) -> None:
        """`close` leaves nothing."""

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, 4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._ear.heard(self, data)
        else:
            self._loop.remove_reader(self._fd)
            self._ear.gone(self, port_gone(self._path))


def _settings(path: str, line: Line) -> dict[str, Any]:
    return {
        "baudrate": line.baud,
        "bytesize": line.data_bits,
        "parity": "N" if _simulated(path) else _PARITY[line.parity],
        "stopbits": line.stop_bits,
    }


def _show_parity(path: str, fd: int, line: Line) -> None:
    """To a simulated device, which must not understand a wrong one."""
    if _simulated(path):
        mark_parity(fd, line.parity)


def _simulated(path: str) -> bool:
    """Pseudo-terminals have no parity: tcsetattr drops it, or answers EINVAL."""
    return os.path.realpath(path).startswith("/dev/pts/")
