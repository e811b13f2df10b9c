"""Modbus RTU, TCP and RTU over TCP."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from agent.contract import (
    Addressing,
    Device,
    DriverSpec,
    Find,
    Host,
    PolledDriver,
    Probe,
    Search,
    Simulator,
    Step,
    Wire,
)
from drivers.modbus.profile import Profile
from drivers.modbus.settings import ModbusSettings

__all__ = ["DRIVER"]


def _make(device: Device, host: Host) -> PolledDriver:
    from drivers.modbus.driver import ModbusDriver

    return ModbusDriver(device, host)


def _simulate(devices: Sequence[tuple[Device, Host]], framing: str) -> Simulator:
    from drivers.modbus.simulate import simulate

    return simulate(devices, framing)


def _address(profile: str, file: Path, wire: Wire) -> Addressing:
    from drivers.modbus.addressing import addressing

    return addressing(profile, file, wire)


def _probe(device: Device, host: Host) -> Probe:
    from drivers.modbus.probe import probe

    return probe(device, host)


def _scan(wire: Wire, search: Search) -> AsyncIterator[Find | Step]:
    from drivers.modbus.scan import scan

    return scan(wire, search)


async def _inspect(device: Device, host: Host, what: str) -> Sequence[tuple[str, bytes]]:
    from drivers.modbus.inspect import inspect

    return await inspect(device, host, what)


DRIVER = DriverSpec(
    name="modbus",
    summary="Modbus RTU, Modbus TCP and RTU over TCP; devices are described by profiles",
    settings=ModbusSettings,
    make=_make,
    simulate=_simulate,
    wired=True,
    profile=Profile,
    address=_address,
    probe=_probe,
    scan=_scan,
    inspect=_inspect,
)
