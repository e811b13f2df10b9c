"""One place under the sun, minute by minute: a field or a greenhouse. Pure.

A model of the few things that hang together on such a day (sun, air, vents, water in the soil),
made to look right on a chart; its constants are chosen, not measured.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

MINUTE = 60.0  # s
DAY = 86400.0  # s
_FIELD_CAPACITY, _DRY = 38.0, 8.0  # % water in the soil: more drains, less is held
_OUTSIDE_CO2 = 420.0  # ppm


@dataclass(frozen=True, slots=True)
class Shower:
    """Water on the soil. `begin` in s since midnight; `rate` in mm/h."""

    begin: float
    seconds: float
    rate: float

    def at(self, of_day: float) -> float:
        return self.rate if self.begin <= of_day < self.begin + self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Place:
    """`low` and `high`: the outside air, Cel. `clouds`: 0 none, 1 all day. `vents_above`: Cel at
    which a greenhouse opens; None: an open field."""

    low: float = 14.0
    high: float = 29.0
    clouds: float = 0.2
    vents_above: float | None = None
    irrigation: Sequence[Shower] = ()
    rain: Sequence[Shower] = ()


@dataclass(frozen=True, slots=True)
class Weather:
    """`sun`: 0…1 at the plants; temperatures in Cel; `vapour` in g/m3; `vents`: 0…1; `soil_water`
    in % by volume; `wind` in m/s; `rain` in mm/h, `rain_total` in mm; `wet`: 0…1, the leaves."""

    sun: float = 0.0
    outside: float = 16.0
    air: float = 16.0
    vapour: float = 10.0
    co2: float = 430.0
    vents: float = 0.0
    soil_water: float = 29.0
    soil: float = 19.0
    wind: float = 0.8
    rain: float = 0.0
    rain_total: float = 0.0
    wet: float = 0.3
    haze: float = 0.0

    @property
    def humidity(self) -> float:
        """% relative."""
        return max(12.0, min(99.5, 100.0 * self.vapour / saturation(self.air)))

    @property
    def dew_point(self) -> float:
        """Cel, by the Magnus formula."""
        x = math.log(self.humidity / 100.0) + 17.62 * self.air / (243.12 + self.air)
        return 243.12 * x / (17.62 - x)


def saturation(air: float) -> float:
    """Water vapour that air of that temperature (Cel) can hold, g/m3."""
    return 216.7 * 6.112 * math.exp(17.62 * air / (243.12 + air)) / (273.15 + air)


def minute_later(now: Weather, place: Place, time: float, chance: Random) -> Weather:
    """`time` of the new minute, s since the midnight that the course began with."""
    of_day = time % DAY
    hour = of_day / 3600.0
    haze = now.haze + (place.clouds - now.haze) * 0.03 + chance.gauss(0.0, 0.02)
    sky = max(0.0, math.sin(math.pi * (hour - 6.0) / 12.0)) if 6.0 < hour < 18.0 else 0.0
    rain = sum(shower.at(of_day) for shower in place.rain)
    sun = sky * max(0.08, 1.0 - 0.85 * min(max(haze, 0.0), 1.0)) * (0.35 if rain else 1.0)
    outside = _outside(place, hour) - (2.0 if rain else 0.0)
    return replace(
        _indoors(now, place, sun, outside) if place.vents_above is not None else now,
        sun=sun,
        haze=haze,
        outside=outside,
        wind=max(0.0, now.wind + (0.6 + 3.5 * sky - now.wind) * 0.05 + chance.gauss(0.0, 0.12)),
        rain=rain,
        rain_total=now.rain_total + rain / 60.0,
        **_field_air(now, place, sun, outside),
        **_soil(now, place, sun, of_day, rain),
    )


def _outside(place: Place, hour: float) -> float:
    """Coolest at 3 h, warmest at 15 h."""
    return place.low + (place.high - place.low) * (0.5 - 0.5 * math.cos(math.tau * (hour - 3) / 24))


def _field_air(now: Weather, place: Place, sun: float, outside: float) -> dict[str, float]:
    if place.vents_above is not None:
        return {}
    vapour = now.vapour + 0.02 * sun * now.soil_water / 30.0 - (now.vapour - 9.0) * 0.003
    co2 = now.co2 + (_OUTSIDE_CO2 + 25.0 * (1.0 - sun) - now.co2) * 0.05
    return {"air": outside, "vapour": min(vapour, saturation(outside)), "co2": co2}


def _indoors(now: Weather, place: Place, sun: float, outside: float) -> Weather:
    """Sun heats, vents cool; plants breathe in by day, and out water."""
    wanted = min(max((now.air - (place.vents_above or 0.0)) / 4.0, 0.0), 1.0)
    vents = now.vents + min(max(wanted - now.vents, -0.05), 0.05)
    exchange = 0.015 + 0.10 * vents  # of the air, a minute
    air = now.air + 0.62 * sun - (now.air - outside) * exchange
    vapour = now.vapour + 0.28 * sun * now.soil_water / 30.0 + 0.01 - (now.vapour - 9.0) * exchange
    co2 = now.co2 + 1.6 - 9.0 * sun - (now.co2 - _OUTSIDE_CO2) * exchange
    held = min(vapour, saturation(air))
    return replace(now, vents=vents, air=air, vapour=held, co2=max(co2, 180.0))


def _soil(now: Weather, place: Place, sun: float, of_day: float, rain: float) -> dict[str, float]:
    """1 mm on the upper 20 cm of soil is half a percent of water."""
    sprayed = sum(shower.at(of_day) for shower in place.irrigation)
    covered = place.vents_above is not None
    got = (sprayed + (0.0 if covered else rain)) / 60.0 * 0.5
    dried = (0.0008 + 0.011 * sun) * max(now.soil_water - _DRY, 0.0) / 22.0
    drained = max(now.soil_water - _FIELD_CAPACITY, 0.0) * 0.02
    wetted = 0.2 if rain and not covered else 0.02 if now.humidity > 93.0 else 0.0
    return {
        "soil_water": min(max(now.soil_water + got - dried - drained, _DRY), 48.0),
        "soil": now.soil + (now.air - now.soil) / 240.0,
        "wet": min(max(now.wet + wetted - 0.004 - 0.03 * sun, 0.0), 1.0),
    }


class Course:
    """The weather of a place from one midnight on, the same for the same seed.

    It is asked with times that only grow; an earlier one gets the oldest minute still known.
    """

    def __init__(self, place: Place, seed: int) -> None:
        self._place, self._seed = place, seed
        self._minute = 0
        self._before = self._now = Weather(outside=place.low + 2.0, air=place.low + 2.0)

    def at(self, time: float) -> Weather:
        """`time` in s since that midnight."""
        while (self._minute) * MINUTE <= time:
            self._minute += 1
            chance = Random(f"{self._seed}/{self._minute}")  # noqa: S311  weather, no secret
            self._before = self._now
            self._now = minute_later(self._now, self._place, self._minute * MINUTE, chance)
        return self._before
