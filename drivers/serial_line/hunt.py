"""Finds the answer to one request in what is heard. Pure.

An answer is believed when its frame is whole, comes from the device's address, is the message
that was waited for, and repeats every field that it shares with the request. Frames of other
devices are passed over. Another answer of the same device proves that answers come late.
"""

from drivers.serial_line.codec import Codec
from drivers.serial_line.late import late
from drivers.serial_line.profile import Exchange
from drivers.serial_line.reader import Frame
from drivers.serial_line.station import Station


class Hunt:
    """`frames` are the answers so far; `refused` is the message that says no."""

    def __init__(self, codec: Codec, station: Station, exchange: Exchange, request: bytes) -> None:
        self._codec, self._station, self._exchange = codec, station, exchange
        self._request = request
        wanted = {exchange.answer, exchange.refusal}
        self._wanted = [name for name in codec.profile.messages if name in wanted]
        self._asked = codec.sift(request, [exchange.send], final=True).frames[0]
        self._labels: dict[str, Frame] = {}
        self._heard = bytearray()
        self._noise = False
        self._rest = 0
        self.refused: Frame | None = None
        self.strange = False  # the device said something that its profile does not know

    @property
    def frames(self) -> list[Frame]:
        return list({id(frame): frame for frame in self._labels.values()}.values())

    @property
    def garbled(self) -> bool:
        """Something was heard that is no whole frame of anybody."""
        return self._noise or self._rest > 0

    def accept(self, heard: bytearray, *, final: bool = False) -> bytes | None:
        """An `Accept`. Raises LinkLost, reason `late`."""
        self._heard = heard
        sifted = self._codec.sift(heard, self._wanted, final=final)
        del heard[: sifted.used]
        self._noise |= sifted.noise
        self._rest = len(heard)
        ours = [frame for frame in sifted.frames if self._is_answer(frame)]
        if not ours:
            return None
        if self._exchange.many:
            return self._collect(ours)
        if len(ours) > 1:
            raise late(self._station.device)
        self._labels[""] = ours[0]
        return ours[0].data

    def last_chance(self) -> bool:
        """Once nothing more will come: whether the answer stands behind what only looked like
        the beginning of a frame. Raises LinkLost, reason `late`."""
        return self.accept(self._heard, final=True) is not None

    def _collect(self, frames: list[Frame]) -> bytes | None:
        for frame in frames:
            for row in frame.rows():
                if (label := self._station.label(row)) is not None:
                    self._labels[label] = frame
        if self.refused or self._labels.keys() >= self._station.detectors.keys():
            return b"".join(frame.data for frame in self.frames)
        return None

    def _is_answer(self, frame: Frame) -> bool:
        if not self._station.is_addressed(frame.fields):
            return False
        if frame.message in self._wanted:
            if not self._repeats(frame):
                raise late(self._station.device)
            if frame.message == self._exchange.refusal:
                self.refused = frame
            return True
        if frame.message in self._codec.profile.answers():
            raise late(self._station.device)
        self.strange |= frame.data not in self._request
        return False

    def _repeats(self, frame: Frame) -> bool:
        own = self._codec.profile.address
        fixed = self._codec.profile.messages[frame.message].set
        return all(
            frame.fields[name] == value
            for name, value in self._asked.fields.items()
            if name in frame.fields and name not in fixed and not (own and name == own.field)
        )
