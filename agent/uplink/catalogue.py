"""The catalogue: what a cloud needs to know of a gateway's devices and points, named by its hash.

Retained at `{root}/describe`. What does not fit into one packet is announced there (`parts: n`) and
carried by `{root}/describe/1` … `{root}/describe/n`; a device with many points may span parts.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from agent.contract import Device, PointInfo
from agent.uplink.formats.arrival import VERSION
from agent.uplink.formats.units import Units

HASH = 16  # hexadecimal digits


@dataclass(frozen=True, slots=True)
class GatewayInfo:
    id: str
    name: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Described:
    """One device, with the profile that it was read by and that file's hash, if any.

    `serial` is the number of the hardware that does its work since it was replaced.
    """

    device: Device
    points: Sequence[PointInfo]
    profile: str = ""
    profile_hash: str = ""
    serial: str = ""


@dataclass(frozen=True)
class Catalogue:
    """`devices` are plain values, as they are published."""

    gateway: str
    name: str
    devices: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, gateway: GatewayInfo, devices: Iterable[Described], units: Units) -> "Catalogue":
        return cls(gateway.id, gateway.name, tuple(_device(one, units) for one in devices))

    @cached_property
    def hash(self) -> str:
        """Of the content in canonical JSON; the version of the software is no part of it."""
        content = {"gateway": self.gateway, "name": self.name, "devices": self.devices}
        return sha256(_canonical(content)).hexdigest()[:HASH]

    def documents(self, limit: int) -> dict[str, bytes]:
        """Below the topic `describe`: suffix ("" or "/1"…) -> body of at most `limit` bytes.

        A single point larger than the limit still gets a part of its own.
        """
        head = {
            "fg": VERSION,
            "cat": self.hash,
            "gateway": self.gateway,
            "name": self.name,
        }
        whole = _canonical(head | {"devices": self.devices})
        if len(whole) <= limit:
            return {"": whole}
        frame = len(_canonical({"fg": VERSION, "cat": self.hash, "part": 9999, "devices": []}))
        parts = list(_parts(self.devices, limit - frame))
        documents = {"": _canonical(head | {"parts": len(parts)})}
        for number, devices in enumerate(parts, start=1):
            part = {"fg": VERSION, "cat": self.hash, "part": number, "devices": devices}
            documents[f"/{number}"] = _canonical(part)
        return documents


def assemble(documents: Iterable[bytes]) -> Catalogue | None:
    """The catalogue that these documents of `describe` make up, in any order, with parts of older
    ones among them; None while a part is missing. Raises ValueError on what is no JSON."""
    loaded = [json.loads(body) for body in documents]
    head = next((one for one in loaded if "gateway" in one), None)
    if head is None:
        return None
    if "devices" in head:
        return Catalogue(head["gateway"], head["name"], tuple(head["devices"]))
    parts = {one["part"]: one for one in loaded if one["cat"] == head["cat"] and "part" in one}
    if set(parts) != set(range(1, head["parts"] + 1)):
        return None
    pieces = [device for number in sorted(parts) for device in parts[number]["devices"]]
    return Catalogue(head["gateway"], head["name"], tuple(_joined(pieces)))


def _device(one: Described, units: Units) -> dict[str, Any]:
    device = one.device
    fields: dict[str, Any] = {"id": device.id, "driver": device.driver, "every": device.every}
    for key in ("name", "place"):
        if value := getattr(device, key):
            fields[key] = value
    if one.serial:
        fields["serial"] = one.serial
    if one.profile:
        fields |= {"profile": one.profile, "profile_hash": one.profile_hash}
    return fields | {"points": [_point(point, units) for point in one.points]}


def _point(point: PointInfo, units: Units) -> dict[str, Any]:
    """`unit` is UCUM; `senml` is the unit that packs use, value * factor + offset."""
    translation = units.translate(point.id, point.unit)
    fields: dict[str, Any] = {"id": point.id, "unit": point.unit, "kind": point.kind}
    if translation.unit is not None:
        fields["senml"] = translation.unit
    if not translation.same:
        fields |= {"factor": translation.factor, "offset": translation.offset}
    if point.name:
        fields["name"] = point.name
    if point.range is not None:
        fields["range"] = list(point.range)
    if point.writable:
        fields["writable"] = True
    if point.auth:
        fields["auth"] = point.auth
    return fields


def _canonical(content: object) -> bytes:
    return json.dumps(
        content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=dict
    ).encode()


def _parts(devices: Sequence[Mapping[str, Any]], room: int) -> Iterable[list[dict[str, Any]]]:
    """Lists of devices (or pieces of them) whose JSON takes at most `room` bytes each."""
    part: list[dict[str, Any]] = []
    used = 0
    for device in devices:
        for piece, size in _pieces(device, room):
            if part and used + size > room:
                yield part
                part, used = [], 0
            part.append(piece)
            used += size
    yield part


def _pieces(device: Mapping[str, Any], room: int) -> Iterable[tuple[dict[str, Any], int]]:
    """The device with as many of its points as fit, again and again."""
    frame = len(_canonical({**device, "points": []})) + 1
    points: list[Any] = []
    used = frame
    for point in device["points"]:
        size = len(_canonical(point)) + 1
        if points and used + size > room:
            yield {**device, "points": points}, used
            points, used = [], frame
        points.append(point)
        used += size
    yield {**device, "points": points}, used


def _joined(pieces: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    """Pieces of one device that follow each other become one."""
    whole: dict[str, Any] | None = None
    for piece in pieces:
        if whole is not None and whole["id"] == piece["id"]:
            whole["points"] = [*whole["points"], *piece["points"]]
            continue
        if whole is not None:
            yield whole
        whole = dict(piece)
    if whole is not None:
        yield whole
