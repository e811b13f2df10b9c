"""What a device's entry in the configuration may say when its driver is `ble`."""

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from agent.contract.settings import Id, Seconds, Strict
from drivers.ble.families import FAMILIES
from drivers.ble.vocabulary import KEYS, RSSI, key_of, meaning

_ADDRESS = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){5}")
_HCI = re.compile(r"hci[0-9]{1,2}")


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value.upper()):
        raise ValueError("write a Bluetooth address like A4:C1:38:8D:18:B2, in quotes")
    return value.upper()


def _adapter(value: str) -> str:
    if _ADDRESS.fullmatch(value.upper()):
        return value.upper()
    if not _HCI.fullmatch(value):
        raise ValueError(
            "write the adapter's name like hci0, or its address; see bluetoothctl list"
        )
    return value


def _family(value: str) -> str:
    if value not in FAMILIES:
        raise ValueError(f"no family is called '{value}'; known: {', '.join(FAMILIES)}")
    return value


def _absolute(value: Path) -> Path:
    if not value.is_absolute():
        raise ValueError("write the whole path of a file, from / on, and into that file the key")
    return value


def _points(value: Any) -> Any:
    """A list of points, or point -> the library's word for it; becomes the latter."""
    if isinstance(value, list | tuple):
        value = {str(point): key_of(str(point)) or str(point) for point in value}
    if not isinstance(value, dict) or not value:
        raise ValueError("list points like [soil_moisture, battery_level], or name them {id: key}")
    return value


class BleSettings(Strict):
    address: Annotated[str, AfterValidator(_address)] = Field(
        description="The device's Bluetooth address; nobody else is heard."
    )
    family: Annotated[str, AfterValidator(_family)] | None = Field(
        None,
        description="For advertisements that a library decodes: bthome, xiaomi, ruuvi…",
        json_schema_extra={"enum": [*FAMILIES, None]},
    )
    profile: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Instead of a family: the name of the device's profile, without .yaml.",
    )
    points: Annotated[
        dict[Id, str],
        BeforeValidator(_points, json_schema_input_type=dict[str, str] | list[str]),
    ] | None = Field(
        None, description="Only these: a list of points, or {id: the library's word}."
    )  # fmt: skip
    key_file: Annotated[Path, AfterValidator(_absolute)] | None = Field(
        None, description="File with the key, 32 hexadecimal digits. Plain packets are refused."
    )
    battery: str | int = Field(
        "", description="Any word; a new one after a battery change lets counters start anew."
    )
    quiet: Annotated[Seconds, Field(ge=1, le=30 * 86400)] = Field(
        900.0, description="Without a new packet for so long, the device's values are bad."
    )
    adapter: Annotated[str, AfterValidator(_adapter)] = Field(
        "hci0", description="The radio: hci0, or its address where there are several."
    )
    active: bool = Field(
        True, description="Ask for scan responses. false saves sensors' batteries; see README."
    )
    timeout: Annotated[Seconds, Field(gt=0, le=300)] = Field(
        60.0, description="For one connection, from waiting for the device to the last answer."
    )

    @model_validator(mode="after")
    def _sound(self) -> "BleSettings":
        if (self.family is None) == (self.profile is None):
            raise ValueError("give either `family:` or `profile:`")
        if self.family is not None:
            self._check_family(self.family)
        return self

    def _check_family(self, name: str) -> None:
        family = FAMILIES[name]
        if self.points is None and not family.points:
            raise ValueError(
                "devices of this family differ: write `points:`; see fieldgate scan ble"
            )
        if self.key_file is not None and not family.encrypts:
            raise ValueError("devices of this family do not encrypt; leave `key_file:` out")
        if not self.active and not (family.services or family.companies):
            raise ValueError("this family cannot be told apart passively; leave `active:` out")
        for point, key in (self.points or {}).items():
            if meaning(key) is None:
                known = ", ".join(sorted(KEYS))
                raise ValueError(f"{point}: no value is called '{key}'; known: {known}")

    @property
    def wanted(self) -> dict[str, str]:
        """Point -> the library's key, for a family; with the signal's strength."""
        points = self.points
        if points is None and self.family is not None:
            points = dict(FAMILIES[self.family].points)
        return {**(points or {}), RSSI: "signal_strength"}
