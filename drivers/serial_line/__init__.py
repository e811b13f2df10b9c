"""Frames on a serial line, TCP or UDP that are not Modbus; devices are described by profiles."""

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
    StreamingDriver,
    Wire,
)
from drivers.serial_line.settings import SerialLineSettings

__all__ = ["DRIVER"]


def _make(device: Device, host: Host) -> PolledDriver | StreamingDriver:
    from drivers.serial_line.driver import SerialLineDriver
    from drivers.serial_line.station import Station
    from drivers.serial_line.stream import SerialLineStream

    station = Station.of(device, host)
    if station.profile.listens:
        return SerialLineStream(station, host)
    return SerialLineDriver(station, host)


def _simulate(devices: Sequence[tuple[Device, Host]], framing: str) -> Simulator:
    from drivers.serial_line.simulate import simulate

    return simulate(devices, framing)


def _probe(device: Device, host: Host) -> Probe:
    from drivers.serial_line.probe import probe

    return probe(device, host)


def _scan(wire: Wire, search: Search) -> AsyncIterator[Find | Step]:
    from drivers.serial_line.survey import survey

    return survey(wire, search)


def _address(profile: str, file: Path, wire: Wire) -> Addressing:
    from drivers.serial_line.addressing import addressing

    return addressing(profile, file, wire)


DRIVER = DriverSpec(
    name="serial_line",
    summary="Serial frames that are not Modbus: meters, motors, signs, parking receivers",
    settings=SerialLineSettings,
    address=_address,
    make=_make,
    simulate=_simulate,
    probe=_probe,
    scan=_scan,
)
