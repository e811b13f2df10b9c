"""Power that fails while everything is busy."""

import random
import time
from collections.abc import Callable

import pytest
from rigging.proof import CLEAN, all_arrives, arrived
from rigging.rig import Rig
from rigging.site import waited

CHANCE = random.Random(20261125)  # noqa: S311  a test's


@pytest.fixture
def busy(rig: Rig) -> Rig:
    """At full rate, as far as this gateway can."""
    rate = rig.inventory.full_rate
    points = {"value": {"shape": "count", "unit": "1"}, "wave": {"shape": "sine", "unit": "Cel"}}
    rig.configure(
        [
            {"id": f"counter-{n}", "driver": "simulated", "every": rate.every, "points": points}
            for n in range(rate.devices)
        ]
    )
    return rig


@pytest.mark.needs("power")
@pytest.mark.timeout(0)
def test_what_was_committed_arrives(
    busy: Rig, pytestconfig: pytest.Config, record_property: Callable[[str, object], None]
) -> None:
    cuts: int = pytestconfig.getoption("--cuts")
    first = busy.cloud.receiver.report()["received"]
    backs: list[float] = []
    for _ in range(cuts):
        _runs_for(busy, CHANCE.uniform(2, 10))
        busy.power.cut()
        sent = arrived(busy)
        began = time.monotonic()
        busy.power.restore()
        busy.gateway.ready()
        backs.append(time.monotonic() - began)
        heads = busy.gateway.heads()
        assert {k: n for k, n in sent.items() if heads.get(k, 0) < n} == {}, "sent, but not on disk"
        assert [name for name in busy.gateway.files() if "corrupt" in name] == []
    _runs_for(busy, 3)
    verdict = all_arrives(busy)
    received = busy.cloud.receiver.report()["received"] - first
    record_property("cuts", cuts)
    record_property("back after s", f"{min(backs):.0f} to {max(backs):.0f}")
    record_property("records", received)
    record_property("verdict", verdict)
    assert verdict == CLEAN
    assert busy.cloud.events("buffer.corrupt") == []
    busy.configure()


def _runs_for(rig: Rig, seconds: float) -> None:
    """From the moment on that a new epoch is heard of."""
    known = set(rig.gateway.heads()) - set(arrived(rig))
    assert waited(lambda: known <= set(arrived(rig)), 120), "nothing new arrives"
    time.sleep(seconds)
