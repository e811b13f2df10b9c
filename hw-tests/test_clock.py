"""A clock that starts wrong."""

import time
from collections.abc import Callable, Iterator

import pytest
from rigging.proof import CLEAN, all_arrives
from rigging.rig import Rig
from rigging.site import good, waited

LONG_AGO = "1970-01-02"


@pytest.fixture
def wrong(rig: Rig) -> Iterator[Rig]:
    """Started with a real-time clock that lost its battery."""
    rig.power.cut()
    rig.power.restore(clock=LONG_AGO)
    rig.gateway.ready()
    yield rig
    rig.power.cut()
    rig.power.restore()


@pytest.mark.needs("clock")
@pytest.mark.timeout(1200)
def test_a_clock_that_starts_wrong_is_not_believed(
    wrong: Rig, record_property: Callable[[str, object], None]
) -> None:
    assert wrong.shell is not None
    device = str(wrong.inventory.devices[0]["id"])
    began = time.monotonic()
    said = float(wrong.shell.run("date", "+%s").stdout)
    record_property("clock was off by days", round((time.time() - said) / 86400))
    assert abs(time.time() - said) > 86400
    assert waited(lambda: len(good(wrong.cloud.samples(device, began))) > 3, 120)
    assert all(sample.estimated for _, sample in wrong.cloud.samples(device, began))
    wrong.shell.run("python3", "/opt/rig/clock.py", str(time.time()))
    assert waited(lambda: _right(wrong, device), 120), "it is not trusted once it is right"
    assert all_arrives(wrong) == CLEAN


def _right(rig: Rig, device: str) -> bool:
    """Whether the last readings have a trusted time, and the right one."""
    newest = [sample for _, sample in rig.cloud.samples(device, 0.0)][-3:]
    return all(not one.estimated and abs(one.at / 1000 - time.time()) < 10 for one in newest)
