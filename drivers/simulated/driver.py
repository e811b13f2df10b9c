"""A sensor's manners without a sensor."""

from collections.abc import Sequence

from agent.contract import Device, Host, LinkLost, PointInfo, Quality, Reading
from drivers.simulated.settings import SimulatedSettings
from drivers.simulated.shapes import wave


class SimulatedDriver:
    """Implements PolledDriver."""

    def __init__(self, device: Device, host: Host) -> None:
        self._id, self._host = device.id, host
        self._settings = SimulatedSettings.model_validate(dict(device.options))
        self._waves = {
            name: wave(shape, f"{self._settings.seed}/{device.id}/{name}")
            for name, shape in self._settings.points.items()
        }
        self._reads = 0

    @property
    def points(self) -> Sequence[PointInfo]:
        return [
            PointInfo(name, shape.unit, kind="counter" if shape.shape == "count" else "measurement")
            for name, shape in self._settings.points.items()
        ]

    async def open(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """There is nothing to let go."""

    async def read(self) -> Sequence[Reading]:
        self._reads += 1
        if _is_due(self._settings.fail_every, self._reads):
            raise LinkLost(
                "read {number} fails, as `fail_every` says",
                hint="take `fail_every` out of the device's settings",
                number=self._reads,
            )
        readings = self._sample()
        if _is_due(self._settings.fault_every, self._reads):
            bad = readings[0]
            readings[0] = Reading(
                bad.device, bad.point, None, bad.unit, bad.at, Quality.BAD, "sensor_fault"
            )
        return readings

    def _sample(self) -> list[Reading]:
        now = self._host.now()
        return [
            Reading(self._id, name, self._waves[name](self._reads, now.wall / 1e9), shape.unit, now)
            for name, shape in self._settings.points.items()
        ]


def _is_due(every: int, number: int) -> bool:
    return every > 0 and number % every == 0
