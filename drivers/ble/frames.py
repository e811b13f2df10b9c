"""Advertisements that a profile describes, decoded by ourselves."""

from drivers.ble import fields
from drivers.ble.libraries import Decoded, missing
from drivers.ble.packet import Packet, mac, uuid
from drivers.ble.profile import Frame, Profile
from drivers.ble.sight import Refused, Sight, bounded

_MIC = 4  # bytes at the end of what the cipher `atc` made


class FrameDecoder:
    """Of one device; the same seam as LibraryDecoder."""

    def __init__(self, profile: Profile, address: str, key: bytes | None) -> None:
        self._profile, self._address, self._key = profile, address, key

    def load(self) -> None:
        """Raises Misconfigured where the library for the cipher is not installed."""
        if self._key is None:
            return
        try:
            import cryptography.hazmat.primitives.ciphers.aead  # noqa: F401  is it there?
        except ImportError as error:
            raise missing(error) from error

    def look(self, packet: Packet) -> Sight | None:
        found = self._found(packet)
        if found is None:
            return None
        frame, data = found
        return Sight(
            frame.cipher is not None,
            None if frame.counter is None else data[frame.counter],
            8,
            _owner(frame, data),
        )

    def decode(self, packet: Packet, sight: Sight) -> Decoded:  # noqa: ARG002  the seam's shape
        found = self._found(packet)
        if found is None:
            raise Refused("unreadable")
        frame, data = found
        if frame.cipher is not None and self._key is not None:
            data = _plain(data, self._key, self._address, uuid(frame.service or ""))
        return Decoded(fields.decode(frame, data), {})

    def _found(self, packet: Packet) -> tuple[Frame, bytes] | None:
        """The first frame that fits. Raises Refused: none fits what was sent in its place."""
        heard = False
        for frame in self._profile.frames.values():
            data = _data(frame, packet)
            if data is not None:
                heard = True
                if fields.fits(frame, bounded(data)):
                    return frame, data
        if heard:
            raise Refused("unreadable")
        return None


def _data(frame: Frame, packet: Packet) -> bytes | None:
    if frame.service is not None:
        return packet.services.get(uuid(frame.service))
    return packet.manufacturers.get(frame.company or 0)


def _owner(frame: Frame, data: bytes) -> bytes | None:
    if frame.owner is None:
        return None
    found = data[frame.owner.at : frame.owner.at + 6]
    return found[::-1] if frame.owner.reversed else found


def _plain(data: bytes, key: bytes, address: str, service: str) -> bytes:
    """AES-CCM as pvvx's firmware does it: counter, ciphertext, MIC of 4 bytes.

    The nonce is the address reversed and the header of the AD structure (size, 0x16, UUID,
    counter): github.com/pvvx/ATC_MiThermometer, src/custom_beacon.c. Raises Refused.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM

    short = bytes.fromhex(service[4:8])[::-1]
    nonce = mac(address)[::-1] + bytes([len(data) + 3, 0x16]) + short + data[:1]
    try:
        return AESCCM(key, tag_length=_MIC).decrypt(nonce, data[1:], b"\x11")
    except InvalidTag as error:
        raise Refused("forged") from error
