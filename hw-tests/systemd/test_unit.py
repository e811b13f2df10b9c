"""The unit under a real systemd: what its sandbox lets through, and how it lives and dies.

A second systemd runs on this machine (see `nest`), with fieldgate installed in it as on a gateway.
"""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROBE = runpy.run_path(str(HERE / "probe.py"))
DROP_IN = "/run/systemd/system/fieldgate.service.d/probe.conf"
SYSTEM_PYTHON = "/usr/bin/python3"  # a service account cannot reach one below /root


@dataclass(frozen=True)
class Nest:
    init: int  # pid of its first process, as seen from here

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = ["nsenter", "--target", str(self.init), "--all", "--", *words]
        return subprocess.run(command, capture_output=True, text=True, check=check, timeout=300)

    def show(self, name: str) -> str:
        """A property of the service."""
        return self.run("systemctl", "show", "fieldgate", "--value", "-p", name).stdout.strip()

    def write(self, path: str, text: str, mode: str = "644") -> None:
        self.run("install", "-D", "-m", mode, "/dev/null", path)
        self.run(
            "python3", "-c", "import sys; open(sys.argv[1], 'w').write(sys.argv[2])", path, text
        )

    def read(self, path: str) -> str:
        return self.run("cat", path).stdout


def wait_for(true: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.2)


@pytest.fixture(scope="session")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nest]:
    if os.geteuid() != 0 or shutil.which("systemd-analyze") is None:
        pytest.skip("needs root and systemd")
    folder = tmp_path_factory.mktemp("nest")
    outer = subprocess.Popen([HERE / "nest", folder])
    try:
        yield Nest(_first_process(outer))
    finally:
        for pid in _children(outer.pid):
            os.kill(pid, 9)
        outer.wait()


def _children(pid: int) -> list[int]:
    try:
        words = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except FileNotFoundError:  # it has ended
        return []
    return [int(word) for word in words]


def _first_process(outer: subprocess.Popen[bytes]) -> int:
    def is_up() -> bool:
        assert outer.poll() is None, "no second systemd here: see what it printed"
        return any(Nest(pid).run("systemctl", "is-system-running", check=False).stdout.strip()
                   in {"running", "degraded"} for pid in _children(outer.pid))  # fmt: skip

    wait_for(is_up)
    return _children(outer.pid)[0]


@pytest.fixture(scope="session")
def nest(booted: Nest, tmp_path_factory: pytest.TempPathFactory) -> Nest:
    """With fieldgate installed by its own installer, from a wheel of this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    wheel = next(folder.glob("*.whl"))
    booted.run("mkdir", "-p", "/root/wheel")
    inside = f"/root/wheel/{wheel.name}"
    command = ["nsenter", "--target", str(booted.init), "--all", "--", "tee", inside]
    subprocess.run(command, input=wheel.read_bytes(), stdout=subprocess.DEVNULL, check=True)
    installer = (ROOT / "systemd" / "fieldgate-install").read_text(encoding="utf-8")
    booted.write("/root/wheel/fieldgate-install", installer, "755")
    done = booted.run(
        "env", f"PYTHON={SYSTEM_PYTHON}", "/root/wheel/fieldgate-install", inside, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return booted


@pytest.fixture(scope="module")
def findings(nest: Nest) -> dict[str, str]:
    """What the probe found in the place of the service."""
    nest.write("/opt/fieldgate/probe.py", (HERE / "probe.py").read_text(encoding="utf-8"))
    start = "/opt/fieldgate/current/bin/python3 /opt/fieldgate/probe.py"
    nest.write(DROP_IN, f"[Service]\nExecStart=\nExecStart={start}\n")
    nest.run("systemctl", "daemon-reload")
    nest.run("systemctl", "start", "fieldgate")
    found: dict[str, str] = json.loads(nest.read("/var/lib/fieldgate/probe.json"))
    nest.run("systemctl", "stop", "fieldgate")
    nest.run("rm", DROP_IN)
    nest.run("systemctl", "daemon-reload")
    return found


@pytest.mark.parametrize("what", PROBE["MUST"])
def test_what_the_service_needs_is_let_through(findings: dict[str, str], what: str) -> None:
    assert findings[what] == ""


@pytest.mark.parametrize("what", PROBE["MUST_NOT"])
def test_what_it_does_not_need_is_not(findings: dict[str, str], what: str) -> None:
    assert findings[what] != ""


@pytest.mark.parametrize("what", PROBE["PLUGGED_LATER"])
def test_a_device_whose_driver_comes_later_is_allowed(findings: dict[str, str], what: str) -> None:
    """This machine has none: the kernel then says "no such device", the sandbox "not permitted"."""
    assert re.search(r"No such device", findings[what])


@pytest.fixture
def service(nest: Nest) -> Iterator[Nest]:
    """The real one, with one device that needs no wire."""
    config = "devices: [{id: made-up, driver: simulated, every: 1s}]\n"
    nest.write("/etc/fieldgate/gateway.yaml", config)
    nest.run("systemctl", "restart", "fieldgate")
    yield nest
    nest.run("systemctl", "stop", "fieldgate")
    nest.run("systemctl", "reset-failed", "fieldgate", check=False)


def status(nest: Nest, *words: str) -> subprocess.CompletedProcess[str]:
    return nest.run(*words, "/usr/local/bin/fieldgate", "status", "--json", check=False)


def devices(nest: Nest) -> list[str]:
    """What the board of the running service lists."""
    done = status(nest)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout)["devices"])


def test_it_is_ready_and_answers(service: Nest) -> None:
    assert service.show("ActiveState") == "active"
    assert devices(service) == ["made-up"]


def test_a_reload_keeps_the_process(service: Nest) -> None:
    before = service.show("MainPID")
    service.write("/etc/fieldgate/gateway.yaml", "devices: [{id: other, driver: simulated}]\n")
    service.run("systemctl", "reload", "fieldgate")
    wait_for(lambda: "other" in devices(service))
    assert service.show("MainPID") == before


def test_it_stops_within_its_five_seconds(service: Nest) -> None:
    service.run("systemctl", "stop", "fieldgate")
    assert service.show("Result") == "success"


def test_after_a_kill_it_is_back(service: Nest) -> None:
    service.run("systemctl", "kill", "--signal=KILL", "fieldgate")
    wait_for(lambda: service.show("NRestarts") == "1" and service.show("ActiveState") == "active")


def test_one_that_hangs_is_replaced(service: Nest) -> None:
    service.write(DROP_IN, "[Service]\nWatchdogSec=3\n")
    service.run("systemctl", "daemon-reload")
    service.run("systemctl", "restart", "fieldgate")
    pid = service.show("MainPID")
    service.run("kill", "-STOP", pid)
    wait_for(lambda: service.show("MainPID") not in {pid, "0"})
    service.run("rm", DROP_IN)
    service.run("systemctl", "daemon-reload")


def test_a_wrong_configuration_is_not_tried_for_ever(service: Nest) -> None:
    service.run("systemctl", "stop", "fieldgate")
    service.write("/etc/fieldgate/gateway.yaml", "devises: []\n")
    service.run("systemctl", "start", "fieldgate", check=False)
    assert service.show("ExecMainStatus") == "78"
    wait_for(lambda: service.show("ActiveState") == "failed")


def test_groups_decide_who_may_look(service: Nest) -> None:
    for user, groups in (("looker", "fieldgate"), ("stranger", "")):
        service.run("userdel", user, check=False)
        service.run("useradd", "--groups", groups, user)
    assert status(service, "runuser", "-u", "looker", "--").returncode == 0
    refused = status(service, "runuser", "-u", "stranger", "--")
    assert refused.returncode == 78
    assert "usermod -aG fieldgate stranger" in refused.stderr
