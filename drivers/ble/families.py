"""The families that the community's libraries decode. Names only: nothing is imported here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Counted = Literal["", "bthome", "xiaomi", "ruuvi"]


@dataclass(frozen=True, slots=True)
class Family:
    """`services` and `companies` recognise a packet; `uuids` are only announced. `points` are those
    that every device of the family has: id -> the library's key. `encrypts`: keys have 16 bytes.
    """

    module: str
    parser: str
    services: tuple[str, ...] = ()
    companies: tuple[int, ...] = ()
    uuids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()  # beginnings of the local name, lower case
    points: Mapping[str, str] = field(default_factory=dict)
    counted: Counted = ""
    encrypts: bool = False


_CLIMATE = {
    "air_temperature": "temperature",
    "air_humidity": "humidity",
    "battery_level": "battery",
}
_RUUVI = {
    "air_temperature": "temperature",
    "air_humidity": "humidity",
    "air_pressure": "pressure",
    "battery_voltage": "voltage",
    "movement_counter": "movement_counter",
}
_THERMOBEACON = {**_CLIMATE, "battery_voltage": "voltage"}

FAMILIES: Mapping[str, Family] = {
    "bthome": Family(
        "bthome_ble.parser", "BTHomeBluetoothDeviceData",
        services=("fcd2",), counted="bthome", encrypts=True,
    ),
    "xiaomi": Family(
        "xiaomi_ble.parser", "XiaomiBluetoothDeviceData",
        services=("fe95",), counted="xiaomi", encrypts=True,
    ),
    "ruuvi": Family(
        "ruuvitag_ble.parser", "RuuvitagBluetoothDeviceData",
        companies=(0x0499,), points=_RUUVI, counted="ruuvi",
    ),
    "govee": Family(
        "govee_ble.parser", "GoveeBluetoothDeviceData",
        companies=(0xEC88, 0x0001, 0x8801, 0x8802, 0x8803), names=("gvh", "govee", "ihoment"),
        points=_CLIMATE,
    ),
    "inkbird": Family(
        "inkbird_ble.parser", "INKBIRDBluetoothDeviceData",
        names=("sps", "tps", "ibbq", "xbbq", "ith-", "iht-", "int-", "idt-", "ink@", "ibs-"),
        points=_CLIMATE,
    ),
    "sensorpush": Family(
        "sensorpush_ble.parser", "SensorPushBluetoothDeviceData",
        uuids=("ef090000-11d6-42ba-93b8-9dd7ec090aa9", "ef090000-11d6-42ba-93b8-9dd7ec090ab0"),
        points={"air_temperature": "temperature", "air_humidity": "humidity"},
    ),
    "qingping": Family(
        "qingping_ble.parser", "QingpingBluetoothDeviceData",
        services=("fdcd",), points=_CLIMATE,
    ),
    "thermobeacon": Family(
        "thermobeacon_ble.parser", "ThermoBeaconBluetoothDeviceData",
        companies=(0x10, 0x11, 0x14, 0x15, 0x18, 0x1B, 0x30), uuids=("fff0",), points=_THERMOBEACON,
    ),
    "thermopro": Family(
        "thermopro_ble.parser", "ThermoProBluetoothDeviceData",
        names=("tp3", "tp9", "thermopro"), points=_CLIMATE,
    ),
}  # fmt: skip
