"""Readings as ten devices of twenty points would give them, every 10 s: values that move slowly,
with a noise of two steps of their last decimal, and polls that come a few ms early or late."""

import random
from collections.abc import Iterator

from agent.contract import Instant, Reading, Record

DEVICES, PERIOD = 10, 10.0  # s
POINTS = (
    ("soil_moisture", "%", 1),
    ("soil_temperature", "Cel", 1),
    ("soil_ec", "uS/cm", 0),
    ("soil_ph", "[pH]", 2),
    ("soil_nitrogen", "mg/kg", 0),
    ("soil_phosphorus", "mg/kg", 0),
    ("soil_potassium", "mg/kg", 0),
    ("air_temperature", "Cel", 1),
    ("air_humidity", "%", 1),
    ("air_pressure", "hPa", 1),
    ("co2", "[ppm]", 0),
    ("illuminance", "lx", 0),
    ("wind_speed", "m/s", 1),
    ("wind_direction", "deg", 0),
    ("rain", "mm", 1),
    ("battery_voltage", "V", 2),
    ("current", "A", 3),
    ("active_power", "W", 1),
    ("energy", "kW.h", 2),
    ("signal", "dB", 0),
)


def readings(seed: int = 1) -> Iterator[Record]:
    """Endless."""
    dice = random.Random(seed)
    level = {
        (device, name): dice.uniform(100, 900) for device in range(DEVICES) for name, _, _ in POINTS
    }
    started, poll = 1_764_000_000_000_000_000, 0
    while True:
        for device in range(DEVICES):
            offset = poll * PERIOD + device * PERIOD / DEVICES + dice.gauss(0, 0.004)
            at = Instant("boot", int((1000 + offset) * 1e9), started + int(offset * 1e9), True)
            for name, unit, decimals in POINTS:
                level[device, name] += dice.gauss(0, 0.05)
                steps = round(level[device, name] + dice.gauss(0, 2))
                value = round(steps / 10**decimals, decimals) if decimals else steps
                yield Reading(f"soil-{device + 1}", name, value, unit, at)
        poll += 1
