"""Where fieldgate runs: as a process here, or as a service on a machine of its own."""

import json
import platform
from pathlib import Path
from typing import Any, Protocol

from agent.demo.agent_process import AgentProcess
from agent.demo.reckoning import heads, stored
from rigging.background import Background
from rigging.shell import Shell
from rigging.site import Heads, waited

_STARTS_WITHIN = 240.0  # s

_HEADS = """\
import json
from pathlib import Path
from agent.demo.reckoning import heads, stored
found = heads(stored(Path("/var/lib/fieldgate")))
print(json.dumps([[*key, last] for key, last in found.items()]))
"""
_ASK = """\
import json, sys
from pathlib import Path
from agent.contract import GatewayError
from agent.control.client import SOCKET, ask_once
try:
    print(json.dumps(ask_once(SOCKET, json.load(sys.stdin), 20.0)))
except GatewayError:
    print("null")
"""


class Gateway(Protocol):
    """fieldgate, from outside. `store` and `socket` are what its configuration names."""

    store: str
    socket: str

    def configure(self, text: str) -> None:
        """From now on; returns once it runs so."""

    def kill(self) -> None:
        """SIGKILL to the service's process."""

    def ready(self) -> None:
        """Returns once it answers on its control socket. Raises TimeoutError."""

    def ask(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """Over its control socket; None while it does not answer."""

    def heads(self) -> Heads:
        """The last number that its store has of each epoch and stream."""

    def files(self) -> list[str]:
        """What lies in its store."""

    def facts(self) -> dict[str, str]:
        """What it is, for the record."""


class LocalGateway:
    def __init__(self, folder: Path, background: Background) -> None:
        self._folder, self._background = folder, background
        self._config = folder / "gateway.yaml"
        self._process: AgentProcess | None = None
        self.store, self.socket = str(folder / "store"), str(folder / "control.sock")

    def configure(self, text: str) -> None:
        self.stop()
        self._config.write_text(text, encoding="utf-8")
        self.start()

    @property
    def configured(self) -> bool:
        return self._config.exists()

    def start(self) -> None:
        self._process = AgentProcess(self._folder, self._config)
        self._background.run(self._process.start())
        self.ready()

    def stop(self) -> None:
        if self._process is not None:
            self._background.run(self._process.stop())

    def kill(self) -> None:
        if self._process is not None:
            self._background.run(self._process.kill())

    def ready(self) -> None:
        if not waited(lambda: self.ask({"do": "status"}), 60):
            raise TimeoutError(self._folder.joinpath("agent.log").read_text(encoding="utf-8"))

    def ask(self, request: dict[str, Any]) -> dict[str, Any] | None:
        if self._process is None:
            return None
        self._process.check()
        return self._background.run(self._process.ask(request))

    def heads(self) -> Heads:
        return heads(stored(Path(self.store)))

    def files(self) -> list[str]:
        return sorted(file.name for file in Path(self.store).iterdir())

    def facts(self) -> dict[str, str]:
        from importlib.metadata import version  # noqa: PLC0415  only when a record is written

        return {
            "kernel": platform.release(),
            "machine": platform.machine(),
            "python": platform.python_version(),
            "fieldgate": version("fieldgate"),
        }


class ServiceGateway:
    """fieldgate as installed by its own installer: /opt/fieldgate, systemd, /etc/fieldgate."""

    store, socket = "/var/lib/fieldgate", "/run/fieldgate/control.sock"
    python = "/opt/fieldgate/current/bin/python3"

    def __init__(self, shell: Shell) -> None:
        self.shell = shell

    def configure(self, text: str) -> None:
        self.shell.put("/etc/fieldgate/gateway.yaml", text)
        self.shell.run("systemctl", "restart", "fieldgate")
        self.ready()

    def kill(self) -> None:
        self.shell.run("systemctl", "kill", "--signal=KILL", "fieldgate")

    def ready(self) -> None:
        if not waited(lambda: self.ask({"do": "status"}), _STARTS_WITHIN, pause=1):
            raise TimeoutError(self.shell.run("journalctl", "-u", "fieldgate", "-n", "30").stdout)

    def ask(self, request: dict[str, Any]) -> dict[str, Any] | None:
        done = self.shell.run(self.python, "-c", _ASK, stdin=json.dumps(request))
        answer: dict[str, Any] | None = json.loads(done.stdout)
        return answer

    def heads(self) -> Heads:
        done = self.shell.run(self.python, "-c", _HEADS)
        return {(epoch, stream): last for epoch, stream, last in json.loads(done.stdout)}

    def files(self) -> list[str]:
        return self.shell.run("ls", self.store).stdout.split()

    def facts(self) -> dict[str, str]:
        asked = {
            "kernel": "uname -r",
            "machine": "uname -m",
            "system": ". /etc/os-release; echo $PRETTY_NAME",
            "systemd": "systemctl --version | head -1",
            "BlueZ": "bluetoothctl --version 2>/dev/null || true",
            "python": f"{self.python} --version",
            "SQLite": f"{self.python} -c 'import sqlite3; print(sqlite3.sqlite_version)'",
            "fieldgate": "/opt/fieldgate/current/bin/fieldgate --version",
            "tree": "cat /etc/rig-tree 2>/dev/null",
        }
        return {
            name: self.shell.run("sh", "-c", command, check=False).stdout.strip()
            for name, command in asked.items()
        }
