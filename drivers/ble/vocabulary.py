"""What libraries call a value -> what fieldgate calls it, and in which unit it is stored."""

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["measurement", "counter", "state", "text"]
RSSI = "rssi"
BINARY = "binary_"  # before the keys of yes-or-no values, which libraries keep apart
_CHANNEL = re.compile(r"^(.+?)(_[0-9]{1,2}|_remote)?$")


@dataclass(frozen=True, slots=True)
class Meaning:
    """`unit` is UCUM."""

    point: str
    unit: str
    kind: Kind = "measurement"

    @property
    def range(self) -> tuple[float, float] | None:
        """Outside it a value is implausible for any sensor, as configs/units.yaml has it."""
        return _RANGES.get(_split(self.point)[0])


_RANGES: dict[str, tuple[float, float]] = {
    "air_temperature": (-45, 85), "air_humidity": (0, 100), "air_pressure": (500, 1100),
    "dew_point": (-60, 60), "co2": (0, 10000), "soil_moisture": (0, 100), "soil_ec": (0, 20000),
    "illuminance": (0, 200000), "uv_index": (0, 20), "battery_level": (0, 100),
    "wind_direction": (0, 360), "temperature_probe": (-60, 400),
    "temperature_ambient": (-60, 400), "humidity_probe": (0, 100), "probe_battery_level": (0, 100),
}  # fmt: skip
_PLAIN = {
    "temperature": Meaning("air_temperature", "Cel"),
    "temperature_probe": Meaning("temperature_probe", "Cel"),
    "temperature_ambient": Meaning("temperature_ambient", "Cel"),
    "humidity": Meaning("air_humidity", "%"),
    "humidity_probe": Meaning("humidity_probe", "%"),
    "dew_point": Meaning("dew_point", "Cel"),
    "pressure": Meaning("air_pressure", "hPa"),
    "illuminance": Meaning("illuminance", "lx"),
    "uv_index": Meaning("uv_index", "1"),
    "moisture": Meaning("soil_moisture", "%"),
    "conductivity": Meaning("soil_ec", "uS/cm"),
    "carbon_dioxide": Meaning("co2", "[ppm]"),
    "formaldehyde": Meaning("formaldehyde", "mg/m3"),
    "volatile_organic_compounds": Meaning("voc", "ug/m3"),
    "pm1": Meaning("pm1", "ug/m3"),
    "pm25": Meaning("pm25", "ug/m3"),
    "pm4": Meaning("pm4", "ug/m3"),
    "pm10": Meaning("pm10", "ug/m3"),
    "voc_index": Meaning("voc_index", "1"),
    "nox_index": Meaning("nox_index", "1"),
    "sound_pressure": Meaning("sound_level", "dB"),
    "battery": Meaning("battery_level", "%"),
    "probe_battery": Meaning("probe_battery_level", "%"),
    "voltage": Meaning("voltage", "V"),
    "current": Meaning("current", "A"),
    "power": Meaning("power_active", "W"),
    "energy": Meaning("energy", "kW.h", "counter"),
    "speed": Meaning("speed", "m/s"),
    "direction": Meaning("wind_direction", "deg"),
    "precipitation": Meaning("rain_total", "mm", "counter"),
    "rotation": Meaning("rotation", "deg"),
    "rotational_speed": Meaning("rotational_speed", "/min"),
    "distance": Meaning("distance", "m"),
    "duration": Meaning("duration", "s"),
    "mass": Meaning("mass", "kg"),
    "volume": Meaning("volume", "L"),
    "volume_storage": Meaning("volume_storage", "L"),
    "volume_flow_rate": Meaning("water_flow", "m3/h"),
    "water": Meaning("water_volume_total", "m3", "counter"),
    "gas": Meaning("gas_volume_total", "m3", "counter"),
    "acceleration": Meaning("acceleration", "m/s2"),
    "gyroscope": Meaning("gyroscope", "deg/s"),
    "count": Meaning("count", "{count}", "counter"),
    "counter": Meaning("event_counter", "{count}", "counter"),
    "movement_counter": Meaning("movement_counter", "{count}", "counter"),
    "channel": Meaning("channel", "1", "state"),
    "light_level": Meaning("light_level", "1", "state"),
    "timestamp": Meaning("device_clock", "1", "text"),
    "text": Meaning("text", "1", "text"),
    "raw": Meaning("raw", "1", "text"),
    "signal_strength": Meaning(RSSI, "dB[mW]"),
}
_BINARY = {
    "battery": "battery_low",
    "battery_charging": "battery_charging",
    "occupancy": "occupied",
    "moisture": "leak",
    "power": "power_on",
    "gas": "gas_alarm",
    "carbon_monoxide": "co_alarm",
    "smoke": "smoke_alarm",
    "light": "light_seen",
}
_OTHER_BINARY = (
    "cold", "connectivity", "door", "door_left_open", "garage_door", "generic", "heat", "lock",
    "motion", "moving", "opening", "plug", "presence", "problem", "running", "safety", "sound",
    "tamper", "vibration", "window",
)  # fmt: skip
KEYS = (
    _PLAIN
    | {BINARY + key: Meaning(point, "1", "state") for key, point in _BINARY.items()}
    | {BINARY + key: Meaning(key, "1", "state") for key in _OTHER_BINARY}
)
_POINTS = {meaning.point: key for key, meaning in KEYS.items()}

_UNITS = {
    "°C": ("Cel", 1.0), "%": ("%", 1.0), "hPa": ("hPa", 1.0), "mbar": ("hPa", 1.0),
    "Pa": ("hPa", 0.01), "lx": ("lx", 1.0), "ppm": ("[ppm]", 1.0), "µS/cm": ("uS/cm", 1.0),
    "µg/m³": ("ug/m3", 1.0), "mg/m³": ("mg/m3", 1.0), "V": ("V", 1.0), "mV": ("V", 0.001),
    "A": ("A", 1.0), "W": ("W", 1.0), "kWh": ("kW.h", 1.0), "m/s": ("m/s", 1.0),
    "°": ("deg", 1.0), "mm": ("mm", 1.0), "m": ("m", 1.0), "s": ("s", 1.0), "kg": ("kg", 1.0),
    "lb": ("kg", 0.45359237), "L": ("L", 1.0), "mL": ("L", 0.001), "m³": ("m3", 1.0),
    "m³/h": ("m3/h", 1.0), "m/s²": ("m/s2", 1.0), "°/s": ("deg/s", 1.0), "rpm": ("/min", 1.0),
    "dB": ("dB", 1.0), "dBm": ("dB[mW]", 1.0), "UV index": ("1", 1.0),
}  # fmt: skip
_BETWEEN = {("L", "m3"): 0.001, ("mm", "m"): 0.001}  # UCUM to UCUM


def meaning(key: str) -> Meaning | None:
    """Of a library's key, with its channel: `temperature_2` is `air_temperature_2`."""
    if key in KEYS:
        return KEYS[key]
    stem, channel = _split(key)
    found = KEYS.get(stem)
    return Meaning(found.point + channel, found.unit, found.kind) if found else None


def key_of(point: str) -> str | None:
    """The key whose point has that name by default."""
    if point in _POINTS:
        return _POINTS[point]
    stem, channel = _split(point)
    return _POINTS[stem] + channel if stem in _POINTS else None


def convert(value: float, unit: str | None, wanted: str) -> float | None:
    """From a library's unit into UCUM; None where there is no way."""
    ucum, factor = _UNITS.get(unit or "", (wanted, 1.0) if unit is None else ("", 1.0))
    if ucum != wanted:
        factor *= _BETWEEN.get((ucum, wanted), 0.0)
    if not factor:
        return None
    return value if factor == 1 else float(f"{value * factor:.12g}")


def _split(name: str) -> tuple[str, str]:
    match = _CHANNEL.match(name)
    return (match[1], match[2] or "") if match else (name, "")
