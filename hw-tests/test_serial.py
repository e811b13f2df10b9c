"""Devices on serial wires, and adapters that are pulled and put back."""

import time
from collections.abc import Callable

import pytest
from rigging.rig import Rig
from rigging.site import bad, good, waited

EACH_DRIVER = pytest.mark.parametrize(
    "driver",
    [
        pytest.param("modbus", marks=pytest.mark.needs("modbus")),
        pytest.param("serial_line", marks=pytest.mark.needs("serial_line")),
    ],
)


def reads(rig: Rig, device: str, at_least: int = 3) -> bool:
    """Whether new good readings of it reach the cloud."""
    since = time.monotonic()
    return waited(lambda: len(good(rig.cloud.samples(device, since))) >= at_least, 60)


@EACH_DRIVER
@pytest.mark.timeout(600)
def test_a_device_is_read(rig: Rig, driver: str) -> None:
    device = rig.inventory.device(driver)
    assert reads(rig, device), rig.gateway.ask({"do": "status"})


@pytest.mark.needs("usb_unplug")
@EACH_DRIVER
@pytest.mark.timeout(600)
def test_an_adapter_that_was_pulled_is_read_again(
    rig: Rig, driver: str, record_property: Callable[[str, object], None]
) -> None:
    """Under another number, in time, and the gap is marked."""
    device = rig.inventory.device(driver)
    port = rig.port_of(device)
    assert reads(rig, device)
    before = port.node()
    port.unplug()
    assert waited(lambda: port.node() == "", 60), "the stable name did not vanish"
    pulled = time.monotonic()
    assert waited(lambda: bad(rig.cloud.samples(device, pulled)), 60), "the gap is not marked"
    assert good(rig.cloud.samples(device, pulled + 1.0)) == []
    renumbers = "usb_renumber" in rig.inventory.capabilities
    port.plug(elsewhere=renumbers)
    assert waited(lambda: port.node() != "", 60), "the stable name did not return"
    after, returned = port.node(), port.since()
    assert waited(lambda: _first_good(rig, device, returned) is not None, 60)
    resumed = (_first_good(rig, device, returned) or 0.0) - returned
    if renumbers:
        assert after != before
    assert resumed <= rig.inventory.resume_within
    record_property("names", f"{before} then {after}")
    record_property("resumed after s", round(resumed, 2))
    record_property("marked", f"{len(bad(rig.cloud.samples(device, pulled)))} bad readings")


def _first_good(rig: Rig, device: str, since: float) -> float | None:
    """By the gateway's clock, in s."""
    times = [
        sample.at / 1000
        for _, sample in rig.cloud.samples(device, 0.0)
        if sample.value is not None and sample.at / 1000 >= since
    ]
    return min(times, default=None)
