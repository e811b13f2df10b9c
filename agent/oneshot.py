"""One sample of one device without the service: what `fieldgate read` does before `run`."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from agent.clock import Clock
from agent.config.load import Configuration
from agent.contract import (
    Device,
    LinkLost,
    Misconfigured,
    PolledDriver,
    Raw,
    Reading,
    StreamingDriver,
)
from agent.control.answers import line
from agent.host import DeviceHost
from agent.plan import make_driver, wire_spec
from agent.status import Board
from agent.wires import Wires

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
