"""The metrics endpoint, scraped as Prometheus would."""

import asyncio
import subprocess
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent.contract import Misconfigured
from agent.status import Board
from agent.web.collector import text
from agent.web.metrics import serve_metrics

ANYWHERE = "127.0.0.1:0"


@pytest.fixture
def board() -> Board:
    board = Board(gateway="gw-1", version="1.2.3", started=1000.0, clock_trusted=True)
    soil = board.device("soil-1")
    soil.state, soil.reads, soil.failures, soil.response = "ok", 10, 2, 0.25
    board.device("air-1").state = "down"
    board.wire("rs485").busy = 12.5
    stream = board.stream("telemetry")
    stream.taken, stream.appended, stream.discarded = 100, 90, {"full": 4}
    board.buffer.epoch, board.buffer.hours_left = "e1", 2.0
    uplink = board.uplink("city")
    uplink.state, uplink.owed, uplink.law = "connected", {"telemetry": 7}, {"telemetry": True}
    return board


async def fetch(port: int, request: bytes) -> tuple[int, dict[str, str], bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    raw = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return int(status.split()[1]), dict(line.split(": ", 1) for line in lines), body


def samples(exposition: bytes) -> dict[tuple[str, ...], float]:
    """(name, label values in the order of their names…) -> value."""
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(exposition.decode())
        for sample in family.samples
    }


async def test_a_scrape_tells_what_the_board_says(board: Board) -> None:
    async with serve_metrics(ANYWHERE, board) as port:
        status, headers, body = await fetch(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert int(headers["Content-Length"]) == len(body)
    found = samples(body)
    assert found["fieldgate_info", "e1", "gw-1", "1.2.3"] == 1
    assert found["fieldgate_device_reads_total", "soil-1"] == 10
    assert found["fieldgate_device_response_seconds", "soil-1"] == 0.25
    assert found["fieldgate_device_up", "soil-1"] == 1
    assert found["fieldgate_device_up", "air-1"] == 0
    assert found["fieldgate_wire_busy_seconds_total", "rs485"] == 12.5
    assert found["fieldgate_uplink_owed_records", "telemetry", "city"] == 7
    assert found["fieldgate_buffer_left_seconds",] == 7200


def test_the_conservation_laws_can_be_watched(board: Board) -> None:
    found = samples(text(board))
    assert found["fieldgate_stream_discarded_records_total", "full", "telemetry"] == 4
    assert found["fieldgate_stream_waiting_records", "telemetry"] == 6
    assert found["fieldgate_uplink_law_holds", "telemetry", "city"] == 1
    board.stream("telemetry").appended = 101
    board.uplink("city").law["telemetry"] = False
    found = samples(text(board))
    assert found["fieldgate_stream_waiting_records", "telemetry"] < 0
    assert found["fieldgate_uplink_law_holds", "telemetry", "city"] == 0


def test_what_is_not_known_is_not_told(board: Board) -> None:
    board.buffer.hours_left = None
    assert b"buffer_left" not in text(board)
    assert b"device_written" not in text(board)
    board.buffer.device_written = 5
    assert b"fieldgate_buffer_device_written_bytes_total 5.0" in text(board)


def test_an_empty_gateway_has_metrics_too() -> None:
    assert samples(text(Board()))["fieldgate_clock_trusted",] == 0


async def test_a_probe_sees_a_buffer_that_cannot_store(board: Board) -> None:
    async with serve_metrics(ANYWHERE, board) as port:
        healthy = await fetch(port, b"GET /healthz HTTP/1.0\r\n\r\n")
        board.buffer.error = "disk full"
        sick = await fetch(port, b"GET /healthz HTTP/1.0\r\n\r\n")
    assert (healthy[0], healthy[2]) == (200, b"ok\n")
    assert (sick[0], sick[2]) == (503, b"disk full\n")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 404),
        (b"GET /metrics/../../etc/passwd HTTP/1.1\r\n\r\n", 404),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 405),
        (b"hello\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\n" + b"A: b\r\n" * 9000 + b"\r\n", 400),
    ],
    ids=["root", "path", "post", "nonsense", "endless"],
)
async def test_nothing_else_is_served(board: Board, request_: bytes, status: int) -> None:
    async with serve_metrics(ANYWHERE, board) as port:
        assert (await fetch(port, request_))[0] == status


async def test_stopping_does_not_wait_for_a_client_that_says_nothing(board: Board) -> None:
    async with serve_metrics(ANYWHERE, board) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0)
    assert await asyncio.wait_for(reader.read(), 20) == b""
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("listen", ["9464", "localhost", "127.0.0.1:port", "127.0.0.1:99999"])
async def test_a_wrong_address_is_said(board: Board, listen: str) -> None:
    with pytest.raises(Misconfigured, match="metrics cannot listen on") as caught:
        async with serve_metrics(listen, board):
            pass
    assert "127.0.0.1:9464" in caught.value.hint


async def test_a_port_in_use_is_said(board: Board) -> None:
    async with serve_metrics(ANYWHERE, board) as port:
        with pytest.raises(Misconfigured, match="in use") as caught:
            async with serve_metrics(f"127.0.0.1:{port}", board):
                pass
    assert "null to turn it off" in caught.value.hint


def test_the_library_is_loaded_only_by_a_scrape() -> None:
    loaded = "import sys, agent.web.metrics; print('prometheus_client' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
