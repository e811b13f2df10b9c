"""Devices that profiles describe, without a radio: what they advertise, what they answer. Pure.

A rig or a test puts these bytes on its own air; nothing here speaks to a radio.
"""

from collections.abc import Mapping

from agent.contract import Value
from drivers.ble import fields
from drivers.ble.packet import mac, uuid
from drivers.ble.profile import Frame, Profile


def advertised(
    profile: Profile, frame: str, values: Mapping[str, Value], address: str, counter: int = 0
) -> tuple[dict[str, bytes], dict[int, bytes]]:
    """(service data by UUID, manufacturer data by company) of one plain frame of the profile."""
    said = profile.frames[frame]
    data = fields.encode(said, dict(values))
    if said.owner is not None:
        own = mac(address)
        data[said.owner.at : said.owner.at + 6] = own[::-1] if said.owner.reversed else own
    if said.counter is not None:
        data[said.counter] = counter & 0xFF
    if said.service is not None:
        return {uuid(said.service): bytes(data)}, {}
    return {}, {said.company or 0: bytes(data)}


class Gatt:
    """The characteristics of a device that has to be connected to: 128-bit UUID -> what it holds.

    Frames with `not_ready:` hold that until the profile's writes were made, in order; a connection
    that ends makes the device forget them.
    """

    def __init__(self, profile: Profile, values: Mapping[str, Value]) -> None:
        self._profile = profile
        self.values = dict(values)
        self._writes = [(uuid(s.write), s.hex) for s in profile.steps if s.write is not None]
        self._written: list[tuple[str, bytes]] = []
        self._frames = {
            uuid(step.read or step.notify or ""): profile.frames[step.frame]
            for step in profile.steps
            if step.frame is not None
        }

    @property
    def readable(self) -> list[str]:
        return list(self._frames)

    @property
    def writable(self) -> list[str]:
        return [name for name, _ in self._writes]

    def read(self, name: str) -> bytes:
        """What a characteristic holds now."""
        frame = self._frames[name]
        if frame.not_ready and self._written != self._writes:
            return _asleep(frame)
        return bytes(fields.encode(frame, self.values))

    def write(self, name: str, data: bytes) -> None:
        self._written.append((name, data))

    def disconnected(self) -> None:
        self._written.clear()


def _asleep(frame: Frame) -> bytes:
    return frame.not_ready[0].ljust(frame.size[0], b"\0")
