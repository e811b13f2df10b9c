"""All that is known of a device before the radio is on: its settings, its profile, its key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from agent.contract import Device, Host, Misconfigured, PointInfo, Value
from drivers.ble.families import FAMILIES
from drivers.ble.frames import FrameDecoder
from drivers.ble.libraries import Decoded, LibraryDecoder
from drivers.ble.packet import Packet, uuid
from drivers.ble.profile import PROFILES, Point, Profile
from drivers.ble.settings import BleSettings
from drivers.ble.sight import Sight
from drivers.ble.vocabulary import RSSI, Kind, meaning

KEY = 16  # bytes
CREDENTIALS = Path("/run/credentials")  # there only while the service runs


class Decoder(Protocol):
    def load(self) -> None:
        """Imports what decoding needs. Raises Misconfigured where it is not installed."""

    def look(self, packet: Packet) -> Sight | None:
        """None: nothing of this device's kind in it. Raises Refused."""

    def decode(self, packet: Packet, sight: Sight) -> Decoded:
        """Raises Refused."""


@dataclass(frozen=True, slots=True)
class Station:
    """`wanted` is point -> what the decoder calls it; `tag` names the key and the battery, so that
    counters start anew with another."""

    device: Device
    settings: BleSettings
    profile: Profile | None
    catalogue: Sequence[PointInfo]
    wanted: Mapping[str, str]
    key: bytes | None = None

    @classmethod
    def of(cls, device: Device, host: Host) -> "Station":
        """Raises Misconfigured: no such profile, a broken one, a key that is none."""
        settings = BleSettings.model_validate(dict(device.options))
        profile = None if settings.profile is None else PROFILES.find(host, settings.profile)
        if profile is not None:
            _check_fit(device.id, profile, settings)
        key = _key(device.id, settings.key_file, host)
        auth = "none" if settings.key_file is None else "encrypted"
        wanted = settings.wanted if profile is None else _chosen(device.id, profile, settings)
        catalogue = [
            _info(point, key_, None if profile is None else profile.points.get(key_), auth)
            for point, key_ in wanted.items()
        ]
        return cls(device, settings, profile, catalogue, wanted, key)

    @property
    def tag(self) -> str:
        return sha256((self.key or b"") + str(self.settings.battery).encode()).hexdigest()[:16]

    def check_key(self) -> None:
        """Raises Misconfigured where a key is named that is not there now."""
        if self.settings.key_file is not None and self.key is None:
            raise Misconfigured(
                "{device}: the key file {file} is not there",
                hint="hand it over with LoadCredential=, see: systemctl cat fieldgate",
                device=self.device.id,
                file=self.settings.key_file,
            )

    def decoder(self) -> Decoder:
        if self.profile is not None:
            return FrameDecoder(self.profile, self.settings.address, self.key)
        return LibraryDecoder(self.settings.family or "", self.key)

    def patterns(self) -> list[tuple[int, bytes]]:
        """What tells the device's packets apart for a passive scan: AD type, beginning."""
        if self.profile is not None:
            frames = self.profile.frames.values()
            services = [frame.service for frame in frames if frame.service is not None]
            companies = [frame.company for frame in frames if frame.company is not None]
        else:
            family = FAMILIES[self.settings.family or ""]
            services, companies = list(family.services), list(family.companies)
        return [
            *((0x16, bytes.fromhex(uuid(one)[4:8])[::-1]) for one in services),
            *((0xFF, one.to_bytes(2, "little")) for one in companies),
        ]


def _check_fit(device: str, profile: Profile, settings: BleSettings) -> None:
    if settings.key_file is not None and not profile.encrypts:
        raise Misconfigured(
            "{device}: a device of the profile {profile} does not encrypt",
            hint="take `key_file:` out",
            device=device,
            profile=settings.profile,
        )


def _key(device: str, file: Path | None, host: Host) -> bytes | None:
    if file is None or (CREDENTIALS in file.parents and not _is_there(file)):
        return None
    text = host.secret(file).decode("ascii", errors="replace")
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY:
        raise Misconfigured(
            "{device}: `key_file:` does not hold a key of 32 hexadecimal digits",
            hint="write the key as the maker's app or firmware shows it into that file; "
            "keys of 24 digits (MiBeacon 2 and 3) prove nothing and are not supported",
            device=device,
        )
    return key


def _is_there(file: Path) -> bool:
    """Also the folder may be somebody else's, or none's, outside of the service."""
    try:
        file.stat()
    except OSError:
        return False
    return True


def _chosen(device: str, profile: Profile, settings: BleSettings) -> dict[str, str]:
    points = settings.points or {point: point for point in profile.points}
    for point in points:
        if point not in profile.points:
            raise Misconfigured(
                "{device}: the profile {profile} has no point '{point}'",
                hint="its points are: {known}",
                device=device,
                profile=settings.profile,
                point=point,
                known=", ".join(profile.points),
            )
    chosen = {point: point for point in points}
    return chosen if profile.connects else {**chosen, RSSI: "signal_strength"}


def _info(point: str, key: str, told: Point | None, auth: str) -> PointInfo:
    if point == RSSI:
        return PointInfo(RSSI, "dB[mW]", auth=auth)
    if told is not None:
        kind: Kind = told.kind
        return PointInfo(point, told.unit, told.name, told.range, kind, auth=auth)
    means = meaning(key)
    if means is None:
        raise RuntimeError(f"the settings let {key} pass")
    return PointInfo(point, means.unit, "", means.range, means.kind, auth=auth)


def plausible(info: PointInfo, value: Value) -> bool:
    if info.range is None or isinstance(value, bool | str):
        return True
    return info.range[0] <= value <= info.range[1]
