"""What each point of each device shows on a scripted day, by what the point means. Pure but for
the time that it is given.

All devices stand in one place: a warm noon is warm for all of them, each a little in its own way.
"""

import math
from collections.abc import Callable
from hashlib import blake2b

from agent.contract import Value
from agent.simulate.lot import Space
from agent.simulate.script import Script
from agent.simulate.weather import DAY, Course, Weather

# How far apart devices are that measure the same, in the unit of the point.
_SPREAD = {
    "air_temperature": 0.4, "air_humidity": 1.5, "soil_temperature": 0.5, "soil_moisture": 2.5,
    "soil_ec": 60.0, "soil_ph": 0.3, "co2": 15.0, "leaf_temperature": 0.5, "wind_speed": 0.3,
    "water_temperature": 0.4, "water_ph": 0.2, "water_ec": 40.0, "air_pressure": 0.3,
}  # fmt: skip
_CALM: dict[str, Value] = {  # nothing fails unless it is told to
    "alarm": False, "fatal_error": False, "offset_regulation_error": False,
    "algorithm_error": False, "output_error": False, "self_diagnostics_error": False,
    "out_of_range": False, "memory_error": False, "not_ready": False, "not_reliable": False,
    "sensor_busy": False, "data_ready": True, "battery_low": False, "relay_state": False,
    "input_state": False, "magnetometer_state": "normal", "device_status": 0,
}  # fmt: skip


class Story:
    """An `agent.contract.Story`. `elapsed`: s since the midnight of the first day."""

    def __init__(self, script: Script, elapsed: Callable[[], float]) -> None:
        self._script, self._elapsed = script, elapsed
        self._course = Course(script.place, script.seed)
        self._spaces: dict[str, Space] = {}

    def __call__(self, device: str, point: str) -> Value | None:
        time = self._elapsed()
        meaning, label = parted(point)
        if meaning in _CALM:
            return _CALM[meaning]
        if meaning in PARKING:
            return self._parking(f"{device}/{label}", meaning, time)
        weather = self._course.at(time)
        if meaning not in MEASURED:
            return None
        spread = _SPREAD.get(meaning, 0.0) * _draw(f"{device}/{label}/{meaning}")
        return round(MEASURED[meaning](weather, time) + spread, 3)

    def _parking(self, space: str, meaning: str, time: float) -> Value:
        if space not in self._spaces:
            self._spaces[space] = Space(self._script.seed, space, self._script.rushes)
        return PARKING[meaning](self._spaces[space], time, _draw(space), self._course.at(time))


def parted(point: str) -> tuple[str, str]:
    """A point's meaning, and what tells it from others of its kind: soil_moisture_10cm."""
    words = point.split("_")
    for size in range(len(words), 0, -1):
        meaning = "_".join(words[:size])
        if meaning in _MEANINGS:
            return meaning, "_".join(words[size:])
    return point, ""


def _draw(key: str) -> float:
    """-1…1, that belongs to the key."""
    return int.from_bytes(blake2b(key.encode(), digest_size=4).digest()) / 0x80000000 - 1.0


def _soil_ec(weather: Weather) -> float:
    """Less water conducts less, warmth more: 1.9 % for each Cel."""
    wet = math.sqrt(weather.soil_water / 30.0) * weather.soil_water / 30.0
    return 1100.0 * wet * (1.0 + 0.019 * (weather.soil - 25.0))


def _wind_direction(time: float) -> float:
    return (110.0 + 40.0 * ((time / DAY * 2.0) % 1.0)) % 360.0


Measured = Callable[[Weather, float], float]
MEASURED: dict[str, Measured] = {
    "air_temperature": lambda w, _: w.air,
    "air_humidity": lambda w, _: w.humidity,
    "dew_point": lambda w, _: w.dew_point,
    "air_pressure": lambda w, t: 1012.0 + 1.5 * ((t / DAY * 2.0) % 1.0) - 0.05 * (w.air - 20.0),
    "co2": lambda w, _: w.co2,
    "co2_filtered": lambda w, _: w.co2,
    "illuminance": lambda w, _: 90_000.0 * w.sun,
    "ppfd": lambda w, _: 1_665.0 * w.sun,
    "ppfd_solar": lambda w, _: 1_665.0 * w.sun,
    "irradiance": lambda w, _: 850.0 * w.sun,
    "uv_index": lambda w, _: 9.0 * w.sun,
    "soil_moisture": lambda w, _: w.soil_water,
    "soil_temperature": lambda w, _: w.soil,
    "soil_ec": lambda w, _: _soil_ec(w),
    "soil_ph": lambda _, __: 6.7,
    "soil_salinity": lambda w, _: 0.55 * _soil_ec(w),
    "soil_tds": lambda w, _: 0.5 * _soil_ec(w),
    "soil_permittivity": lambda w, _: 3.0 + 0.62 * w.soil_water,
    "leaf_wetness": lambda w, _: 100.0 * w.wet,
    "leaf_temperature": lambda w, _: w.air - 1.0 + 3.0 * w.sun,
    "wind_speed": lambda w, _: w.wind,
    "wind_speed_average": lambda w, _: w.wind,
    "wind_gust": lambda w, _: 1.5 * w.wind + 0.4,
    "wind_direction": lambda _, t: _wind_direction(t),
    "wind_direction_average": lambda _, t: _wind_direction(t),
    "rain_total": lambda w, _: w.rain_total,
    "rain_rate": lambda w, _: w.rain,
    "water_temperature": lambda w, _: 0.5 * (w.soil + w.air),
    "water_ph": lambda _, __: 6.2,
    "water_ec": lambda w, _: 1_450.0 + 20.0 * w.sun,
    "curtain_position": lambda w, _: 100.0 * w.vents,
}

Parked = Callable[[Space, float, float, Weather], Value]  # space, time, draw (-1…1), weather
PARKING: dict[str, Parked] = {
    "occupied": lambda s, t, _, __: s.at(t).occupied,
    "parking_state": lambda s, t, _, __: "occupied" if s.at(t).occupied else "vacant",
    "previous_state_duration": lambda s, t, _, __: round(t - s.at(t).since),
    "event_counter": lambda s, t, _, __: s.at(t).changes,
    "battery_level": lambda _, t, d, __: round(78.0 + 20.0 * d - t / DAY * 0.02, 2),
    "battery_voltage": lambda _, t, d, __: round(3.45 + 0.12 * d - t / DAY * 0.0001, 3),
    "rssi": lambda s, t, d, __: round(-82.0 + 12.0 * d - (6.0 if s.at(t).occupied else 0.0)),
    "snr": lambda s, t, d, __: round(5.0 + 3.0 * d - (2.0 if s.at(t).occupied else 0.0), 1),
    "device_temperature": lambda s, t, d, w: round(
        w.outside + d + (1.0 if s.at(t).occupied else 9.0 * w.sun), 1
    ),
    "magnetic_x": lambda s, t, d, __: round(-2.0 + 2.0 * d + s.field(t)[0], 2),
    "magnetic_y": lambda s, t, d, __: round(34.5 + 2.0 * d + s.field(t)[1], 2),
    "magnetic_z": lambda s, t, d, __: round(-36.0 + 2.0 * d + s.field(t)[2], 2),
}
_MEANINGS = frozenset({*_CALM, *MEASURED, *PARKING})
