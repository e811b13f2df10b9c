import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.supervise.notify import feed_watchdog, notify, reloading, watchdog_period


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The receiving end of NOTIFY_SOCKET."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hears:
        hears.bind(str(tmp_path / "notify"))
        hears.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield hears


def _heard(systemd: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(systemd.recv(4096).decode())
        except BlockingIOError:
            return found


def test_says_ready(systemd: socket.socket) -> None:
    notify(READY="1", STATUS="two devices")
    assert _heard(systemd) == ["READY=1\nSTATUS=two devices"]


def test_a_reload_names_the_monotonic_time(systemd: socket.socket) -> None:
    reloading()
    (text,) = _heard(systemd)
    assert text.startswith("RELOADING=1\nMONOTONIC_USEC=")


def test_is_silent_outside_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify(READY="1")
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    assert watchdog_period() is None


def test_the_watchdog_is_for_the_process_that_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "3000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    assert watchdog_period() == 3.0
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert watchdog_period() is None


async def test_starves_the_watchdog_when_a_vital_part_is_silent(systemd: socket.socket) -> None:
    age = 0.0
    task = asyncio.create_task(feed_watchdog(0.03, {"buffer": lambda: age}))
    await asyncio.sleep(0.05)
    assert "WATCHDOG=1" in _heard(systemd)
    age = 1.0
    await asyncio.sleep(0.03)
    _heard(systemd)
    await asyncio.sleep(0.05)
    assert _heard(systemd) == []
    task.cancel()
