"""What is wrong with a gateway, worst first, as its board shows it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agent.cli.amounts import duration
from agent.cli.interpreter import interpret
from agent.i18n import say

SOON = 24.0  # h

Snapshot = Mapping[str, Any]
"""What `Board.snapshot()` gives."""


@dataclass(frozen=True, slots=True)
class Ailment:
    """One sentence on what is wrong, one on what to do about it ("" where nothing helps)."""

    text: str
    hint: str = ""


def ailments(board: Snapshot) -> list[Ailment]:
    return [
        *_laws(board),
        *_buffer(board["buffer"]),
        *_filling(board),
        *_discards(board["streams"]),
        *_wires(board["wires"]),
        *_devices(board["devices"]),
        *_uplinks(board["uplinks"]),
        *_clock(board),
    ]


def waiting(stream: Mapping[str, Any]) -> int:
    """Records taken that wait for their commit: never negative while the law holds."""
    return int(stream["taken"] - stream["appended"] - sum(stream["discarded"].values()))


def _laws(board: Snapshot) -> Iterator[Ailment]:
    report = say("records are unaccounted for: report this with `fieldgate buffer verify`")
    for name, stream in board["streams"].items():
        if waiting(stream) < 0:
            yield Ailment(say("stream {name}: more was stored than taken", name=name), report)
    for name, uplink in board["uplinks"].items():
        for stream, holds in uplink["law"].items():
            if not holds:
                yield Ailment(
                    say("uplink {name}: the numbers of {stream} do not add up", name=name,
                        stream=stream),
                    report,
                )  # fmt: skip


def _buffer(buffer: Mapping[str, Any]) -> Iterator[Ailment]:
    if buffer["error"]:
        yield Ailment(
            say("the buffer cannot store: {error}", error=interpret(buffer["error"])),
            say("look at the disk: df -h /var/lib/fieldgate; journalctl -u fieldgate"),
        )
    if buffer["evicted"]:
        yield Ailment(
            say("the buffer was full: {n} records were given up", n=buffer["evicted"]),
            say("raise `store: max_size:`, or restore the uplink"),
        )


def _filling(board: Snapshot) -> Iterator[Ailment]:
    hours = board["buffer"]["hours_left"]
    offline = [name for name, uplink in board["uplinks"].items() if uplink["state"] != "connected"]
    if offline and hours is not None and hours < SOON:
        yield Ailment(
            say("the buffer is full in {time}; then the oldest records go",
                time=duration(hours * 3600)),
            say("restore the uplink {name}, or raise `store: max_size:`", name=offline[0]),
        )  # fmt: skip


def _discards(streams: Mapping[str, Any]) -> Iterator[Ailment]:
    for name, stream in streams.items():
        for reason, number in stream["discarded"].items():
            if number:
                yield Ailment(
                    say("stream {name}: {n} records were not stored: {reason}", name=name,
                        n=number, reason=reason)
                )  # fmt: skip


def _wires(wires: Mapping[str, Any]) -> Iterator[Ailment]:
    for name, wire in wires.items():
        if wire["state"] == "lost":
            yield Ailment(
                say(
                    "wire {name}: {error}", name=name, error=interpret(wire["error"]) or say("lost")
                ),
                say("look for the adapter and its cable: ls -l /dev/serial/by-path"),
            )


def _devices(devices: Mapping[str, Any]) -> Iterator[Ailment]:
    for name, device in devices.items():
        if device["state"] in {"down", "parked", "degraded"} and not device["maintenance"]:
            error = interpret(device["error"]) or say(device["state"])
            text = say("device {name}: {error}", name=name, error=error)
            yield Ailment(text, interpret(device["hint"]))


def _uplinks(uplinks: Mapping[str, Any]) -> Iterator[Ailment]:
    for name, uplink in uplinks.items():
        if uplink["no_listener"]:
            yield Ailment(
                say("uplink {name}: nobody subscribes to what we send", name=name),
                say("let the platform subscribe; until then all is kept here"),
            )
        elif uplink["state"] != "connected":
            error = interpret(uplink["error"]) or say(uplink["state"])
            text = say("uplink {name}: {error}", name=name, error=error)
            yield Ailment(text, interpret(uplink["hint"]))


def _clock(board: Snapshot) -> Iterator[Ailment]:
    if not board["clock_trusted"]:
        yield Ailment(
            say("the clock is not synchronised: times are estimates"),
            say("timedatectl; the gateway needs a time server"),
        )
