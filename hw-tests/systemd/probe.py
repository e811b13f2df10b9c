"""Stands in for the service in its sandbox: tries what it must be able to do, and what not.

Writes {what: "" or the error} to /var/lib/fieldgate/probe.json, then behaves as a notify service.
"""

import ctypes
import json
import os
import resource
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import serial

STATE = Path("/var/lib/fieldgate")
FINDINGS: dict[str, str] = {}


def attempt(what: str, action: Callable[[], object]) -> None:
    try:
        action()
    except Exception as error:  # noqa: BLE001  whatever it is, it is the finding
        FINDINGS[what] = f"{type(error).__name__}: {error}"
    else:
        FINDINGS[what] = ""


def adjtimex() -> None:
    """modes = 0: only asks."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.adjtimex(ctypes.create_string_buffer(512)) < 0:
        raise OSError(ctypes.get_errno(), "adjtimex")


def opened(device: str) -> Callable[[], object]:
    return lambda: os.close(os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK))


def pseudo_terminal() -> None:
    _, other = os.openpty()
    serial.Serial(os.ttyname(other), 9600, exclusive=True).close()


def bus() -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("/run/dbus/system_bus_socket")
        connection.sendall(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
        if not connection.recv(100).startswith(b"OK"):
            raise OSError("the bus does not know us")


def control_socket() -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("/run/fieldgate/probe.sock")
    Path("/run/fieldgate/probe.sock").chmod(0o666)


def database() -> None:
    with sqlite3.connect(STATE / "probe.db") as store:
        store.execute("PRAGMA journal_mode=WAL")
        store.execute("CREATE TABLE IF NOT EXISTS t(x)")


def allocated() -> None:
    with (STATE / "probe.bin").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 100_000)
        os.fsync(file.fileno())


def imports() -> None:
    for name in ("pydantic", "pymodbus.client", "paho.mqtt.client", "prometheus_client", "ssl"):
        __import__(name)


MUST: dict[str, Callable[[], object]] = {
    "adjtimex": adjtimex,
    "ttyS0": opened("/dev/ttyS0"),
    "pseudo-terminal": pseudo_terminal,
    "bus": bus,
    "control socket": control_socket,
    "database": database,
    "allocate": allocated,
    "network": lambda: socket.create_server(("127.0.0.1", 0)).close(),
    "resolver": lambda: socket.getaddrinfo("localhost", 1883),
    "imports": imports,
    "configuration": Path("/etc/fieldgate/gateway.yaml").read_text,
    "disk counters": Path("/proc/diskstats").read_text,
    "boot id": Path("/proc/sys/kernel/random/boot_id").read_text,
    "thread": lambda: threading.Thread(target=int).start(),
    "child": lambda: subprocess.run(["/bin/true"], check=True),
    "child's memory": lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 33, 1 << 33)),
}
MUST_NOT: dict[str, Callable[[], object]] = {
    "set the clock": lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()),
    "write /etc": lambda: Path("/etc/fieldgate/probe").write_text(""),
    "write /opt": lambda: Path("/opt/fieldgate/probe").write_text(""),
    "see /root": lambda: list(Path("/root").iterdir()),
    "memory": opened("/dev/mem"),
    "raw network": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "become root": lambda: os.setuid(0),
}
PLUGGED_LATER: dict[str, Callable[[], object]] = {
    name: opened(f"/dev/{name}") for name in ("ttyUSB0", "ttyACM0", "video0")
}


def notify(text: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])


def main() -> None:
    for what, action in {**MUST, **MUST_NOT, **PLUGGED_LATER}.items():
        attempt(what, action)
    (STATE / "probe.json").write_text(json.dumps(FINDINGS))
    notify("READY=1")
    while True:
        notify("WATCHDOG=1")
        time.sleep(1)


if __name__ == "__main__":
    main()
