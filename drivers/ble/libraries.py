"""One packet through one library: a fresh parser for each, because parsers add up what they heard.

A parser that lives on gives the values of earlier packets again, even for a packet that it refused.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any

from agent.contract import Misconfigured, Value
from drivers.ble.families import FAMILIES, Family
from drivers.ble.packet import Packet
from drivers.ble.sight import LOOKS, Refused, Sight
from drivers.ble.vocabulary import BINARY, convert, meaning

ONLY = "radio"  # what parsers call the source of a packet


@dataclass(frozen=True, slots=True)
class Decoded:
    """`values` is the library's key -> value in the unit of its meaning, None for no value.

    `presses` are things that happened once: key -> what.
    """

    values: Mapping[str, Value | None]
    presses: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Info:
    """What parsers want to be given; the shape of habluetooth's BluetoothServiceInfoBleak."""

    name: str
    address: str
    rssi: int
    manufacturer_data: dict[int, bytes]
    service_data: dict[str, bytes]
    service_uuids: list[str]
    source: str = ONLY
    time: float = 0.0
    raw: None = None


class LibraryDecoder:
    """Of one device. The library is imported by `load`, at the first device of its family."""

    def __init__(self, family: str, key: bytes | None) -> None:
        self._family, self._key = FAMILIES[family], key
        self._parser: Any = None

    def load(self) -> None:
        """Slow. Raises Misconfigured where the library is not installed."""
        self._parser = _parser(self._family)

    def look(self, packet: Packet) -> Sight | None:
        """Raises Refused."""
        return LOOKS[self._family.counted](packet)

    def decode(self, packet: Packet, sight: Sight) -> Decoded:
        """Raises Refused: `forged` where the key does not fit, `unreadable` for any nonsense."""
        parser = self._parser(self._key) if self._family.encrypts else self._parser()
        try:
            update = parser.update(_info(packet))
        except Exception as error:  # whatever the air brings makes a parser stumble
            raise Refused("unreadable") from error
        if sight.encrypted and not parser.bindkey_verified:
            raise Refused("forged")
        return Decoded(dict(_values(update)), dict(_presses(update)))


def supported(family: str, packet: Packet) -> bool:
    """Whether the family's library knows this packet. Raises Misconfigured."""
    try:
        return bool(_parser(FAMILIES[family])().supported(_info(packet)))
    except Misconfigured:
        raise
    except Exception:  # noqa: BLE001  a stranger's packet
        return False


def _parser(family: Family) -> Any:
    try:
        module = import_module(family.module)
    except ImportError as error:
        raise missing(error) from error
    library = family.module.partition(".")[0]
    logging.getLogger(library).setLevel(logging.CRITICAL)  # what they complain of, events report
    return getattr(module, family.parser)


def missing(error: ImportError) -> Misconfigured:
    """The extra is not installed."""
    return Misconfigured(
        "Bluetooth needs a library that is not installed: {library}",
        hint="install it into fieldgate's environment: pip install 'fieldgate[ble]'",
        library=error.name or error,
    )


def _info(packet: Packet) -> _Info:
    return _Info(
        packet.name,
        packet.address,
        -127 if packet.rssi is None else packet.rssi,
        dict(packet.manufacturers),
        dict(packet.services),
        list(packet.uuids),
    )


def _values(update: Any) -> Any:
    for at, told in update.entity_values.items():
        key = _key(at)
        means = meaning(key)
        if means is not None and key != "signal_strength":
            unit = update.entity_descriptions[at].native_unit_of_measurement
            text = getattr(unit, "value", unit)
            yield key, _value(told.native_value, text, means.unit, means.kind)
    for at, told in update.binary_entity_values.items():
        yield BINARY + _key(at), None if told.native_value is None else bool(told.native_value)


def _presses(update: Any) -> Any:
    for at, event in update.events.items():
        yield _key(at), str(event.event_type)


def _key(at: Any) -> str:
    """A device with several bodies names the others."""
    key = str(getattr(at.key, "value", at.key))
    return key if at.device_id in {None, "primary"} else f"{key}_{at.device_id}"


def _value(native: Any, unit: str | None, wanted: str, kind: str) -> Value | None:
    """Errors are words where a number is due."""
    if kind == "text":
        return native.isoformat() if isinstance(native, datetime) else str(native)
    if isinstance(native, bool) or not isinstance(native, int | float):
        return None
    return convert(native, unit, wanted)
