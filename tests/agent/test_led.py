"""The LED's patterns, and whose the LED is afterwards. The files are laid out like the kernel's."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from agent.led import State, blink, find_led, state_of, steps
from agent.status import Board


def board(device: str = "ok", uplink: str = "connected", wire: str = "open") -> Board:
    made = Board()
    made.device("probe").state = device
    made.uplink("city").state = uplink
    made.wire("field").state = wire
    return made


def led_in(folder: Path, name: str = "ACT") -> Path:
    led = folder / name
    led.mkdir()
    (led / "trigger").write_text("none timer [mmc0] heartbeat\n")
    (led / "brightness").write_text("0")
    return led


def test_the_worst_that_can_be_mended_is_shown() -> None:
    assert state_of(Board()) is State.NOT_COMMISSIONED
    assert state_of(board()) is State.WELL
    assert state_of(board(uplink="waiting")) is State.NO_BROKER
    assert state_of(board(uplink="waiting", device="down")) is State.DOWN
    assert state_of(board(wire="lost")) is State.DOWN


def test_a_device_that_is_worked_on_is_no_alarm() -> None:
    worked_on = board(device="down")
    worked_on.device("probe").maintenance = 1.0
    assert state_of(worked_on) is State.WELL


@pytest.mark.parametrize("state", State)
def test_every_pattern_takes_one_period_and_ends_dark(state: State) -> None:
    assert sum(seconds for _, seconds in steps(state)) == pytest.approx(3.0, abs=0.13)
    assert not steps(state)[-1][0]
    flashes = sum(lit for lit, _ in steps(state))
    assert flashes == (state.value or 12)


def test_the_usual_led_is_found_and_a_named_one_preferred(tmp_path: Path) -> None:
    assert find_led("auto", tmp_path) is None
    usual, other = led_in(tmp_path), led_in(tmp_path, "green")
    assert find_led("auto", tmp_path) == usual
    assert find_led("green", tmp_path) == other
    assert find_led("blue", tmp_path) is None


async def test_the_kernel_gets_its_led_back(tmp_path: Path) -> None:
    led = led_in(tmp_path)
    task = asyncio.create_task(blink(board(), led))
    while (led / "brightness").read_text() != "255":
        await asyncio.sleep(0.01)
    assert (led / "trigger").read_text() == "none"
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert (led / "trigger").read_text() == "mmc0"
    assert (led / "brightness").read_text() == "0"


async def test_an_led_that_cannot_be_written_costs_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    led = led_in(tmp_path)
    (led / "brightness").unlink()
    (led / "brightness").mkdir()
    await asyncio.wait_for(blink(board(), led), 5.0)
    assert "stays dark" in caplog.text
