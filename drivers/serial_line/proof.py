"""Whether a profile understands its own messages. Pure.

A part that cannot be read (a text that nothing ends, a length of no field) would make a device
look dead; so what a profile builds is read back once, when it is loaded.
"""

from collections.abc import Iterator

from drivers.serial_line.codec import Codec
from drivers.serial_line.layout import Repeat
from drivers.serial_line.profile import Profile
from drivers.serial_line.raw import Raw


def faults(profile: Profile) -> Iterator[str]:
    """The messages that are not understood when they are built from nothing. Raises DeviceFault
    where a `set:` or `default:` does not fit its field."""
    codec = Codec(profile)
    for name in profile.messages:
        counted, groups = _groups(profile, name)
        frame = codec.build(name, counted, [{}] * groups)
        sifted = codec.sift(frame, [name], final=True)
        if [found.message for found in sifted.frames] != [name]:
            yield name


def _groups(profile: Profile, message: str) -> tuple[dict[str, Raw], int]:
    """The field that counts groups, and how many there must be."""
    for part in profile.parts(message):
        if isinstance(part, Repeat):
            if isinstance(part.count, str):
                return {part.count: 1}, 1
            return {}, 1 if part.count is None else part.count
    return {}, 0
