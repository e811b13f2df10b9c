"""The board in words: what is wrong first, then everything."""

import pytest

from agent import i18n
from agent.cli.ailments import ailments
from agent.cli.board import Look, page
from agent.cli.columns import width
from agent.status import Board

NOW = 1_800_000_000.0
STATES = (
    "starting", "ok", "degraded", "down", "parked", "closed", "open", "lost",
    "connecting", "connected", "holding", "refused", "waiting",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _english() -> None:
    i18n.use("en")


@pytest.fixture
def board() -> Board:
    """A gateway that has run well for an hour."""
    board = Board(gateway="gw-1", version="1.2.3", started=NOW - 3600, clock_trusted=True)
    soil = board.device("soil-1")
    soil.state, soil.reads, soil.last_good, soil.response = "ok", 360, NOW - 2, 0.25
    wire = board.wire("rs485-a")
    wire.state, wire.busy, wire.lost = "open", 360.0, 36.0
    stream = board.stream("telemetry")
    stream.taken, stream.appended, stream.discarded = 1000, 990, {}
    board.buffer.max_bytes, board.buffer.hours_left = 2 * 10**9, 100.0
    board.buffer.written, board.buffer.device_written = 1_000_000, 4_000_000
    uplink = board.uplink("city")
    uplink.state, uplink.owed, uplink.law = "connected", {"telemetry": 7}, {"telemetry": True}
    return board


def text(board: Board, before: Look | None = None, limit: int = 80) -> str:
    return "\n".join(page(Look(board.snapshot(), NOW), before, limit))


def texts(board: Board) -> list[str]:
    return [ailment.text for ailment in ailments(board.snapshot())]


def test_a_healthy_gateway_says_so(board: Board) -> None:
    said = text(board)
    assert ailments(board.snapshot()) == []
    assert "all is well" in said
    assert "running for 1 h 0 min" in said
    assert "2 s ago" in said
    assert "DOES NOT ADD UP" not in said


def test_spaces_are_counted_where_there_are_any(board: Board) -> None:
    assert "SPACES" not in text(board)
    board.spaces = {"occupied": 2100, "unknown": 3}
    assert "SPACES  2 100 occupied, 0 vacant, 3 unknown" in text(board)


def test_both_laws_are_checked(board: Board) -> None:
    stream = board.stream("telemetry")
    stream.discarded = {"full": 11}
    assert "stream telemetry: more was stored than taken" in texts(board)
    stream.discarded = {}
    board.uplink("city").law["telemetry"] = False
    assert texts(board) == ["uplink city: the numbers of telemetry do not add up"]
    assert "DOES NOT ADD UP" in text(board)


def test_every_loss_is_said_with_its_reason(board: Board) -> None:
    board.stream("telemetry").discarded = {"full": 4}
    board.buffer.evicted = 9
    assert texts(board) == [
        "the buffer was full: 9 records were given up",
        "stream telemetry: 4 records were not stored: full",
    ]


def test_a_device_that_fails_is_named_with_what_to_do(board: Board) -> None:
    air = board.device("air-1")
    air.state, air.error, air.hint = "down", "no answer from unit 3", "check the cable"
    said = text(board)
    assert "! device air-1: no answer from unit 3\n  next: check the cable\n" in said


def test_a_wire_that_is_not_there_is_said(board: Board) -> None:
    board.wire("rs485-a").state = "lost"
    (ailment,) = ailments(board.snapshot())
    assert ailment.text == "wire rs485-a: lost"
    assert "by-path" in ailment.hint


def test_an_uplink_that_is_down_says_how_long_the_buffer_lasts(board: Board) -> None:
    uplink = board.uplink("city")
    uplink.state, uplink.error = "waiting", "connection refused"
    assert texts(board) == ["uplink city: connection refused"]
    board.buffer.hours_left = 2.2
    assert texts(board)[0] == "the buffer is full in 2 h 12 min; then the oldest records go"


def test_a_platform_that_does_not_listen_is_said(board: Board) -> None:
    uplink = board.uplink("city")
    uplink.state, uplink.no_listener = "holding", True
    assert texts(board) == ["uplink city: nobody subscribes to what we send"]


def test_a_store_in_trouble_comes_before_devices(board: Board) -> None:
    board.device("soil-1").state = "down"
    board.buffer.error = "disk full"
    assert texts(board)[0] == "the buffer cannot store: disk full"


def test_an_unsynchronised_clock_is_said(board: Board) -> None:
    board.clock_trusted = False
    assert texts(board) == ["the clock is not synchronised: times are estimates"]


def test_how_busy_a_wire_is_since_the_start_and_since_the_last_look(board: Board) -> None:
    assert "10.0 %  1.0 %" in text(board)
    before = Look(board.snapshot(), NOW - 2)
    board.wire("rs485-a").busy += 1.0
    assert "50.0 %  0.0 %" in text(board, before)


def test_bytes_written_a_day_stand_beside_the_disks_own_count(board: Board) -> None:
    assert "written a day: 24 MB by fieldgate, 96 MB by the whole disk" in text(board)
    board.buffer.device_written = None
    assert "24 MB by fieldgate, unknown by the whole disk" in text(board)
    board.started = NOW - 5
    assert "not known yet by fieldgate" in text(board)


def test_a_gateway_that_has_nothing_yet_has_a_page() -> None:
    assert "never" not in text(Board(started=NOW))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_page_keeps_to_the_terminal(board: Board, language: str, columns: int) -> None:
    i18n.use(language)
    board.device("a-device-with-a-very-long-name-of-48-characters-x").state = "down"
    board.device("greenhouse").error = "no answer " * 20
    board.device("greenhouse").state = "degraded"
    said = page(Look(board.snapshot(), NOW), None, columns)
    assert max(width(line) for line in said) <= columns
    i18n.use("en")


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_its_chinese(state: str) -> None:
    assert state in i18n.catalogue()
