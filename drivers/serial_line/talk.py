"""The conversation with one device: one question at a time, only answers that can be believed."""

import asyncio
from collections.abc import Mapping

from agent.contract import WIRE_GONE, DeviceFault, LinkLost, Turn
from drivers.serial_line.codec import Codec
from drivers.serial_line.hunt import Hunt
from drivers.serial_line.late import Quiet, Turns
from drivers.serial_line.profile import Exchange
from drivers.serial_line.raw import Raw
from drivers.serial_line.reader import Frame
from drivers.serial_line.station import Station


class Talk:
    def __init__(self, wire: Turns, station: Station, codec: Codec) -> None:
        self._wire, self._station, self._codec = wire, station, codec
        self._quiet = Quiet(wire, station.address)
        self._number = 0  # of the last request

    def answers(self, exchange: Exchange) -> bool:
        """Whether the device says anything to it."""
        own = self._station.profile.address
        deaf = self._station.broadcast and not (own and own.broadcast_answers)
        return exchange.answer is not None and not deaf

    async def ask(self, exchange: Exchange, fields: Mapping[str, Raw]) -> list[Frame]:
        """The answers; none where nobody answers. `many`: those that came. Waits while a lost
        answer may still come. Raises LinkLost, DeviceFault."""
        request = self._codec.build(exchange.send, self._told(exchange.send, fields))
        loop = asyncio.get_running_loop()
        while True:
            if (wait := self._quiet.wait(loop.time())) > 0:
                await asyncio.sleep(wait)
            async with self._wire.turn(self._station.line, self._station.guard) as turn:
                if self._quiet.wait(loop.time()) > 0:
                    continue  # another device with this address lost an answer meanwhile
                if self.answers(exchange):
                    return await self._converse(turn, exchange, request)
                await turn.tell(request)
                return []

    def _told(self, message: str, fields: Mapping[str, Raw]) -> dict[str, Raw]:
        known = self._codec.values(message)
        told = {n: raw for n, raw in self._station.fields.items() if n in known} | dict(fields)
        own = self._station.profile.address
        if own is not None and self._station.address is not None:
            told.setdefault(own.field, self._station.address)
        self._number += 1
        for name, value in known.items():
            if value.counts:
                told.setdefault(name, self._number % 256 ** (value.size or 1))
        return told

    async def _converse(self, turn: Turn, exchange: Exchange, request: bytes) -> list[Frame]:
        hunt = Hunt(self._codec, self._station, exchange, request)
        try:
            await self._hear(turn, hunt, request)
        except LinkLost as error:
            lost = self._lost(error, hunt)
            if error.reason == "timeout" and hunt.frames:
                return hunt.frames  # not of all detectors
            raise lost from error
        except BaseException:  # cancelled: the answer is still to come
            self._doubt(self._station.max_late)
            raise
        if hunt.refused is not None:
            raise _refused(self._station.device, hunt.refused)
        return hunt.frames

    async def _hear(self, turn: Turn, hunt: Hunt, request: bytes) -> None:
        try:
            await turn.ask(request, hunt.accept, self._station.timeout)
        except LinkLost as error:
            if error.reason != "timeout" or not hunt.last_chance():
                raise

    def _lost(self, error: LinkLost, hunt: Hunt) -> LinkLost:
        if error.reason in WIRE_GONE:
            return error
        if error.reason == "timeout":
            error = self._silent(hunt)
        error.retry_after = self._station.max_late
        self._doubt(error.retry_after)
        return error

    def _silent(self, hunt: Hunt) -> LinkLost:
        device, timeout = self._station.device, self._station.timeout
        if hunt.strange:
            return LinkLost(
                "{device} says what its profile does not know",
                hint="compare `fieldgate trace` with the manual; take another profile, or correct "
                "this one",
                reason="mismatch",
                device=device,
            )
        if hunt.garbled:
            return LinkLost(
                "{device}: nothing but noise within {timeout:g} s",
                hint="check baud and parity, then A and B, the end resistors and the shield; "
                "the checksum may be another one: try `check: auto`",
                reason="crc",
                device=device,
                timeout=timeout,
            )
        return LinkLost(
            "{device}: no answer within {timeout:g} s",
            hint="check the device's power and its address, baud and parity, then A and B",
            device=device,
            timeout=timeout,
        )

    def _doubt(self, silence: float) -> None:
        self._quiet.doubt(asyncio.get_running_loop().time() + silence)


def _refused(device: str, frame: Frame) -> DeviceFault:
    return DeviceFault(
        "{device} refuses: {frame}",
        hint="look up the code in the device's manual",
        reason="refused",
        device=device,
        frame=frame.data.hex(" ").upper(),
    )
