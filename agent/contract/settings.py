"""Building blocks for settings models. Kept out of the package's front door: it loads pydantic."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from agent.contract.wire import Line, Parity

_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
SECONDS_PATTERN = r"^[0-9]+(\.[0-9]+)? ?(ms|s|min|m|h|d)$"
BYTES_PATTERN = r"^[0-9]+(\.[0-9]+)? ?([KMGkmg]?[Bb])$"
ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,47}$"
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]+)")
_ID = re.compile(ID_PATTERN)


def _seconds(value: Any) -> Any:
    match = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
    if not match or match[2] not in _SECONDS:
        raise ValueError("write a duration with its unit, like 5s or 500ms")
    return float(match[1]) * _SECONDS[match[2]]


def _bytes(value: Any) -> Any:
    match = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
    if not match or match[2].upper() not in _BYTES:
        raise ValueError("write a size with its unit, like 500MB or 2GB")
    return int(float(match[1]) * _BYTES[match[2].upper()])


def is_id(value: str) -> bool:
    return _ID.fullmatch(value) is not None


_MISSPELT = {  # how people write units -> UCUM
    "C": "Cel", "°C": "Cel", "℃": "Cel", "degC": "Cel", "celsius": "Cel", "percent": "%",
    "RH": "%", "%RH": "%", "ppm": "[ppm]", "PPM": "[ppm]", "pH": "[pH]", "ph": "[pH]",
    "us/cm": "uS/cm", "µS/cm": "uS/cm", "μS/cm": "uS/cm", "ms/cm": "mS/cm", "lux": "lx",
    "Lux": "lx", "Wh": "W.h", "kWh": "kW.h", "kvarh": "kvar.h", "VA": "V.A", "Ah": "A.h",
    "dBm": "dB[mW]", "mbar": "hPa", "m³": "m3", "m³/h": "m3/h", "l": "L", "°": "deg",
    "µT": "uT", "μT": "uT", "W/m²": "W/m2", "µmol/m²/s": "umol/m2/s", "": "1",
}  # fmt: skip


def _unit(value: str) -> str:
    if value in _MISSPELT:
        raise ValueError(f"units are written in UCUM: '{_MISSPELT[value]}'")
    return value


def _id(value: str) -> str:
    if not is_id(value):
        raise ValueError(
            "an id has 1 to 48 characters of a-z, 0-9, - and _ and starts with a letter or digit; "
            "put other words into `name:`"
        )
    return value


Seconds = Annotated[
    float,
    BeforeValidator(_seconds, json_schema_input_type=str),
    Field(json_schema_extra={"pattern": SECONDS_PATTERN, "examples": ["5s", "500ms"]}),
]
Bytes = Annotated[
    int,
    BeforeValidator(_bytes, json_schema_input_type=str),
    Field(json_schema_extra={"pattern": BYTES_PATTERN, "examples": ["500MB", "2GB"]}),
]
Unit = Annotated[str, AfterValidator(_unit)]
Id = Annotated[str, AfterValidator(_id), Field(json_schema_extra={"pattern": ID_PATTERN})]


WRONG = "wrong"


def wrong(sentence: str, *where: str | int, **values: float | str) -> PydanticCustomError:
    """For a validator of several settings to raise: a sentence with named fields, as
    `Misconfigured` takes it, and the steps from there to the setting at fault."""
    told: dict[str, Any] = {"sentence": sentence, "where": where, "values": values}
    return PydanticCustomError(WRONG, "{text}", told | {"text": sentence.format(**values)})


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class LineOverride(Strict):
    """What is left out is as the profile says that the device leaves the factory."""

    baud: int | None = Field(None, ge=300, le=1_000_000, description="Bits per second.")
    parity: Parity | None = Field(None, description="none, even or odd.")
    stop_bits: Literal[1, 2] | None = Field(None, description="Stop bits.")
    data_bits: Literal[7, 8] | None = Field(None, description="Data bits.")

    def over(self, factory: Line) -> Line:
        return Line(
            self.baud or factory.baud,
            self.parity or factory.parity,
            self.stop_bits or factory.stop_bits,
            self.data_bits or factory.data_bits,
        )
