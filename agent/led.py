"""The gateway's own LED says how it fares, to somebody who stands before the box without a laptop.

Groups of short flashes, one group every three seconds: one flash, all is well; two, no broker is
reached; three, a wire or a device is down; quick flicker, not commissioned yet. A light that does
not move: the service is not running, and the kernel's own pattern comes back when it stops.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path

from agent.status import Board

log = logging.getLogger(__name__)

LEDS = Path("/sys/class/leds")
USUAL = ("ACT", "led0")  # on a Raspberry Pi, the newer name first
FLASH, PAUSE, PERIOD = 0.12, 0.22, 3.0  # s


class State(Enum):
    """The value is the number of flashes."""

    WELL = 1
    NO_BROKER = 2
    DOWN = 3
    NOT_COMMISSIONED = 0


def state_of(board: Board) -> State:
    """The worst that a technician at the box can do something about."""
    if not board.devices or not board.uplinks:
        return State.NOT_COMMISSIONED
    lost = any(wire.state == "lost" for wire in board.wires.values())
    down = any(d.state in {"down", "parked"} and not d.maintenance for d in board.devices.values())
    if lost or down:
        return State.DOWN
    sending = any(uplink.state in {"connected", "holding"} for uplink in board.uplinks.values())
    return State.WELL if sending else State.NO_BROKER


def steps(state: State) -> Sequence[tuple[bool, float]]:
    """One period: (lit, seconds), …"""
    if state is State.NOT_COMMISSIONED:
        return ((True, FLASH), (False, FLASH)) * round(PERIOD / FLASH / 2)
    flashes = ((True, FLASH), (False, PAUSE)) * state.value
    return (*flashes, (False, PERIOD - state.value * (FLASH + PAUSE)))


def find_led(name: str, leds: Path = LEDS) -> Path | None:
    """`auto`: the first of the usual ones."""
    names = USUAL if name == "auto" else (name,)
    return next((leds / n for n in names if (leds / n).is_dir()), None)


async def show(board: Board, name: str) -> None:
    """Until cancelled, or until the LED cannot be written: a light is not worth a fault."""
    led = None if name == "none" else find_led(name)
    if led is not None:
        await blink(board, led)
    elif name not in {"auto", "none"}:
        log.warning("there is no LED %s; see /sys/class/leds", name)


async def blink(board: Board, led: Path) -> None:
    """Until cancelled, or until the LED cannot be written."""
    try:
        with _taken(led):
            while True:
                for lit, seconds in steps(state_of(board)):
                    _light(led, lit=lit)
                    await asyncio.sleep(seconds)
    except OSError as error:
        log.warning("the LED %s stays dark: %s; check its udev rule", led.name, error)


@contextmanager
def _taken(led: Path) -> Iterator[None]:
    """From the kernel's trigger, which gets it back."""
    trigger = led / "trigger"
    _, _, rest = trigger.read_text(encoding="ascii").partition("[")
    before = rest.partition("]")[0] or "none"
    trigger.write_text("none", encoding="ascii")
    try:
        yield
    finally:
        with suppress(OSError):
            _light(led, lit=False)
        trigger.write_text(before, encoding="ascii")


def _light(led: Path, *, lit: bool) -> None:
    (led / "brightness").write_text("255" if lit else "0", encoding="ascii")
