"""A device that is not there, for demonstrations and tests."""

from agent.contract import Device, DriverSpec, Host, PolledDriver
from drivers.simulated.settings import SimulatedSettings

__all__ = ["DRIVER"]


def _make(device: Device, host: Host) -> PolledDriver:
    from drivers.simulated.driver import SimulatedDriver

    return SimulatedDriver(device, host)


DRIVER = DriverSpec(
    name="simulated",
    summary="a device that is not there: sines, ramps, counts and random walks",
    settings=SimulatedSettings,
    make=_make,
)
