"""An uplink against a real mosquitto that dies, hangs, limits, denies and has nobody listening."""

import asyncio
import logging
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent.contract import TELEMETRY, Lane, Ranges
from agent.uplink.endpoint import Endpoint
from agent.uplink.link import open_link
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
MakeBroker = Callable[..., Broker]


async def test_a_broker_that_is_away_at_start_is_waited_for(
    make_broker: MakeBroker, caplog: pytest.LogCaptureFixture
) -> None:
    broker = make_broker(start=False)
    outbox = MemoryOutbox()
    outbox.add(5)
    async with running(uplink_settings(broker.url, no_listener="settle"), outbox) as uplink:
        await eventually(lambda: uplink.status.state == "waiting")
        assert "does not answer" in uplink.status.error
        assert "firewall" in uplink.status.hint
        await asyncio.sleep(0.5)
        broker.start()
        await eventually(lambda: outbox.settled() == Ranges.of(1, 5))
        assert uplink.status.error == ""
    warnings = [r for r in caplog.records if r.levelno == logging.WARNING]
    complaints = [r for r in warnings if "does not answer" in r.getMessage()]
    assert len(complaints) == 1


async def test_what_a_killed_broker_acknowledged_last_is_owed_again(broker: Broker) -> None:
    settings = uplink_settings(broker.url, no_listener="settle", overlap="60s")
    async with running(settings) as uplink:
        uplink.outbox.add(100)
        await eventually(lambda: len(uplink.outbox.settled()) == 100)
        broker.kill()
        await eventually(lambda: uplink.outbox.owed_again == [(TELEMETRY, Ranges.of(1, 100))])
        broker.start()
        await eventually(lambda: len(uplink.outbox.settled()) == 100)
    assert uplink.status.connects >= 2


async def test_nothing_is_owed_again_after_our_own_goodbye(broker: Broker) -> None:
    settings = uplink_settings(broker.url, no_listener="settle", overlap="60s")
    async with running(settings) as uplink:
        uplink.outbox.add(100)
        await eventually(lambda: len(uplink.outbox.settled()) == 100)
    assert uplink.outbox.owed_again == []


async def test_nothing_is_lost_when_the_broker_dies_again_and_again(
    broker: Broker, listen: Listen
) -> None:
    cloud, total = listen(broker.port), 0
    async with running(uplink_settings(broker.url, batch=10, overlap="60s")) as uplink:
        for _ in range(3):
            for _ in range(20):
                uplink.outbox.add(20)
                total += 20
                await asyncio.sleep(0.01)
            broker.kill()
            uplink.outbox.add(20)
            total += 20
            await asyncio.sleep(0.1)
            broker.start()
        await eventually(lambda: len(uplink.outbox.settled()) == total)
        await eventually(lambda: len(cloud.numbers()) == total, 40)
    live = [a.first for lane, a in cloud.arrivals() if lane is Lane.LIVE and a.stream == TELEMETRY]
    assert live == sorted(live)


async def test_a_broker_that_hangs_is_left_after_the_deadline(
    make_broker: MakeBroker,
) -> None:
    first, second = make_broker(), make_broker()
    settings = uplink_settings(first.url, second.url, publish_deadline="1s", no_listener="settle")
    async with running(settings) as uplink:
        await eventually(lambda: uplink.status.state == "connected")
        await eventually(lambda: uplink.status.inflight == 0)
        first.pause()
        uplink.outbox.add(10)
        await eventually(lambda: len(uplink.outbox.settled()) == 10)
        assert uplink.status.broker == second.url


async def test_the_next_broker_takes_over_and_the_first_is_preferred(
    make_broker: MakeBroker,
) -> None:
    first, second = make_broker(start=False), make_broker()
    settings = uplink_settings(first.url, second.url, no_listener="settle")
    async with running(settings) as uplink:
        await eventually(lambda: uplink.status.state == "connected")
        assert uplink.status.broker == second.url
        first.start()
        second.kill()
        await eventually(lambda: uplink.status.connects == 2)
        assert uplink.status.broker == first.url


async def test_records_wait_for_a_listener(
    broker: Broker, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running(uplink_settings(broker.url)) as uplink:
        uplink.outbox.add(300)
        await eventually(lambda: uplink.status.state == "holding")
        assert uplink.status.no_listener
        uplink.outbox.add(100)
        await eventually(lambda: uplink.status.published > 5)
        assert not uplink.outbox.settled()
        cloud = listen(broker.port)
        await eventually(lambda: len(uplink.outbox.settled()) == 400)
        await eventually(lambda: len(cloud.numbers()) == 400)
        await eventually(lambda: uplink.status.state == "connected")
        await eventually(lambda: not uplink.status.no_listener)
    said = [r.getMessage() for r in caplog.records if "subscribes" in r.getMessage()]
    assert any("nobody subscribes to fieldgate/gw-1/telemetry" in text for text in said)
    assert any("somebody subscribes" in text for text in said)


async def test_a_topic_without_listener_does_not_hold_the_others(
    broker: Broker, listen: Listen
) -> None:
    cloud = listen(broker.port, "fieldgate/gw-1/telemetry")
    outbox = MemoryOutbox()
    outbox.add(50)
    async with running(uplink_settings(broker.url), outbox) as uplink:
        await eventually(lambda: uplink.status.state == "holding")
        outbox.add(50)
        await eventually(lambda: cloud.numbers() == Ranges.of(51, 100))
        await eventually(lambda: outbox.settled() == Ranges.of(51, 100))


async def test_records_can_be_settled_without_a_listener(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(uplink_settings(broker.url, no_listener="settle")) as uplink:
        uplink.outbox.add(300)
        await eventually(lambda: len(uplink.outbox.settled()) == 300)
        assert uplink.status.no_listener
    assert sum("settled all the same" in r.getMessage() for r in caplog.records) == 1


async def test_packs_are_split_below_the_maximum_packet_size(
    make_broker: MakeBroker, listen: Listen
) -> None:
    broker = make_broker(global_config="max_packet_size 3000")
    cloud = listen(broker.port)
    described = [catalogue(devices=10, points=12)]
    async with running(uplink_settings(broker.url), described=described) as uplink:
        uplink.outbox.add(400)
        await eventually(lambda: len(cloud.numbers()) == 400)
        await eventually(lambda: len(uplink.outbox.settled()) == 400)
        assert uplink.status.connects == 1
    assert uplink.outbox.refusals == []
    assert max(len(body) for _, body, _ in cloud.messages) < 3000
    assert len(cloud.bodies("/describe/2")) == 1


async def test_a_record_too_large_for_the_broker_becomes_a_gap(
    make_broker: MakeBroker, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    broker = make_broker(global_config="max_packet_size 250")
    listen(broker.port, "nothing")
    async with running(uplink_settings(broker.url, no_listener="settle")) as uplink:
        uplink.outbox.add(2)
        await eventually(lambda: len(uplink.outbox.refusals) == 2)
    assert {reason for _, reason in uplink.outbox.refusals} == {"too_large"}
    assert not uplink.outbox.owed_now()
    assert "told as a gap" in caplog.text


async def test_a_silent_size_limit_is_found_by_sending_less(
    make_broker: MakeBroker, listen: Listen
) -> None:
    broker = make_broker(global_config="max_packet_size 4000")
    cloud = listen(broker.port)
    async with running(uplink_settings(broker.url, mqtt="3.1.1")) as uplink:
        uplink.outbox.add(400)
        await eventually(lambda: len(uplink.outbox.settled()) == 400)
        await eventually(lambda: len(cloud.numbers()) == 400)
        assert uplink.status.connects > 3
    assert uplink.outbox.refusals == []


async def test_the_window_keeps_to_receive_maximum(make_broker: MakeBroker, listen: Listen) -> None:
    broker = make_broker(global_config="max_inflight_messages 2")
    cloud = listen(broker.port)
    async with running(uplink_settings(broker.url, batch=5)) as uplink:
        outbox = uplink.outbox
        outbox.add(500)
        await eventually(lambda: len(outbox.settled()) == 500)
        await eventually(lambda: len(cloud.numbers()) == 500)
        assert uplink.status.connects == 1


def _user(file: Path, name: str, password: str) -> None:
    words = ["mosquitto_passwd", "-c", "-b", str(file), name, password]
    subprocess.run(words, check=True, capture_output=True)


async def test_a_wrong_password_is_retried_and_works_once_it_is_corrected(
    make_broker: MakeBroker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:

    folder = tmp_path
    users, password = folder / "users", folder / "password"
    _user(users, "gw", "right")
    password.write_text("wrong\n")
    broker = make_broker(f"allow_anonymous false\npassword_file {users}")
    settings = uplink_settings(
        broker.url, username="gw", password_file=password, no_listener="settle"
    )
    async with running(settings) as uplink:
        await eventually(lambda: uplink.status.state == "refused")
        assert "refuses the login of gw" in uplink.status.error
        assert "password_file" in uplink.status.hint
        assert "wrong" not in uplink.status.error + uplink.status.hint + caplog.text
        password.write_text("right\r\n")
        await eventually(lambda: uplink.status.state == "connected")


async def test_a_missing_password_file_is_complained_of_and_looked_for_again(
    broker: Broker, tmp_path: Path
) -> None:

    file = tmp_path / "later"
    settings = uplink_settings(broker.url, username="gw", password_file=file)
    async with running(settings) as uplink:
        await eventually(lambda: uplink.status.state == "refused")
        assert str(file) in uplink.status.error
        file.write_text("secret")
        await eventually(lambda: uplink.status.state == "connected")


async def test_a_denied_topic_backs_off_and_settles_nothing(
    make_broker: MakeBroker, tmp_path: Path
) -> None:

    acl = tmp_path / "acl"
    acl.write_text("topic readwrite fieldgate/gw-1/status\n")
    broker = make_broker(f"allow_anonymous true\nacl_file {acl}")
    async with running(uplink_settings(broker.url)) as uplink:
        uplink.outbox.add(10)
        await eventually(lambda: uplink.status.state == "refused")
        assert "fieldgate/gw-1/" in uplink.status.error
        assert not uplink.outbox.settled()
        assert uplink.outbox.refusals == []
        assert uplink.outbox.owed_again == []


async def test_denied_documents_do_not_stop_the_records(
    make_broker: MakeBroker, listen: Listen, tmp_path: Path
) -> None:

    acl = tmp_path / "acl"
    acl.write_text("topic readwrite fieldgate/gw-1/telemetry\ntopic read #\n")
    broker = make_broker(f"allow_anonymous true\nacl_file {acl}")
    cloud = listen(broker.port, "fieldgate/gw-1/telemetry")
    async with running(uplink_settings(broker.url)) as uplink:
        await eventually(lambda: uplink.status.state == "connected")
        uplink.outbox.add(10)
        await eventually(lambda: len(cloud.numbers()) == 10)
        assert uplink.status.connects == 1


@pytest.mark.parametrize("mqtt", ["5", "3.1.1"])
async def test_two_gateways_with_one_identity_back_off_and_say_so(
    broker: Broker, mqtt: str
) -> None:
    settings = uplink_settings(broker.url, mqtt=mqtt, no_listener="settle")
    pace = replace(BRISK, taken_over=BRISK.lost)
    async with running(settings, pace=pace) as one, running(settings, pace=pace) as two:
        await eventually(
            lambda: "identity fieldgate-gw-1-cloud" in one.status.hint + two.status.hint
        )
        assert "refused" in {one.status.state, two.status.state}


async def test_the_will_says_that_the_gateway_is_lost(broker: Broker, listen: Listen) -> None:
    cloud = listen(broker.port, "+/+/status")
    async with running(uplink_settings(broker.url)):
        await eventually(lambda: cloud.documents("/status"))
        endpoint = Endpoint("127.0.0.1", broker.port, f"fieldgate-{GATEWAY.id}-cloud")
        thief = await open_link(endpoint)
        await eventually(lambda: any(d.get("reason") == "lost" for d in cloud.documents("/status")))
        await thief.close()
