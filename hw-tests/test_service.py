"""The service under its systemd, on the machine it is meant for."""

from collections.abc import Callable

import pytest
from rigging.rig import Rig
from rigging.site import waited

HANG = "sleep 2; echo c >/proc/sysrq-trigger"  # the kernel panics, and nothing runs any more


@pytest.mark.needs("systemd")
@pytest.mark.timeout(600)
def test_a_killed_service_is_back_without_hands(rig: Rig) -> None:
    assert rig.shell is not None
    before = rig.shell.run("systemctl", "show", "fieldgate", "--value", "-p", "MainPID").stdout
    rig.gateway.kill()
    show = ("systemctl", "show", "fieldgate", "--value", "-p", "MainPID")
    shell = rig.shell
    assert waited(lambda: shell.run(*show).stdout not in {before, "0\n"}, 60, pause=1)
    rig.gateway.ready()


@pytest.mark.needs("systemd", "watchdog")
@pytest.mark.timeout(900)
def test_a_machine_that_hangs_resets_itself(
    rig: Rig, record_property: Callable[[str, object], None]
) -> None:
    """By its hardware watchdog, which systemd feeds."""
    assert rig.shell is not None
    shell = rig.shell
    boot = shell.run("cat", "/proc/sys/kernel/random/boot_id").stdout
    shell.run("mkdir", "-p", "/run/systemd/system.conf.d")
    shell.put("/run/systemd/system.conf.d/watchdog.conf", "[Manager]\nRuntimeWatchdogSec=15\n")
    shell.run("modprobe", "i6300esb")
    shell.run("systemctl", "daemon-reexec")
    said = shell.run("systemctl", "show", "--value", "-p", "RuntimeWatchdogUSec").stdout.strip()
    assert said == "15s"
    shell.run("sysctl", "-q", "kernel.panic=0")
    shell.run("systemd-run", "-q", "sh", "-c", HANG)
    rig.power.wait_for_reset()
    assert shell.run("cat", "/proc/sys/kernel/random/boot_id").stdout != boot
    rig.gateway.ready()
    record_property("reset by", "i6300esb, 15 s")
