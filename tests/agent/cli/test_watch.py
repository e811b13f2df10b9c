"""`fieldgate watch` against a real mosquitto, fed by a real uplink."""

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest

from agent.cli.main import main
from agent.cli.watching import Watcher
from agent.contract import EVENTS, TELEMETRY, Lane, Pack, Value
from agent.uplink.formats.cloudevents import CloudEvents
from agent.uplink.formats.senml import SenmlJson
from agent.uplink.formats.units import shipped
from tests.support_uplink import Broker, columns, eventually, happening, running, uplink_settings


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.kill()


class Watch:
    """The command in a process of its own."""

    def __init__(self, *words: str) -> None:
        self._words = words
        self.out = ""
        self.err = ""

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "agent",
            "watch",
            *self._words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"FIELDGATE_LANG": "en", "PATH": "/usr/bin", "PYTHONWARNINGS": "error"},
        )
        assert self._process.stderr is not None
        self.err = (await self._process.stderr.readline()).decode()
        return self

    async def lines(self, count: int) -> list[str]:
        assert self._process.stdout is not None
        return [(await self._process.stdout.readline()).decode().rstrip() for _ in range(count)]

    async def end(self) -> int:
        """Ctrl-C; returns the exit code."""
        self._process.send_signal(2)
        out, err = await self._process.communicate()
        self.out, self.err = out.decode(), self.err + err.decode()
        return self._process.returncode or 0

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.communicate()


async def test_it_prints_what_arrives_and_ends_with_what_is_lost(broker: Broker) -> None:
    async with Watch(broker.url) as watch, running(uplink_settings(broker.url)) as up:
        assert watch.err == f"listening to {broker.url}\n"
        await eventually(lambda: up.status.state == "connected")
        up.outbox.add(2)
        up.outbox.add(1, EVENTS)
        lines = await watch.lines(3)
        assert any("soil-1/soil_moisture" in line and "0.02 /" in line for line in lines)
        assert any("device.lost soil-1" in line and '{"number": 1}' in line for line in lines)
        assert await watch.end() == 0
    *_, telemetry, delay, last = watch.out.splitlines()
    assert last == "lost 0"
    assert delay.startswith("delay live: p50 ")
    assert "gw-1" in telemetry


async def test_with_whole_an_epoch_that_was_named_and_never_heard_is_lost(broker: Broker) -> None:
    async with Watch(broker.url, "--whole") as watch, running(uplink_settings(broker.url)) as up:
        await eventually(lambda: up.status.state == "connected")
        up.outbox.add(2)
        await watch.lines(2)
        assert await watch.end() == 1
    assert watch.out.splitlines()[-1] == "lost 7"


async def test_json_is_one_object_a_line_and_the_report_the_last(broker: Broker) -> None:
    async with Watch(broker.url, "--json") as watch, running(uplink_settings(broker.url)) as up:
        await eventually(lambda: up.status.state == "connected")
        up.outbox.add(3)
        (line,) = map(json.loads, await watch.lines(1))
        assert (line["gateway"], line["first"], line["last"], line["lane"]) == (
            "gw-1",
            1,
            3,
            "live",
        )
        assert [r["seq"] for r in line["records"]] == [1, 2, 3]
        assert await watch.end() == 0
    report = json.loads(watch.out.splitlines()[-1])
    assert report["lost"] == 0
    assert report["received"] == 3
    assert report["catalogues"].keys() == {"gw-1"}


async def test_it_outlives_the_broker(broker: Broker) -> None:
    async with Watch(broker.url, "--json") as watch, running(uplink_settings(broker.url)) as up:
        await eventually(lambda: up.status.state == "connected")
        broker.kill()
        broker.start()
        await eventually(lambda: up.status.connects > 1)
        up.outbox.add(3)
        (line,) = map(json.loads, await watch.lines(1))
        assert line["records"]
        await watch.end()
    assert "not heard meanwhile" in watch.err


def test_a_broker_that_is_not_there_is_said_and_exits_75(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIELDGATE_LANG", "en")
    assert main(["watch", Broker(tmp_path).url, "--seconds", "20"]) == 75
    said = capsys.readouterr().err
    assert "does not answer" in said
    assert "next: check the network" in said


async def test_a_broker_that_lets_nobody_subscribe_is_said_and_exits_75() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"\x20\x03\x00\x00\x00")  # CONNACK: welcome
        subscribe = await reader.read(1000)
        codes = b"\x87" * 8
        number = subscribe[3:5]  # after a length of two bytes
        writer.write(bytes([0x90, 3 + len(codes), *number, 0]) + codes)
        await reader.read(1000)
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    words = ["watch", f"mqtt://127.0.0.1:{port}"]
    watching = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agent", *words, stderr=asyncio.subprocess.PIPE
    )
    _, said = await watching.communicate()
    server.close()
    assert watching.returncode == 75
    assert "fieldgate/+/telemetry" in said.decode()


@pytest.mark.parametrize("url", ["broker:1883", "http://broker", "mqtt://"])
def test_what_is_no_address_is_a_mistake_in_usage(url: str) -> None:
    assert main(["watch", url]) == 64


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--help"]) == 0
    assert "fieldgate watch mqtts://" in capsys.readouterr().out


def _watcher(*, whole: bool = True) -> tuple[Watcher, list[Any]]:
    shown: list[Any] = []
    return Watcher("fieldgate/{gateway}", "+", whole=whole, show=shown.append), shown


def _pack(first: int, last: int, lane: Lane = Lane.LIVE) -> tuple[str, bytes]:
    body = columns(last - first + 1, first)
    pack = Pack("e1", TELEMETRY, lane, first, last, columns=(body,))
    middle = "backlog/" if lane is Lane.BACKLOG else ""
    return f"fieldgate/gw-1/{middle}telemetry", SenmlJson("gw-1", shipped()).encode(pack, "")


def test_a_hole_is_a_loss_until_the_backlog_fills_it() -> None:
    watcher, _ = _watcher()
    watcher.take(*_pack(1, 10))
    watcher.take(*_pack(21, 30))
    assert watcher.report()["lost"] == 10
    watcher.take(*_pack(11, 20, Lane.BACKLOG))
    assert watcher.report()["lost"] == 0


def test_a_gap_record_explains_what_is_missing() -> None:
    watcher, shown = _watcher()
    watcher.take(*_pack(6, 10))
    assert watcher.report()["lost"] == 5
    gap = happening(1)
    told: dict[str, Value | None] = {
        "epoch": "e1",
        "stream": "telemetry",
        "first": 1,
        "last": 5,
        "reason": "evicted",
        "uplink": "",
    }
    gap = replace(gap, event=replace(gap.event, kind="gap", data=told))
    pack = Pack("e1", EVENTS, Lane.LIVE, 1, 1, happenings=(gap,))
    watcher.take("fieldgate/gw-1/events", CloudEvents("gw-1").encode(pack, ""))
    assert watcher.report()["lost"] == 0
    assert shown[-1]["records"][0]["kind"] == "gap"


def test_a_manifest_reveals_the_loss_of_the_last_records() -> None:
    watcher, _ = _watcher()
    watcher.take(*_pack(1, 10))
    manifest = {"gateway": "gw-1", "epochs": {"e1": {"telemetry": {"first": 1, "last": 15}}}}
    watcher.take("fieldgate/gw-1/manifest", json.dumps(manifest).encode())
    assert watcher.report()["lost"] == 5


def test_who_joins_late_misses_nothing_from_before() -> None:
    watcher, _ = _watcher(whole=False)
    watcher.take(*_pack(101, 110))
    watcher.take(*_pack(50, 60, Lane.BACKLOG))
    assert watcher.report()["lost"] == 0


def test_what_is_not_ours_is_counted_and_nothing_more() -> None:
    watcher, shown = _watcher()
    for topic in ("telemetry", "events", "describe", "manifest"):
        watcher.take(f"fieldgate/gw-1/{topic}", b'{"hello": "world"}')
    assert watcher.report()["unreadable"] == 4
    assert shown == []


def test_topics_are_those_of_the_root() -> None:
    watcher = Watcher("town/{gateway}", "gw-7", whole=False, show=print)
    assert "town/gw-7/backlog/telemetry" in watcher.filters
