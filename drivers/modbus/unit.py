"""The conversation with one unit: one question at a time, and only answers that can be believed."""

import asyncio

from agent.contract import WIRE_GONE, DeviceFault, LinkLost, Turn, Wire
from drivers.modbus import codec
from drivers.modbus.planner import Block, canary
from drivers.modbus.station import Station
from drivers.modbus.trust import trust_in

BUSY = 6
_GATEWAY = frozenset({10, 11})  # a converter says that the unit behind it gave no answer
_MEANINGS = {
    1: "illegal function",
    2: "illegal address",
    3: "illegal value",
    4: "device failure",
    5: "acknowledged, not done yet",
    6: "busy",
    8: "memory parity error",
}


class Unit:
    """`blocks` are the reads that will be asked for; the canary differs from all of them."""

    def __init__(self, wire: Wire, station: Station, blocks: tuple[Block, ...]) -> None:
        self._wire, self._station, self._blocks = wire, station, blocks
        self._trust = trust_in(wire, station.unit)
        self._trust.plans.append(blocks)
        self._trust.proven = False

    def leave(self) -> None:
        """Nothing more will be asked for. Twice is once."""
        if self._blocks in self._trust.plans:
            self._trust.plans.remove(self._blocks)

    async def ask(self, request: codec.Request) -> tuple[int, bytes]:
        """(exception code or 0, data). Waits while a lost answer may still come, and lets the
        wire's other units talk meanwhile. Raises LinkLost."""
        loop = asyncio.get_running_loop()
        while True:
            if (wait := self._trust.wait(loop.time())) > 0:
                await asyncio.sleep(wait)
            async with self._wire.turn(self._station.line, self._station.guard) as turn:
                if self._trust.wait(loop.time()) > 0:
                    continue  # another device that is this unit lost an answer meanwhile
                if not self._trust.proven and not await self._prove(turn):
                    return BUSY, b""
                return await self._converse(turn, request)

    async def _prove(self, turn: Turn) -> bool:
        """False when the unit is too busy to. Where no read differs from the planned ones, the
        first of them is read and dropped; for such a unit the silence was twice as long."""
        probe = self._canary() or self._blocks[0]
        code, _ = await self._converse(turn, codec.read(self._station.unit, probe))
        self._trust.proven = code != BUSY
        return self._trust.proven

    async def _converse(self, turn: Turn, request: codec.Request) -> tuple[int, bytes]:
        exchange = codec.exchange(self._wire.framing, request)
        try:
            frame = await turn.ask(exchange.frame, exchange.accept, self._station.timeout)
        except LinkLost as error:
            raise self._lost(error, garbled=exchange.garbled) from None
        except BaseException:  # cancelled: the answer is still to come
            self._doubt(self._silence())
            raise
        self._trust.answered_in_time()
        code, data = exchange.answer(frame)
        if code in _GATEWAY:
            raise self._lost(_not_reached(self._station.unit, code), garbled=False)
        return code, data

    def _lost(self, error: LinkLost, *, garbled: bool) -> LinkLost:
        if error.reason in WIRE_GONE:
            self._doubt(0.0)
            return error
        if error.reason == "timeout":
            error = self._silent(garbled=garbled)
        elif error.reason == "late":
            self._trust.answered_late()
        error.retry_after = self._silence()
        self._doubt(error.retry_after)
        return error

    def _silent(self, *, garbled: bool) -> LinkLost:
        if garbled:
            return LinkLost(
                "unit {unit}: nothing but noise within {timeout:g} s",
                hint="check baud and parity, then A and B, the end resistors and the shield; "
                "two devices with one address sound like this too",
                reason="crc",
                unit=self._station.unit,
                timeout=self._station.timeout,
            )
        return LinkLost(
            "unit {unit}: no answer within {timeout:g} s",
            hint="check the device's power and its unit id, baud and parity, then A and B",
            unit=self._station.unit,
            timeout=self._station.timeout,
        )

    def _doubt(self, silence: float) -> None:
        self._trust.doubt(asyncio.get_running_loop().time() + silence)

    def _silence(self) -> float:
        """Seconds. A transaction id tells answers apart, so there is nothing to wait for."""
        if self._wire.framing == "tcp":
            return 0.0
        return self._station.max_late * self._trust.patience * (1 if self._canary() else 2)

    def _canary(self) -> Block | None:
        return canary(self._station.profile, self._trust.shapes)


def reason_of(code: int) -> str:
    """Of a bad reading."""
    return "busy" if code == BUSY else f"exception_{code}"


def refused(unit: int, code: int) -> DeviceFault:
    return DeviceFault(
        "unit {unit} refuses: exception {code} ({meaning})",
        hint="check that the profile fits the device and its firmware",
        reason=reason_of(code),
        unit=unit,
        code=code,
        meaning=_MEANINGS.get(code, "not in the standard"),
    )


def _not_reached(unit: int, code: int) -> LinkLost:
    return LinkLost(
        "unit {unit} gives no answer to the converter in between (exception {code})",
        hint="check the device's power and its unit id, then the line behind the converter",
        reason="gateway",
        unit=unit,
        code=code,
    )
