"""One connection on the event loop: nothing dies silently, nothing is left open."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from agent.contract import Lane, LinkLost, Misconfigured, Pack
from agent.uplink.endpoint import Endpoint, address
from agent.uplink.link import open_link
from agent.uplink.session import Message, Session
from agent.uplink.topics import Topics
from agent.uplink.words import unreachable
from tests.support_uplink import Broker, MemoryOutbox, eventually, running, uplink_settings

MakeBroker = Callable[..., Broker]


def endpoint(port: int, **more: Any) -> Endpoint:
    return Endpoint("127.0.0.1", port, "link-test", **more)


@asynccontextmanager
async def mute() -> AsyncIterator[tuple[int, list[bool]]]:
    """Accepts connections and says nothing; the list grows when one of them is closed."""
    closed: list[bool] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(100):
                pass
        except ConnectionError:
            pass
        closed.append(True)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], closed
    server.close()


async def test_a_broker_that_says_nothing_is_given_up_after_the_deadline() -> None:
    async with mute() as (port, closed):
        with pytest.raises(LinkLost, match=r"does not answer within 0\.2 s"):
            await open_link(endpoint(port), deadline=0.2)
        await eventually(lambda: closed)


async def test_a_handshake_that_never_ends_is_given_up_after_the_deadline() -> None:
    async with mute() as (port, closed):
        with pytest.raises(LinkLost):
            await open_link(endpoint(port, secure=True), deadline=0.2)
        await eventually(lambda: closed)


async def test_cancelling_the_dialler_leaves_nothing_open() -> None:
    async with mute() as (port, closed):
        dialling = asyncio.create_task(open_link(endpoint(port, secure=True), deadline=1.0))
        await asyncio.sleep(0.1)
        dialling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dialling
        await eventually(lambda: closed)


async def test_a_bug_in_a_callback_ends_the_link_and_is_raised(broker: Broker) -> None:
    link = await open_link(endpoint(broker.port))

    def buggy(_mid: int, _code: int) -> None:
        raise RuntimeError("a bug")

    link.on_ack = buggy
    link.publish("a/b", b"1", "text/plain")
    await eventually(link.over.is_set)
    with pytest.raises(RuntimeError, match="a bug"):
        link.check()
    link.drop()


async def test_a_bug_in_the_outbox_leaves_the_uplink(broker: Broker) -> None:
    class Buggy(MemoryOutbox):
        async def owed(self, stream: str, lane: Lane, limit: int) -> Pack | None:
            raise RuntimeError("a bug")

    async with running(uplink_settings(broker.url), Buggy()) as uplink:
        with pytest.raises(RuntimeError, match="a bug"):
            await uplink.task
        uplink.task = asyncio.create_task(asyncio.sleep(0))


async def test_nothing_can_be_published_after_the_end(broker: Broker) -> None:
    link = await open_link(endpoint(broker.port))
    await link.close()
    assert link.error is None
    with pytest.raises(LinkLost):
        link.publish("a/b", b"1", "text/plain")
    with pytest.raises(LinkLost):
        await link.subscribe(["a/#"])


async def test_a_killed_broker_ends_the_link_and_what_waits_for_it(broker: Broker) -> None:
    link = await open_link(endpoint(broker.port))
    broker.pause()
    waiting = asyncio.create_task(link.subscribe(["a/#"]))
    await asyncio.sleep(0.05)
    broker.kill()
    with pytest.raises(LinkLost, match="ended the connection"):
        await waiting
    with pytest.raises(LinkLost):
        link.check()
    link.drop()


async def test_all_that_a_tls_record_brings_is_read(
    make_broker: MakeBroker, tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    cert = authority.issue_cert("127.0.0.1")
    cert.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    cert.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    broker = make_broker(
        f"allow_anonymous true\ncertfile {tmp_path}/cert.pem\nkeyfile {tmp_path}/key.pem"
    )
    secure = endpoint(broker.port, secure=True, ca_file=tmp_path / "ca.pem")
    link = await open_link(secure)
    heard: list[bytes] = []
    link.on_message = lambda _topic, body: heard.append(body)
    await link.subscribe(["a/#"])
    for number in range(300):
        link.publish("a/b", str(number).encode(), "text/plain")
    await eventually(lambda: len(heard) == 300)
    assert heard == [str(number).encode() for number in range(300)]
    await link.close()


async def test_the_window_is_the_smaller_of_ours_and_the_brokers(make_broker: MakeBroker) -> None:
    broker = make_broker(global_config="max_inflight_messages 3\nmax_packet_size 500")
    link = await open_link(endpoint(broker.port))
    session = Session(link, 20, 10.0)
    assert session.window == 3
    room = session.room("a/b")
    assert room is not None
    assert 400 < room < 500
    for _ in range(3):
        session.publish(Message("a/b", b"1", "text/plain"))
    assert session.free == 0
    await eventually(lambda: len(session.answers) == 3)
    assert session.free == 3
    session.stop()
    await link.close()


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (socket.gaierror(-2, "Name or service not known"), "is not known here"),
        (ConnectionRefusedError(111, "Connection refused"), "does not answer: Connection refused"),
        (TimeoutError("timed out"), "does not answer: timed out"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "no TLS with"),
        (UnicodeError("label too long"), "is not known here"),
    ],
)
def test_what_the_system_says_becomes_words_for_a_technician(error: Exception, word: str) -> None:
    lost = unreachable(replace(endpoint(1883), host="broker.example"), error)
    assert word in str(lost)
    assert lost.hint


def test_addresses_have_the_usual_ports() -> None:
    assert address("mqtt://broker.example") == ("broker.example", 1883, False)
    assert address("mqtts://broker.example") == ("broker.example", 8883, True)
    assert address("mqtts://[::1]:1234") == ("::1", 1234, True)


@pytest.mark.parametrize(
    "root", ["{town}/{gateway}", "a/#", "+/a", "", "/", "$SYS/a", "{", "a/{0}"]
)
def test_a_root_that_is_no_topic_is_refused_at_once(root: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        Topics.of(root, "gw-1")
    assert "{gateway}" in refused.value.hint
