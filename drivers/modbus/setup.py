"""Registers that set a device up, written on purpose: checked, read back, and compared."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from agent.contract import DeviceFault, LinkLost, Setup, Value
from drivers.modbus import codec
from drivers.modbus.decode import decoder
from drivers.modbus.encode import encode
from drivers.modbus.planner import Block
from drivers.modbus.profile import Point, Profile, Setting
from drivers.modbus.words import pack_bits, pack_registers

VALUE = "value"  # the only field
Ask = Callable[[codec.Request], Awaitable[bytes]]
# After these the device is not where, or how, it was: nothing can be read back.
_CUTS_OFF = frozenset({"unit_id", "baud", "parity", "stop_bits", "data_bits", "uart", "protocol"})


def setups(profile: Profile) -> list[Setup]:
    return [
        Setup(name, (VALUE,), name in _CUTS_OFF, _note(setting))
        for name, setting in profile.settings.items()
    ]


async def set_up(
    ask: Ask, unit: int, profile: Profile, name: str, fields: Mapping[str, int | str]
) -> Mapping[str, object]:
    """Returns what reads back; empty where nothing does. Raises DeviceFault, LinkLost."""
    setting, point = profile.settings[name], as_point(profile.settings[name])
    wanted = _wanted(point, name, fields)
    words = encode(point, wanted)
    await ask(codec.write(unit, setting.function, setting.address, words))
    if name in _CUTS_OFF:
        return {}
    try:
        data = await ask(codec.read(unit, Block(setting.table, setting.address, point.width)))
    except (DeviceFault, LinkLost):
        return {}  # some registers can only be written
    found, _, _ = decoder(point)(data, 0)
    if found != (meant := decoder(point)(_packed(point, words), 0)[0]):
        raise DeviceFault(
            "{setup}: {wanted} was written, {found} reads back",
            hint="some settings count from the next power-on; look whether the device has a lock",
            reason="read_back",
            setup=name,
            wanted=meant,
            found=found,
        )
    return {VALUE: found}


def guarded(device: str, setup: str) -> DeviceFault:
    return DeviceFault(
        "{device}: {setup} is no setting, or one that cuts the device off",
        hint="see `settings:` in the profile; ids are given by fieldgate address, and what is "
        "meant needs --dangerous",
        reason="guarded",
        device=device,
        setup=setup,
    )


def as_point(setting: Setting) -> Point:
    """A setting is read and written like a point."""
    told: dict[str, Any] = {
        "table": setting.table,
        "address": setting.address,
        "unit": setting.unit,
    }
    if setting.table == "holding":
        told |= {"type": setting.type, "scale": setting.scale, "range": setting.range}
        told["enum"] = {raw: str(word) for raw, word in setting.values.items()}
    return Point.model_validate(told)


def _packed(point: Point, words: list[int]) -> bytes:
    return pack_bits(words) if point.is_bit else pack_registers(words)


def _wanted(point: Point, name: str, fields: Mapping[str, int | str]) -> Value:
    """Raises DeviceFault: not one of its words, no number, or out of range."""
    if set(fields) != {VALUE}:
        raise DeviceFault(
            "{setup} takes one value", hint="write value=…", reason="value", setup=name
        )
    written = str(fields[VALUE])
    if point.enum or point.is_bit:
        return written
    try:
        value = float(written)
    except ValueError as error:
        raise DeviceFault(
            "{setup}: '{written}' is no number",
            hint="write a number, in the unit of the setting",
            reason="value",
            setup=name,
            written=written,
        ) from error
    low, high = point.range or (value, value)
    if not low <= value <= high:
        raise DeviceFault(
            "{point}: {value} is outside {low:g}…{high:g}",
            hint="write a value within that range",
            reason="range",
            point=name,
            value=value,
            low=low,
            high=high,
        )
    return value


def _note(setting: Setting) -> str:
    words = " | ".join(str(word) for word in setting.values.values())
    unit = "" if setting.unit == "1" else setting.unit
    span = "{:g}…{:g}".format(*setting.range) if setting.range and not words else ""
    return ", ".join(part for part in (f"{words}{span} {unit}".strip(), setting.note) if part)
