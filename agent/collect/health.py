"""How a device fares: its entry on the board, its events, and a word in the log when it goes and
when it returns."""

import logging
import time
from collections.abc import Sequence
from typing import Literal

from agent.clock import Clock
from agent.contract import Device, Event, GatewayError, PointInfo, Quality, Reading, Value
from agent.status import DeviceStatus

log = logging.getLogger(__name__)

SMOOTH = 0.2  # weight of the newest response time in the mean


class Health:
    """Of one device. Methods return the events that the change of state makes."""

    def __init__(self, device: Device, status: DeviceStatus, clock: Clock) -> None:
        self._device, self._status, self._clock = device, status, clock
        self._trouble: Literal["", "fault", "down"] = ""  # what the log has complained about
        self._since = 0  # ns of the boot-time clock

    def read(self, readings: Sequence[Reading], seconds: float) -> list[Event]:
        """A read that took so long brought these."""
        status = self._status
        bad = sum(1 for reading in readings if reading.quality is Quality.BAD)
        status.reads += 1
        status.bad += bad
        status.values += len(readings) - bad
        status.response += (seconds - status.response) * (SMOOTH if status.response else 1.0)
        if bad < len(readings):
            status.last_good = time.time()
        status.state, status.error, status.hint = "degraded" if bad else "ok", "", ""
        return self._back()

    def failed(
        self, error: Exception, bad: int, *, down: bool, complain: bool = True
    ) -> list[Event]:
        """A read failed and made so many bad readings. `down`: the device is given up for now;
        `complain`: nobody else says so in the log."""
        self._note(error, "down" if down else "degraded")
        self._status.failures += 1
        self._status.bad += bad
        if not down or self._trouble == "down":
            return []
        if complain:
            word = "%s: %s; asking now and then until it answers"
            log.warning(word, self._device.id, self._said(error))
        return self._gone("device.lost", error)

    def faulty(self, error: GatewayError, bad: int) -> list[Event]:
        """The device answered with an error."""
        events = self._back() if self._trouble == "down" else []
        self._note(error, "degraded")
        self._status.failures += 1
        self._status.bad += bad
        if not self._trouble:
            said = self._said(error)
            log.warning("%s: %s; asking on, its readings are bad", self._device.id, said)
            self._trouble, self._since = "fault", self._clock.now().mono
        return events

    def parked(self, error: GatewayError, bad: int) -> list[Event]:
        """Nothing changes without an edit."""
        self._note(error, "parked")
        self._status.failures += 1
        self._status.bad += bad
        log.error("%s: parked: %s; %s", self._device.id, self._said(error), error.hint)
        return self._gone("device.parked", error)

    def skipped(self, beats: int) -> None:
        self._status.skipped_beats += beats

    def _said(self, error: Exception) -> str:
        """Many an error begins with the device's name, which the log has said already."""
        return str(error).removeprefix(f"{self._device.id}: ")

    def _note(self, error: Exception, state: str) -> None:
        self._status.state, self._status.error = state, str(error)
        self._status.hint = error.hint if isinstance(error, GatewayError) else ""

    def _gone(self, kind: str, error: Exception) -> list[Event]:
        now = self._clock.now()
        self._trouble, self._since = "down", now.mono
        return [Event(kind, self._device.id, now, {"reason": reason(error), "error": str(error)})]

    def _back(self) -> list[Event]:
        was, self._trouble = self._trouble, ""
        if not was:
            return []
        now = self._clock.now()
        seconds = round((now.mono - self._since) / 1e9, 1)
        log.info("%s: answers again after %g s", self._device.id, seconds)
        data: dict[str, Value | None] = {"seconds": seconds}
        return [Event("device.back", self._device.id, now, data)] if was == "down" else []


def reason(error: Exception) -> str:
    """What a bad reading says."""
    return error.reason if isinstance(error, GatewayError) else "bug"


def bad_readings(
    device: Device, points: Sequence[PointInfo], error: Exception, clock: Clock
) -> list[Reading]:
    """One for each point: no value, and why."""
    why, now = reason(error), clock.now()
    return [
        Reading(device.id, point.id, None, point.unit, now, Quality.BAD, why) for point in points
    ]
