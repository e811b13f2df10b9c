"""What must be at the cloud in the end, and what must not be there."""

import time

from agent.contract import Ranges
from rigging.rig import Rig
from rigging.site import GATEWAY, UPLINK, Heads

CLEAN = {"lost": 0, "conflicts": 0, "disorder": 0}
_PATIENCE = 8.0  # s without news before something is asked for again


def arrived(rig: Rig) -> Heads:
    """The highest number that the cloud knows of each epoch and stream."""
    streams = rig.cloud.receiver.report()["gateways"].get(GATEWAY, {}).get("streams", {})
    return {
        (epoch, stream): ledger["highest"]
        for stream, epochs in streams.items()
        for epoch, ledger in epochs.items()
    }


def all_arrives(rig: Rig, within: float = 600.0) -> dict[str, int]:
    """Waits until the cloud has what the store holds now; returns the receiver's verdict.

    A broker that was killed may have forgotten what it acknowledged: that is asked for again, as a
    platform would.
    """
    heads = rig.gateway.heads()
    for (epoch, stream), last in heads.items():
        rig.cloud.receiver.expect(GATEWAY, epoch, stream, last)
    deadline, asked = time.monotonic() + within, time.monotonic()
    while missing := _missing(rig, heads):
        if time.monotonic() > deadline:
            break
        if time.monotonic() - asked > _PATIENCE:
            _ask_for(rig, missing)
            asked = time.monotonic()
        time.sleep(0.2)
    lost = sum(len(ranges) for ranges in missing.values())
    report = rig.cloud.receiver.report()
    return {"lost": lost, "conflicts": report["conflicts"], "disorder": report["disorder"]}


def _missing(rig: Rig, heads: Heads) -> dict[tuple[str, str], Ranges]:
    """Of those numbers that the store had when it was looked at."""
    found = {
        key: ranges & Ranges.of(1, heads.get(key, 0))
        for key, ranges in rig.cloud.receiver.missing(GATEWAY).items()
    }
    return {key: ranges for key, ranges in found.items() if ranges}


def _ask_for(rig: Rig, missing: dict[tuple[str, str], Ranges]) -> None:
    for (epoch, stream), ranges in missing.items():
        rig.gateway.ask(
            {"do": "owe", "uplink": UPLINK, "epoch": epoch, "stream": stream, "ranges": str(ranges)}
        )
