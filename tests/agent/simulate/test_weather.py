"""A simulated day hangs together: sun, air, vents, water in the soil."""

import itertools
from collections.abc import Sequence

import pytest

from agent.simulate.script import DAYS, script_named
from agent.simulate.weather import Course, Place, Shower, Weather

HOUR = 3600.0


def day(name: str, seed: int = 1) -> Sequence[Weather]:
    """Minute by minute from midnight on."""
    course = Course(script_named(name).place, seed)
    return [course.at(60.0 * minute) for minute in range(24 * 60)]


def at(minutes: Sequence[Weather], hour: float) -> Weather:
    return minutes[int(hour * 60)]


def test_a_greenhouse_heats_up_under_the_sun_until_its_vents_open() -> None:
    minutes = day("greenhouse")
    assert at(minutes, 4).air < 15
    assert max(weather.air for weather in minutes) > 28
    assert at(minutes, 7).vents == 0
    assert at(minutes, 13).vents > 0.5
    assert at(minutes, 23).vents == 0
    shut = Course(Place(12, 27, 0.2, vents_above=60), 1)
    assert max(shut.at(60.0 * minute).air for minute in range(24 * 60)) > 45


def test_air_dries_as_it_warms_and_plants_eat_the_co2() -> None:
    minutes = day("greenhouse")
    assert at(minutes, 4).humidity > 80 > 45 > at(minutes, 13).humidity
    assert at(minutes, 4).co2 > 500 > 420 > at(minutes, 11).co2
    assert all(weather.dew_point <= weather.air + 0.1 for weather in minutes)


def test_soil_dries_by_day_and_takes_up_water_only_when_it_is_irrigated() -> None:
    minutes = day("soil")
    watered = [6 + 40 / 60, 19.0]
    for begin in watered:
        assert at(minutes, begin + 0.5).soil_water > at(minutes, begin).soil_water + 1
    dry = minutes[int(7.2 * 60) : int(18.9 * 60)]
    falls = [later.soil_water - now.soil_water for now, later in itertools.pairwise(dry)]
    assert max(falls) < 0.08, "only what runs off on the way is taken back"
    assert at(minutes, 18).soil_water < at(minutes, 9).soil_water - 2


def test_rain_falls_on_a_field_and_not_into_a_greenhouse() -> None:
    rain = [Shower(10 * HOUR, HOUR, 6.0)]
    field, house = (
        Course(Place(rain=rain, vents_above=vents), 1).at(11 * HOUR) for vents in (None, 26.0)
    )
    assert field.rain_total == pytest.approx(6.0)
    assert field.wet > 0.8 > 0.1 > house.wet
    dry = Course(Place(), 1).at(11 * HOUR)
    assert field.soil_water > dry.soil_water + 2
    assert house.soil_water == pytest.approx(dry.soil_water, abs=1.5)


@pytest.mark.parametrize("name", DAYS)
def test_a_day_is_the_same_for_the_same_seed_and_another_for_another(name: str) -> None:
    assert day(name) == day(name)
    assert day(name) != day(name, seed=2)


def test_a_course_goes_on_over_midnight() -> None:
    course = Course(script_named("soil").place, 1)
    evening, morning = course.at(23.9 * HOUR), course.at(24.1 * HOUR)
    assert morning.soil_water == pytest.approx(evening.soil_water, abs=0.1)
    assert course.at(36 * HOUR).sun > 0.2
