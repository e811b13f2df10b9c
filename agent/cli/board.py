"""The board as a page for a terminal. Pure: a snapshot goes in, lines come out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.cli.ailments import Snapshot, ailments, waiting
from agent.cli.amounts import count, duration, percent, size
from agent.cli.columns import table, wrap
from agent.i18n import say

DAY = 86400.0
SETTLED_IN = 60.0  # s of running before anything is said of a day's worth


@dataclass(frozen=True, slots=True)
class Look:
    board: Snapshot
    at: float  # unix time


def page(look: Look, before: Look | None = None, limit: int = 80) -> list[str]:
    """Lines of at most `limit` columns, what is wrong first. How busy a wire is, is told of the
    time since the look `before`, or since the service started."""
    board, now = look.board, look.at
    sections = [
        _title(board, now),
        _wrong(board, limit),
        _devices(board, now, limit),
        _spaces(board),
        _wires(look, before, limit),
        _streams(board, limit),
        _buffer(board, now),
        _uplinks(board, limit),
    ]
    return [line for section in sections if section for line in (*section, "")][:-1]


def _title(board: Snapshot, now: float) -> list[str]:
    return [
        say(
            "fieldgate {version}, gateway {gateway}, running for {time}",
            version=board["version"],
            gateway=board["gateway"],
            time=duration(max(now - board["started"], 0)),
        )
    ]


def _wrong(board: Snapshot, limit: int) -> list[str]:
    lines = []
    for ailment in ailments(board):
        lines += wrap(f"! {ailment.text}", limit)
        if ailment.hint:
            lines += wrap(say("next: {hint}", hint=ailment.hint), limit, "  ")
    return lines or [say("all is well")]


def _devices(board: Snapshot, now: float, limit: int) -> list[str]:
    head = [say("DEVICE"), say("state"), say("last value"), say("failed"), say("answers in")]
    return _section(
        head,
        (
            [
                name,
                say("maintenance" if device["maintenance"] else device["state"]),
                _age(device["last_good"], now),
                percent(device["failures"], device["reads"] + device["failures"]),
                duration(device["response"]) if device["response"] else "-",
            ]
            for name, device in board["devices"].items()
        ),
        limit,
    )


def _spaces(board: Snapshot) -> list[str]:
    counts = board["spaces"]
    if not counts:
        return []
    return [
        say(
            "SPACES  {occupied} occupied, {vacant} vacant, {unknown} unknown",
            occupied=count(counts.get("occupied", 0)),
            vacant=count(counts.get("vacant", 0)),
            unknown=count(counts.get("unknown", 0)),
        )
    ]


def _wires(look: Look, before: Look | None, limit: int) -> list[str]:
    start = Look({"wires": {}}, look.board["started"])
    seconds = max(look.at - (before or start).at, 0)
    head = [say("WIRE"), say("state"), say("busy"), say("waited in vain"), say("noise")]

    def row(name: str, wire: Mapping[str, Any]) -> list[str]:
        old = (before or start).board["wires"].get(name, {"busy": 0.0, "lost": 0.0})
        return [
            name,
            say(wire["state"]),
            percent(wire["busy"] - old["busy"], seconds),
            percent(wire["lost"] - old["lost"], seconds),
            size(wire["noise"]),
        ]

    return _section(head, (row(*item) for item in look.board["wires"].items()), limit)


def _streams(board: Snapshot, limit: int) -> list[str]:
    head = [say("STREAM"), say("taken"), say("= stored"), say("+ discarded"), say("+ waiting"), ""]
    return _section(
        head,
        (
            [
                name,
                count(stream["taken"]),
                count(stream["appended"]),
                count(sum(stream["discarded"].values())),
                count(waiting(stream)),
                say("adds up") if waiting(stream) >= 0 else say("DOES NOT ADD UP"),
            ]
            for name, stream in board["streams"].items()
        ),
        limit,
    )


def _buffer(board: Snapshot, now: float) -> list[str]:
    buffer = board["buffer"]
    lines = [
        say(
            "BUFFER  {records} records, {bytes} of {limit}, {commits} commits",
            records=count(buffer["records"]),
            bytes=size(buffer["bytes"]),
            limit=size(buffer["max_bytes"]),
            commits=count(buffer["commits"]),
        )
    ]
    if buffer["oldest"]:
        lines.append(say("  oldest record: {age}", age=_age(buffer["oldest"], now)))
    if buffer["hours_left"] is not None:
        left = duration(buffer["hours_left"] * 3600)
        lines.append(say("  room for {time} more at the present rate", time=left))
    lines.append(
        say(
            "  written a day: {ours} by fieldgate, {all} by the whole disk",
            ours=_daily(buffer["written"], now - board["started"]),
            all=_daily(buffer["device_written"], now - board["started"]),
        )
    )
    return lines


def _uplinks(board: Snapshot, limit: int) -> list[str]:
    head = [
        say("UPLINK"), say("state"), say("stream"), say("owed"), say("given up"),
        say("in flight"), "1…head",
    ]  # fmt: skip
    rows = [
        [
            name,
            say(uplink["state"]),
            stream,
            count(uplink["owed"].get(stream, 0)),
            count(uplink["gap"].get(stream, 0)),
            count(uplink["inflight"]),
            say("adds up") if uplink["law"].get(stream, True) else say("DOES NOT ADD UP"),
        ]
        for name, uplink in board["uplinks"].items()
        for stream in uplink["law"] or {"": True}
    ]
    return _section(head, rows, limit)


def _section(head: Sequence[str], rows: Iterable[list[str]], limit: int) -> list[str]:
    filled = list(rows)
    return table([list(head), *filled], limit) if filled else []


def _age(moment: float, now: float) -> str:
    return say("{time} ago", time=duration(max(now - moment, 0))) if moment else say("never")


def _daily(amount: int | None, seconds: float) -> str:
    if amount is None:
        return say("unknown")
    return size(amount * DAY / seconds) if seconds >= SETTLED_IN else say("not known yet")
