"""Devices that are asked by UDP: the same frames, the same care."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from agent.clock import Clock
from agent.contract import Device, LinkLost, Misconfigured, Simulator
from agent.host import DeviceHost
from drivers.serial_line import DRIVER
from drivers.serial_line.driver import SerialLineDriver
from drivers.serial_line.simulate import SerialLineSimulator, simulate
from drivers.serial_line.udp import KEPT, UdpEar

CARD = {"profile": "led-card-0x64", "timeout": "300ms", "max_late": "100ms"}
CO2 = {"profile": "winsen-mh-z19", "timeout": "300ms", "max_late": "100ms", "warm_up": "0s"}


class Server(asyncio.DatagramProtocol):
    """A simulated device behind a UDP port; `twist` changes what it sends."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.twist: Callable[[bytes], Sequence[bytes]] = lambda answer: [answer]
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        assert self._transport
        for answer in self.simulator.hear(data):
            for datagram in self.twist(answer):
                self._transport.sendto(datagram, addr)


@asynccontextmanager
async def asked(options: dict[str, Any]) -> AsyncIterator[tuple[SerialLineDriver, Server]]:
    clock = Clock()
    loop = asyncio.get_running_loop()
    wired = Device("d", "serial_line", 1.0, wire="bus", options=options)
    server = Server(simulate([(wired, DeviceHost(wired, clock))], "rtu"))
    transport, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    device = Device(
        "d", "serial_line", 1.0, options=options | {"connect": f"udp://127.0.0.1:{port}"}
    )
    driver = DRIVER.make(device, DeviceHost(device, clock))
    assert isinstance(driver, SerialLineDriver)
    await driver.open()
    yield driver, server
    await driver.close()
    transport.close()


def bank(server: Server) -> Any:
    assert isinstance(server.simulator, SerialLineSimulator)
    return server.simulator.banks["d"]


async def test_a_sign_is_written_by_udp() -> None:
    async with asked(CARD) as (driver, server):
        reading = await driver.write("display_text", "余位 7")
        assert (reading.value, reading.reason) == ("余位 7", "")
        assert bank(server).told("text") == "余位 7"


async def test_an_answer_is_one_whole_datagram() -> None:
    async with asked(CO2) as (driver, server):
        bank(server).set("co2", 608)
        assert (await driver.read())[0].value == 608
        server.twist = lambda answer: [answer[:4], answer[4:]]
        with pytest.raises(LinkLost):
            await driver.read()
        server.twist = lambda answer: [b"noise", answer]
        assert (await driver.read())[0].value == 608


async def test_what_came_before_the_question_is_no_answer() -> None:
    async with asked(CO2) as (driver, server):
        bank(server).set("co2", 111)
        server.twist = lambda answer: [answer, answer, answer]
        await driver.read()
        await asyncio.sleep(0.05)
        bank(server).set("co2", 222)
        server.twist = lambda answer: [answer]
        assert (await driver.read())[0].value == 222


async def test_a_port_where_nobody_listens_is_silent() -> None:
    device = Device("d", "serial_line", 1.0, options=CO2 | {"connect": "udp://127.0.0.1:9"})
    driver = DRIVER.make(device, DeviceHost(device, Clock()))
    assert isinstance(driver, SerialLineDriver)
    await driver.open()
    for _ in range(2):
        with pytest.raises(LinkLost, match="no answer within") as caught:
            await driver.read()
        assert caught.value.reason == "timeout"
    await driver.close()


async def test_a_board_that_says_nothing_is_told_by_udp() -> None:
    async with asked({"profile": "led-digit-board", "address": 5}) as (driver, server):
        reading = await driver.write("parking_free_spaces", 999)
        assert reading.reason == "not_confirmed"
        async with asyncio.timeout(10):
            while bank(server).told("count") != 999:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("address", "kind", "problem"),
    [
        ("203.0.113.7", LinkLost, "cannot be listened on"),
        ("no.such.host.invalid", Misconfigured, "is no address to listen on"),
    ],
)
async def test_an_address_that_is_not_ours_is_told(
    address: str, kind: type[Exception], problem: str
) -> None:
    with pytest.raises(kind, match=problem):
        async with UdpEar((address, 5000)):
            pass


async def test_a_peer_without_a_name_is_looked_for_again() -> None:
    with pytest.raises(LinkLost, match="cannot be reached") as caught:
        await UdpEar.to(("no.such.host.invalid", 5000))
    assert caught.value.reason == "no_peer"


async def test_a_flood_costs_the_oldest_and_nothing_else() -> None:
    async with UdpEar(("127.0.0.1", 0)) as ear:
        for number in range(KEPT + 10):
            ear.datagram_received(str(number).encode(), ("127.0.0.1", 1))
        ear.datagram_received(b"x" * 3000, ("127.0.0.1", 1))
        assert await ear.hear(0.1) == b"10"


async def test_a_device_without_a_way_to_it_is_refused() -> None:
    device = Device("d", "serial_line", 1.0, options=CO2)
    with pytest.raises(Misconfigured, match="d needs a wire"):
        DRIVER.make(device, DeviceHost(device, Clock()))
