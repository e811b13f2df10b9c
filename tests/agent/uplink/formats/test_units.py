"""The shipped vocabulary, as SenML sees it."""

import pytest

from agent.uplink.formats.units import shipped


@pytest.mark.parametrize(
    ("point", "ucum", "value", "unit", "senml"),
    [
        ("soil_temperature", "Cel", -3.25, "Cel", -3.25),
        ("soil_moisture_10cm", "%", 23.4, "/", 0.234),
        ("air_humidity", "%", 55.0, "%RH", 55.0),
        ("air_humidity_3", "%", 55.0, "%RH", 55.0),
        ("soil_ec", "uS/cm", 1523.0, "S/m", 0.1523),
        ("energy_import", "kW.h", 12.5, "J", 45_000_000.0),
        ("voltage_l1_l2", "V", 399.9, "V", 399.9),
        ("ppfd", "umol/m2/s", 800.0, None, 800.0),
        ("anything", "furlong", 1.0, None, 1.0),
    ],
)
def test_values_are_moved_into_registered_units(
    point: str, ucum: str, value: float, unit: str | None, senml: float
) -> None:
    translation = shipped().translate(point, ucum)
    assert translation.unit == unit
    assert translation.apply(value) == senml
