"""A virtual machine under qemu's software emulation, and its plugs."""

import fcntl
import json
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

# A kernel that panics starts anew, as one on a gateway should.
_KERNEL = "panic=5 mitigations=off TERM=dumb"


class Monitor:
    """QMP: one command at a time; events are kept until they are waited for."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._events: list[dict[str, Any]] = []
        self._next()  # the greeting
        self.do("qmp_capabilities")

    def do(self, command: str, **arguments: Any) -> Any:
        """Raises RuntimeError with what qemu says."""
        request = json.dumps({"execute": command, "arguments": arguments})
        self._socket.sendall(request.encode() + b"\n")
        while True:
            answer = self._next()
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
            self._events.append(answer)

    def wait(self, event: str, **data: Any) -> None:
        """Until qemu has said so; raises TimeoutError after a minute."""

        def fits(said: dict[str, Any]) -> bool:
            found = said.get("data", {})
            return said.get("event") == event and all(found.get(k) == v for k, v in data.items())

        while not any(map(fits, self._events)):
            self._events.append(self._next())
        self._events.clear()

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def _next(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._lines.readline())
        return answer


class Machine:
    """`build` holds kernel, initrd and disk.ext4; what the guest writes goes into `folder`."""

    def __init__(self, build: Path, folder: Path, memory: int, cpus: int, ssh: int) -> None:
        self._build, self._folder = build, folder
        self._memory, self._cpus, self._ssh = memory, cpus, ssh
        self._disk = folder / "disk.qcow2"
        self._process: subprocess.Popen[bytes] | None = None
        self._monitor: Monitor | None = None
        # Until this process ends, the disk must not be built anew.
        fcntl.flock(os.open(build / "lock", os.O_CREAT | os.O_RDWR), fcntl.LOCK_SH)
        self._plugged: dict[str, tuple[str, int]] = {}  # device id -> serial number, TCP port
        disk = str((build / "disk.ext4").resolve())
        self.console = folder / "console.log"
        subprocess.run(
            ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", disk, str(self._disk)],
            check=True,
        )

    @property
    def monitor(self) -> Monitor:
        if self._monitor is None:
            raise RuntimeError("the virtual machine is off")
        return self._monitor

    def start(self, *, rtc: str = "base=utc", kernel: str = "") -> None:
        """Turns the power on; what was plugged in is plugged in again. `rtc`: see qemu(1)."""
        door = self._folder / "qmp.sock"
        door.unlink(missing_ok=True)
        with (self._folder / "qemu.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(door, rtc, kernel), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 60
        while not door.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("qemu: " + (self._folder / "qemu.log").read_text()[-1000:])
            time.sleep(0.05)
        self._monitor = Monitor(door)
        for device, (serial, port) in self._plugged.items():
            self._add(device, serial, port)

    def cut(self) -> None:
        """Pulls the plug: SIGKILL. What the guest had not written to its disk is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._monitor is not None:
            self._monitor.close()
            self._monitor = None

    @property
    def is_on(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def plug(self, device: str, serial: str, port: int) -> None:
        """A USB serial adapter whose other end is the TCP port of this machine's loopback."""
        self._plugged[device] = (serial, port)
        if self.is_on:
            self._add(device, serial, port)

    def unplug(self, device: str) -> None:
        del self._plugged[device]
        self.monitor.do("device_del", id=device)
        self.monitor.wait("DEVICE_DELETED", device=device)
        self.monitor.do("chardev-remove", id=f"c-{device}")

    def _add(self, device: str, serial: str, port: int) -> None:
        address = {"type": "inet", "data": {"host": "127.0.0.1", "port": str(port)}}
        backend = {"type": "socket", "data": {"addr": address, "server": False, "reconnect": 1}}
        self.monitor.do("chardev-add", id=f"c-{device}", backend=backend)
        self.monitor.do(
            "device_add",
            driver="usb-serial",
            id=device,
            bus="usb.0",
            chardev=f"c-{device}",
            serial=serial,
        )

    def _command(self, door: Path, rtc: str, kernel: str) -> list[str]:
        build, folder = self._build, self._folder
        # fmt: off
        return [
            "nice", "-n", os.environ.get("RIG_NICE", "5"),
            "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "Nehalem",
            "-smp", str(self._cpus), "-m", str(self._memory),
            "-nodefaults", "-no-user-config", "-display", "none", "-rtc", rtc,
            "-chardev", f"file,id=console,path={self.console},append=on",
            "-serial", "chardev:console",
            "-qmp", f"unix:{door},server=on,wait=off",
            "-kernel", str(build / "kernel"), "-initrd", str(build / "initrd"),
            "-append", f"console=ttyS0 root=/dev/vda rw quiet {_KERNEL} {kernel}",
            "-drive", f"file={self._disk},format=qcow2,if=virtio,cache=writeback",
            "-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{self._ssh}-10.0.2.15:22",
            "-device", "virtio-net-pci,netdev=net,romfile=",
            "-device", "virtio-rng-pci",
            "-device", "qemu-xhci,id=usb",
            "-device", "i6300esb", "-action", "watchdog=reset",
            "-pidfile", str(folder / "qemu.pid"),
        ]
        # fmt: on
