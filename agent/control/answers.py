"""Readings as the control socket tells them, from the service or without one."""

from typing import Any

from agent.contract import Reading


def line(reading: Reading) -> dict[str, Any]:
    """One reading as plain values; `t` in seconds since 1970 UTC."""
    return {
        "device": reading.device,
        "point": reading.point,
        "value": reading.value,
        "unit": reading.unit,
        "quality": reading.quality.value,
        "reason": reading.reason,
        "t": reading.at.wall / 1e9,
    }
