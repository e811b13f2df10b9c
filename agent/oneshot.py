"""Devices read without the service: one sample of one, or many again and again."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from agent.clock import Clock
from agent.config.load import Configuration
from agent.contract import (
    Device,
    DeviceFault,
    LinkLost,
    Misconfigured,
    PolledDriver,
    Quality,
    Raw,
    Reading,
    StreamingDriver,
)
from agent.control.answers import line
from agent.host import DeviceHost
from agent.plan import make_driver, wire_spec
from agent.status import Board
from agent.wires import Wires

_News = asyncio.Queue[list[dict[str, Any]] | Exception]

PATIENCE = 30.0  # s to wait for a device that speaks by itself


async def sample(config: Configuration, name: str) -> dict[str, Any]:
    """What the service answers to `read`: {"readings": […], "raw": {point: hex}}.

    Raises Misconfigured when no device has that name, else what its driver raises.
    """
    device = named(config, name)
    async with _opened(config, device) as driver:
        readings = await (
            driver.read() if isinstance(driver, PolledDriver) else _first_of(device, driver)
        )
        raw = dict(driver.raw()) if isinstance(driver, Raw) else {}
    return {"readings": [line(reading) for reading in readings], "raw": raw}


def named(config: Configuration, name: str) -> Device:
    """Raises Misconfigured when no device has that name."""
    for device in config.devices:
        if device.id == name:
            return device
    raise Misconfigured(
        "no device is called '{name}'",
        hint="the devices are: {known}",
        name=name,
        known=", ".join(sorted(device.id for device in config.devices)),
    )


async def live(
    config: Configuration, devices: Sequence[Device], every: float
) -> AsyncGenerator[list[dict[str, Any]], None]:
    """Readings of several devices as they come, until closed: each is read `every` s, or as soon
    as its wire allows. One that does not answer has no values. Raises Misconfigured."""
    news: _News = asyncio.Queue(maxsize=100)
    async with AsyncExitStack() as last:
        specs = [
            wire_spec(w, config.settings.wires[w]) for w in {d.wire for d in devices if d.wire}
        ]
        wires = await last.enter_async_context(Wires(specs, Board()))
        drivers = []
        for device in devices:
            host = DeviceHost(device, Clock(), wires.wire(device.wire) if device.wire else None)
            last.callback(host.close)
            drivers.append(make_driver(device, host))
        tasks = [
            asyncio.create_task(_feed(device, driver, every, news))
            for device, driver in zip(devices, drivers, strict=True)
        ]
        last.push_async_callback(_end, tasks)
        while True:
            told = await news.get()
            if isinstance(told, Exception):
                raise told
            yield told


async def _end(tasks: Sequence["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _feed(
    device: Device, driver: PolledDriver | StreamingDriver, every: float, news: "_News"
) -> None:
    try:
        await _read_on(device, driver, every, news)
    except Exception as error:  # noqa: BLE001  raised where the readings are awaited
        await news.put(error)


async def _read_on(
    device: Device, driver: PolledDriver | StreamingDriver, every: float, news: "_News"
) -> None:
    clock = Clock()
    while True:
        try:
            await driver.open()
            async for readings in _said(driver, every):
                await news.put([line(reading) for reading in readings])
        except (LinkLost, DeviceFault) as error:
            await news.put([line(lost) for lost in _lost(device, driver, clock, error.reason)])
        finally:
            await driver.close()
        await asyncio.sleep(every)


async def _said(
    driver: PolledDriver | StreamingDriver, every: float
) -> AsyncIterator[Sequence[Reading]]:
    if isinstance(driver, PolledDriver):
        while True:
            yield await driver.read()
            await asyncio.sleep(every)
    async for record in driver.readings():
        if isinstance(record, Reading):
            yield [record]


def _lost(
    device: Device, driver: PolledDriver | StreamingDriver, clock: Clock, reason: str
) -> list[Reading]:
    at = clock.now()
    return [
        Reading(device.id, point.id, None, point.unit, at, Quality.BAD, reason)
        for point in driver.points
    ]


@asynccontextmanager
async def _opened(
    config: Configuration, device: Device
) -> AsyncIterator[PolledDriver | StreamingDriver]:
    specs = [wire_spec(device.wire, config.settings.wires[device.wire])] if device.wire else []
    async with Wires(specs, Board()) as wires, AsyncExitStack() as last:
        wire = wires.wire(device.wire) if device.wire else None
        host = DeviceHost(device, Clock(), wire)
        last.callback(host.close)
        driver = make_driver(device, host)
        last.push_async_callback(driver.close)
        await driver.open()
        yield driver


async def _first_of(device: Device, driver: StreamingDriver) -> Sequence[Reading]:
    try:
        async with asyncio.timeout(PATIENCE):
            async for record in driver.readings():
                if isinstance(record, Reading):
                    return [record]
    except TimeoutError:
        pass
    raise LinkLost(
        "{device} said nothing within {timeout:g} s",
        hint="see that it has power and is in reach",
        device=device.id,
        timeout=PATIENCE,
    )
