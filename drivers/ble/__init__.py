"""Bluetooth Low Energy: sensors that advertise, and those that have to be connected to."""

from agent.contract import Device, DriverSpec, Host, PolledDriver, StreamingDriver
from drivers.ble.profile import Profile
from drivers.ble.settings import BleSettings

__all__ = ["DRIVER"]


def _make(device: Device, host: Host) -> PolledDriver | StreamingDriver:
    from drivers.ble.station import Station

    station = Station.of(device, host)
    if station.profile is not None and station.profile.connects:
        from drivers.ble.connected import BleConnected

        return BleConnected(station, station.profile, host)
    from drivers.ble.stream import BleStream

    return BleStream(station, host)


DRIVER = DriverSpec(
    name="ble",
    summary="Bluetooth sensors: BTHome, Xiaomi, Ruuvi, Govee and more, and what profiles describe",
    settings=BleSettings,
    make=_make,
    commands={"scan": "drivers.ble.survey:main"},
    profile=Profile,
)
