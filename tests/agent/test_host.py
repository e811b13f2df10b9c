import asyncio
import threading
from pathlib import Path

import pytest

from agent.clock import Clock
from agent.contract import Device, Misconfigured
from agent.host import DeviceHost

DEVICE = Device("rain-1", driver="simulated", every=1.0)


def test_a_device_remembers_across_restarts(tmp_path: Path) -> None:
    host = DeviceHost(DEVICE, Clock(), state_folder=tmp_path)
    host.state["total"] = "12"
    host.close()
    assert DeviceHost(DEVICE, Clock(), state_folder=tmp_path).state["total"] == "12"


def test_a_damaged_memory_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "rain-1.json").write_text('{"total": ')
    assert dict(DeviceHost(DEVICE, Clock(), state_folder=tmp_path).state) == {}


def test_an_unchanged_memory_is_not_written_again(tmp_path: Path) -> None:
    host = DeviceHost(DEVICE, Clock(), state_folder=tmp_path)
    host.state["total"] = "12"
    host.state.save()
    (tmp_path / "rain-1.json").unlink()
    host.state["total"] = "12"
    host.state.save()
    assert not (tmp_path / "rain-1.json").exists()


def test_without_a_wire_the_technician_is_told() -> None:
    with pytest.raises(Misconfigured) as caught:
        DeviceHost(DEVICE, Clock()).wire()
    assert "wire:" in caught.value.hint


def test_site_profiles_come_before_shipped_ones(tmp_path: Path) -> None:
    site = tmp_path / "modbus"
    site.mkdir()
    (site / "xy-md02.yaml").write_text("title: ours\n")
    host = DeviceHost(Device("a", "modbus", 1.0), Clock(), site_profiles=tmp_path)
    assert host.profile("xy-md02") == site / "xy-md02.yaml"


def test_an_unknown_profile_is_answered_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "modbus").mkdir()
    (tmp_path / "modbus" / "acme-tx2.yaml").write_text("title: x\n")
    host = DeviceHost(Device("a", "modbus", 1.0), Clock(), site_profiles=tmp_path)
    with pytest.raises(Misconfigured, match="did you mean 'acme-tx2'"):
        host.profile("acme-tx3")


async def test_blocking_calls_share_one_named_thread() -> None:
    host = DeviceHost(DEVICE, Clock())
    names = await asyncio.gather(
        *(host.blocking(lambda: threading.current_thread().name) for _ in range(3))
    )
    host.close()
    assert len(set(names)) == 1
    assert names[0].startswith("device-rain-1")


def test_the_clock_tells_both_times() -> None:
    clock = Clock()
    first, second = clock.now(), clock.now()
    assert first.boot == second.boot
    assert second.mono > first.mono
    assert first.wall > 1_700_000_000_000_000_000
