"""One device from its profile alone, without a configuration."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agent import paths
from agent.config.load import Configuration
from agent.config.profiles import profile_mistakes
from agent.config.schema import Settings
from agent.contract import Device, DriverSpec, Line, Misconfigured
from agent.registry import driver_named, driver_names

WIRE = "simulated"
_OFF_WIRE = ("connect", "listen")  # options of devices that speak UDP
_UNFIT = re.compile(r"[^a-z0-9_-]")


def one_off(
    name: str, options: Sequence[str], port: Path | None = None, tcp: str | None = None
) -> Configuration:
    """`name` is driver/profile, `options` are KEY=VALUE as in a configuration. The device hangs on
    a serial port at `port`, or listens at `tcp` (host:port). Raises Misconfigured."""
    driver, _, profile = name.partition("/")
    if not profile:
        raise Misconfigured(
            "'{name}' is no profile",
            hint="write DRIVER/PROFILE, like modbus/xy-md02; the drivers are: {known}",
            name=name,
            known=", ".join(driver_names()),
        )
    spec = driver_named(driver)
    if spec.simulate is None:
        raise Misconfigured(
            "the driver {driver} has no simulator",
            hint="Bluetooth devices are played by the rig in hw-tests/",
            driver=driver,
        )
    _check(spec, profile)
    chosen = {"profile": profile} | dict(map(_option, options))
    device = _device(spec, profile, chosen)
    wires = (
        {} if not device.wire else {WIRE: _wire(device.id, port, tcp, factory_line(spec, profile))}
    )
    settings = Settings.model_validate({"wires": wires})
    return Configuration(settings, (device,), (spec,), (), {})


def factory_line(spec: DriverSpec, profile: str) -> Line:
    """As the device leaves the factory, where its profile tells."""
    import yaml

    if spec.profile is None:
        return Line()
    text = paths.profile(spec.name, profile).read_text(encoding="utf-8")
    found = spec.profile.model_validate(yaml.safe_load(text))
    line = getattr(getattr(found, "line", None), "line", None)
    return line if isinstance(line, Line) else Line()


def _check(spec: DriverSpec, profile: str) -> None:
    """Raises Misconfigured: every mistake in the profile, with its file and line."""
    if mistakes := list(profile_mistakes(spec, profile)):
        raise Misconfigured(
            "{mistakes}",
            hint="correct the profile, then run this again",
            mistakes="\n".join(map(str, mistakes)),
        )


def to_paste(config: Configuration) -> list[str]:
    """The lines of a configuration that reads this device."""
    import json

    lines = []
    for name, wire in config.settings.wires.items():
        told = wire.model_dump(exclude_defaults=True)
        lines += ["wires:", f"  {name}: {json.dumps(told, ensure_ascii=False)}"]
    lines.append("devices:")
    for device in config.devices:
        entry: dict[str, Any] = {"id": device.id, "driver": device.driver}
        entry |= {"wire": device.wire} if device.wire else {}
        lines.append(f"  - {json.dumps(entry | dict(device.options), ensure_ascii=False)}")
    return lines


def _option(written: str) -> tuple[str, Any]:
    import yaml

    key, equals, value = written.partition("=")
    if not equals or not key:
        raise Misconfigured(
            "'{written}' is no setting",
            hint="write KEY=VALUE, like unit=3 or 'detectors=[1, 2, 5-20]'",
            written=written,
        )
    try:
        return key, yaml.safe_load(value)
    except yaml.YAMLError:
        return key, value


def _device(spec: DriverSpec, profile: str, options: Mapping[str, Any]) -> Device:
    from pydantic import ValidationError

    try:
        spec.settings.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        raise Misconfigured(
            "{setting}: {problem}",
            hint="see the settings of the driver in drivers/{driver}/README.md",
            setting=".".join(map(str, first["loc"])),
            problem=first["msg"],
            driver=spec.name,
        ) from error
    wire = "" if any(name in options for name in _OFF_WIRE) else WIRE
    ident = f"{_UNFIT.sub('-', profile.lower())[:45]}-1"
    return Device(ident, spec.name, 10.0, wire=wire, options=dict(options))


def _wire(device: str, port: Path | None, tcp: str | None, line: Line) -> dict[str, Any]:
    if tcp is not None:
        return {"connect": tcp}
    place = port or Path(tempfile.gettempdir()) / f"fieldgate-{device}"
    return {
        "port": str(place.absolute()),
        "baud": line.baud,
        "parity": line.parity,
        "stop_bits": line.stop_bits,
        "data_bits": line.data_bits,
    }
