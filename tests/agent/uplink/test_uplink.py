"""An uplink against a real mosquitto: what it does on a good day."""

from collections.abc import Callable
from dataclasses import replace

from agent.contract import EVENTS, TELEMETRY, Lane, Ranges
from agent.uplink.catalogue import assemble
from tests.support_uplink import (
    BRISK,
    GATEWAY,
    Broker,
    Cloud,
    MemoryOutbox,
    catalogue,
    eventually,
    running,
    uplink_settings,
)

Listen = Callable[..., Cloud]


async def test_what_is_acknowledged_is_settled_and_arrives_whole(
    broker: Broker, listen: Listen
) -> None:
    cloud = listen(broker.port)
    async with running(uplink_settings(broker.url)) as uplink:
        await eventually(lambda: uplink.status.state == "connected")
        uplink.outbox.add(450)
        uplink.outbox.add(3, EVENTS)
        await eventually(lambda: len(uplink.outbox.settled()) == 450)
        await eventually(lambda: len(uplink.outbox.settled(EVENTS)) == 3)
        await eventually(lambda: len(cloud.numbers()) == 450)
    assert cloud.numbers(stream=EVENTS) == Ranges.of(1, 3)
    assert {lane for lane, _ in cloud.arrivals()} == {Lane.LIVE}
    assert all(a.catalogue == catalogue().hash for _, a in cloud.arrivals())
    assert uplink.status.records == 453


async def test_what_was_stored_before_goes_through_the_backlog(
    broker: Broker, listen: Listen
) -> None:
    cloud, outbox = listen(broker.port), MemoryOutbox()
    outbox.add(1000)
    async with running(uplink_settings(broker.url), outbox) as uplink:
        await eventually(lambda: len(outbox.settled()) == 1000)
        uplink.outbox.add(5)
        await eventually(lambda: len(cloud.numbers()) == 1005)
    lanes = [(lane, a.first) for lane, a in cloud.arrivals() if a.stream == TELEMETRY]
    assert [first for lane, first in lanes if lane is Lane.BACKLOG] == [1, 201, 401, 601, 801]
    assert [first for lane, first in lanes if lane is Lane.LIVE] == [1001]


async def test_it_says_who_it_is_and_that_it_left(broker: Broker, listen: Listen) -> None:
    cloud = listen(broker.port)
    async with running(uplink_settings(broker.url)):
        await eventually(lambda: cloud.documents("/status") and cloud.documents("/manifest"))
    await eventually(lambda: cloud.documents("/status")[-1]["state"] == "offline")
    online, offline = cloud.documents("/status")[0], cloud.documents("/status")[-1]
    assert (online["state"], online["epoch"], online["version"]) == ("online", "e1", "0.1.0")
    assert offline["reason"] == "stopped"
    assert assemble(cloud.bodies("/describe")) == catalogue()
    assert cloud.documents("/manifest")[0]["gateway"] == GATEWAY.id


async def test_a_late_joiner_finds_status_and_catalogue(broker: Broker, listen: Listen) -> None:
    async with running(uplink_settings(broker.url)) as uplink:
        await eventually(lambda: uplink.status.state == "connected" and not uplink.status.inflight)
        late: Cloud | None = None

        def retained() -> bool:
            return late is not None and bool(late.bodies("/describe") and late.bodies("/status"))

        late = listen(broker.port)
        await eventually(retained)
    assert all(retained for topic, _, retained in late.messages if topic.endswith("/describe"))


async def test_status_is_told_again_when_a_device_changes(broker: Broker, listen: Listen) -> None:
    cloud = listen(broker.port)
    async with running(uplink_settings(broker.url)) as uplink:
        await eventually(lambda: cloud.documents("/status"))
        uplink.board.device("soil-1").state = "down"
        await eventually(
            lambda: cloud.documents("/status")[-1]["devices"]["not_ok"] == {"soil-1": "down"}
        )
        told = len(cloud.documents("/status"))
        uplink.board.buffer.records += 17
        await eventually(lambda: uplink.status.acknowledged == uplink.status.published)
        assert len(cloud.documents("/status")) == told


async def test_a_changed_catalogue_is_published_and_named_by_packs(
    broker: Broker, listen: Listen
) -> None:
    cloud, second = listen(broker.port), catalogue(devices=2)
    described = [catalogue(), second]
    async with running(uplink_settings(broker.url), described=described) as uplink:
        await eventually(
            lambda: (
                [d["cat"] for d in cloud.documents("/describe")] == [catalogue().hash, second.hash]
            )
        )
        uplink.outbox.add(1)
        await eventually(cloud.arrivals)
    assert cloud.arrivals()[0][1].catalogue == second.hash


async def test_cbor_and_a_root_of_its_own(broker: Broker, listen: Listen) -> None:
    cloud = listen(broker.port, "town/gw-1/#")
    settings = uplink_settings(broker.url, encoding="cbor", root="town/{gateway}")
    async with running(settings) as uplink:
        await eventually(lambda: uplink.status.state == "connected")
        uplink.outbox.add(10)
        await eventually(lambda: len(cloud.numbers()) == 10)
    assert not cloud.bodies("/telemetry")[0].startswith(b"[")


async def test_mqtt_3_1_1_settles_too(broker: Broker, listen: Listen) -> None:
    cloud = listen(broker.port)
    async with running(uplink_settings(broker.url, mqtt="3.1.1")) as uplink:
        uplink.outbox.add(300)
        await eventually(lambda: len(uplink.outbox.settled()) == 300)
        await eventually(lambda: len(cloud.numbers()) == 300)
    assert "p2, c1" in broker.log()  # mosquitto's word for MQTT 3.1.1, clean session


async def test_status_and_manifest_are_told_every_hour(broker: Broker, listen: Listen) -> None:
    cloud = listen(broker.port)
    pace = replace(BRISK, manifest=0.2)
    async with running(uplink_settings(broker.url), pace=pace):
        await eventually(lambda: len(cloud.documents("/manifest")) >= 3)
        await eventually(lambda: len(cloud.documents("/status")) >= 3)


async def test_packs_name_the_catalogue_from_the_first_one_on(
    broker: Broker, listen: Listen
) -> None:
    cloud, outbox = listen(broker.port), MemoryOutbox()
    outbox.add(5)
    async with running(uplink_settings(broker.url), outbox):
        await eventually(lambda: len(cloud.numbers()) == 5)
    topics = [topic for topic, _, _ in cloud.messages]
    describe = topics.index("fieldgate/gw-1/describe")
    assert describe < topics.index("fieldgate/gw-1/backlog/telemetry")
    assert cloud.arrivals()[0][1].catalogue == catalogue().hash


async def test_a_stop_waits_for_what_is_in_flight(broker: Broker, listen: Listen) -> None:
    cloud, outbox = listen(broker.port), MemoryOutbox()
    outbox.add(4000)
    async with running(uplink_settings(broker.url), outbox) as uplink:
        await eventually(lambda: uplink.status.acknowledged > 3)
        await uplink.stop()
        settled = outbox.settled()
    assert not outbox.accounts[TELEMETRY].book("e1").flight
    await eventually(lambda: not settled - cloud.numbers())
