"""A broker that goes and comes back."""

import time

import pytest
from rigging.proof import CLEAN, all_arrives
from rigging.rig import Rig
from rigging.site import good, waited


@pytest.mark.needs("broker")
@pytest.mark.timeout(600)
def test_a_killed_broker_costs_nothing(rig: Rig) -> None:
    device = str(rig.inventory.devices[0]["id"])
    rig.background.run(rig.site.broker.kill())
    time.sleep(8)
    rig.background.run(rig.site.broker.start())
    back = time.monotonic()
    assert waited(lambda: len(good(rig.cloud.samples(device, back))) > 3, 120)
    assert all_arrives(rig) == CLEAN
