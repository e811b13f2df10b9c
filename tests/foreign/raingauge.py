"""A driver as a third party would write it: a rain gauge with a protocol of its own.

The request is `#02R`, its checksum in two hexadecimal digits and CR; the answer `>02`, the rain in
mm, the number of tips, checksum and CR. Nothing but `agent.contract` is imported.
"""

import re
import sys
from collections.abc import Sequence

from pydantic import Field

from agent.contract import (
    Device,
    DeviceFault,
    DriverSpec,
    Host,
    LinkLost,
    PointInfo,
    Quality,
    Reading,
    Tools,
)
from agent.contract.settings import Seconds, Strict

_ANSWER = re.compile(rb">([0-9]{2})([+-][0-9]+\.[0-9]),([0-9]+)([0-9A-F]{2})\r")


class Settings(Strict):
    address: int = Field(ge=0, le=99)
    timeout: Seconds = 0.5


def checksum(frame: bytes) -> bytes:
    return b"%02X" % (sum(frame) & 0xFF)


def frame(text: str) -> bytes:
    body = text.encode("ascii")
    return body + checksum(body) + b"\r"


def parse(answer: bytes) -> tuple[int, float, int] | None:
    """(address, mm, tips), or None for what is no sound answer."""
    match = _ANSWER.fullmatch(answer)
    if not match or checksum(answer[:-3]) != match[4]:
        return None
    return int(match[1]), float(match[2]), int(match[3])


class RainGauge:
    points = (PointInfo("rain", "mm"), PointInfo("tips", "1", kind="counter"))

    def __init__(self, device: Device, host: Host) -> None:
        self._device, self._host = device, host
        self._settings = Settings.model_validate(dict(device.options))

    async def open(self) -> None:
        """There is nothing to prepare."""

    async def close(self) -> None:
        """There is nothing to let go."""

    async def read(self) -> Sequence[Reading]:
        address, timeout = self._settings.address, self._settings.timeout
        async with self._host.wire().turn() as turn:
            try:
                answer = await turn.ask(frame(f"#{address:02}R"), self._mine, timeout)
            except LinkLost as error:
                error.retry_after = timeout
                raise
        _, rain, tips = parse(answer) or (address, 0.0, 0)
        if rain < 0:
            raise DeviceFault("the gauge is blocked", hint="clean the funnel", reason="blocked")
        now = self._host.now()
        return [
            Reading(self._device.id, "rain", rain, "mm", now, Quality.GOOD),
            Reading(self._device.id, "tips", tips, "1", now, Quality.GOOD),
        ]

    def _mine(self, heard: bytearray) -> bytes | None:
        for match in _ANSWER.finditer(bytes(heard)):
            found = parse(match[0])
            if found and found[0] == self._settings.address:
                return match[0]
        return None


class Simulated:
    """Gauges in a steady rain."""

    def __init__(self, addresses: Sequence[int]) -> None:
        self._tips = dict.fromkeys(addresses, 0)
        self._heard = b""

    def hear(self, data: bytes) -> Sequence[bytes]:
        self._heard = (self._heard + data)[-64:]
        answers = []
        while match := re.search(rb"(#([0-9]{2})R)([0-9A-F]{2})\r", self._heard):
            self._heard = self._heard[match.end() :]
            address = int(match[2])
            if checksum(match[1]) == match[3] and address in self._tips:
                self._tips[address] += 1
                tips = self._tips[address]
                answers.append(frame(f">{address:02}{tips * 0.2:+.1f},{tips}"))
        return answers


def simulate(devices: Sequence[tuple[Device, Host]], framing: str) -> Simulated:
    return Simulated([Settings.model_validate(dict(d.options)).address for d, _ in devices])


def main(argv: Sequence[str], _tools: Tools) -> int:
    """`fieldgate rain FRAME`: what a captured answer says."""
    found = parse(argv[0].encode("ascii") + b"\r") if argv else None
    if found is None:
        sys.stdout.write("no sound answer\n")
        return 1
    sys.stdout.write("gauge {}: {} mm in {} tips\n".format(*found))
    return 0


DRIVER = DriverSpec(
    name="raingauge",
    summary="Rain gauges with ASCII frames",
    settings=Settings,
    make=RainGauge,
    simulate=simulate,
    commands={"rain": "raingauge:main"},
    wired=True,
)
