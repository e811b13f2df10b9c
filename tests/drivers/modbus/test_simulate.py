"""Simulated devices answer as the real ones would, from the same profiles."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clock import Clock
from agent.contract import Device, Instant, Line, Quality
from agent.host import DeviceHost
from agent.paths import share
from drivers.modbus import codec
from drivers.modbus.decode import Decoded
from drivers.modbus.planner import Block, Cost, plan
from drivers.modbus.sample import samples
from drivers.modbus.simulate import ModbusSimulator, mbap_requests, rtu_requests, simulate
from drivers.modbus.station import Station

Site = Callable[..., str]
Framing = Literal["rtu", "tcp"]

NAMES = sorted(file.stem for file in (share() / "configs/profiles/modbus").glob("*.yaml"))
NOON = 1_750_000_000.0  # s since 1970
POINTS = {
    "level": {"address": 0, "scale": 0.1, "range": [0, 100], "fault": [0xFFFF]},
    "flow": {"address": 1, "type": "float32"},
    "pump": {"table": "coil", "address": 9, "type": "bool"},
    "rain": {"address": 3, "kind": "counter", "modulus": 10000},
    "fan": {"address": 4, "bit": 2, "bits": 2},
}


class At(Clock):
    """It is always the same time, s since 1970."""

    def __init__(self, time: float) -> None:
        super().__init__()
        self.time = time

    def now(self) -> Instant:
        return Instant("boot", 0, int(self.time * 1e9), trusted=True)


class Bench:
    """One simulated device, asked without a wire."""

    def __init__(self, profile: str, folder: Path, framing: Framing = "rtu", unit: int = 1) -> None:
        self.clock = At(NOON)
        self.framing = framing
        device = Device("d", "modbus", 1.0, options={"profile": profile, "unit": unit})
        host = DeviceHost(device, self.clock, None, None, folder)
        self.station = Station.of(device, host)
        self.simulator: ModbusSimulator = simulate([(device, host)], framing)
        self.bank = self.simulator.banks["d"]

    def ask(self, request: codec.Request) -> tuple[int, bytes] | None:
        """(exception code or 0, data); None: nobody answered."""
        exchange = codec.exchange(self.framing, request)
        answers = self.simulator.hear(exchange.frame)
        if not answers:
            return None
        frame = exchange.accept(bytearray(b"".join(answers)))
        return None if frame is None else exchange.answer(frame)

    def read(self) -> dict[str, Decoded]:
        blocks = plan(self.station.profile, self.station.points, Cost.on_line(Line(), 0.01, 0.0))
        found: dict[str, Decoded] = {}
        for sample in samples("d", blocks, self.station.points):
            answer = self.ask(codec.read(self.station.unit, sample.block))
            assert answer is not None
            assert answer[0] == 0, sample.block
            found |= {f.name: f.decoder(answer[1], f.at) for f in sample.fields}
        return found


@pytest.fixture
def bench(tmp_path: Path, site: Site) -> Bench:
    return Bench(site(POINTS), tmp_path / "site")


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_profile_can_be_simulated(name: str, tmp_path: Path) -> None:
    bench = Bench(name, tmp_path)
    for later in range(0, 4000, 401):
        bench.clock.time = NOON + later
        found = bench.read()
        assert set(found) == set(bench.station.points)
        odd = {
            point: got
            for point, got in found.items()
            if got[1] is Quality.BAD or got[2] not in {"", "indicative"}
        }
        assert odd == {}


def test_values_drift_and_are_the_same_at_every_start(tmp_path: Path, site: Site) -> None:
    one, two = (Bench(site(POINTS), tmp_path / "site") for _ in range(2))
    first = one.read()
    assert first == two.read()
    one.clock.time += 400
    later = one.read()
    assert all(later[point] != first[point] for point in ("level", "flow"))


def test_counters_only_grow(bench: Bench) -> None:
    totals = []
    for _ in range(5):
        total = bench.read()["rain"][0]
        assert isinstance(total, int)
        totals.append(total)
        bench.clock.time += 7200
    assert totals == sorted(set(totals))


def test_a_value_can_be_held_and_freed(bench: Bench) -> None:
    drifting = bench.read()["level"]
    bench.bank.set("level", 12.5)
    bench.bank.set("fan", 3)
    assert bench.read()["level"] == (12.5, Quality.GOOD, "")
    assert bench.read()["fan"][0] == 3
    bench.bank.set("level", None)
    assert bench.read()["level"] == (None, Quality.BAD, "sensor_fault")
    bench.bank.free("level")
    assert bench.read()["level"] == drifting


@pytest.mark.parametrize(
    ("block", "code"),
    [
        (Block("holding", 5, 1), 2),
        (Block("holding", 4, 2), 2),
        (Block("input", 0, 1), 2),
        (Block("coil", 9, 1), 0),
    ],
)
def test_registers_that_do_not_exist_are_refused(bench: Bench, block: Block, code: int) -> None:
    answer = bench.ask(codec.read(1, block))
    assert answer is not None
    assert answer[0] == code


@pytest.mark.parametrize(
    ("pdu", "code"),
    [
        ("03 00 00 00 00", 3),
        ("03 00 00 00 7E", 3),
        ("05 00 09 12 34", 3),
        ("0F 00 09 00 01 02 00 00", 3),
        ("10 00 00 00 02 02 00 00", 3),
        ("03 00", 3),
        ("2B 0E 01 00", 1),
    ],
)
def test_nonsense_is_refused(tmp_path: Path, site: Site, pdu: str, code: int) -> None:
    bench = Bench(site(POINTS), tmp_path / "site", "tcp")
    data = bytes.fromhex(pdu)
    (answer,) = bench.simulator.hear(codec.mbap_frame(1, data, 1))
    assert answer[7:] == bytes([data[0] | 0x80, code])


@pytest.mark.parametrize(
    ("request_", "point", "value"),
    [
        (codec.write(1, 5, 9, [1]), "pump", True),
        (codec.write(1, 15, 9, [1]), "pump", True),
        (codec.write(1, 6, 0, [123]), "level", 12.3),
        (codec.write(1, 16, 1, [0x4361, 0xB333]), "flow", 225.7),
    ],
)
def test_what_is_written_stays(
    bench: Bench, request_: codec.Request, point: str, value: Any
) -> None:
    bench.bank.set(point, 0)
    answer = bench.ask(request_)
    assert answer is not None
    assert answer[0] == 0
    bench.clock.time += 1000
    assert bench.read()[point][0] == value


def test_a_broadcast_is_obeyed_and_not_answered(bench: Bench) -> None:
    assert bench.ask(codec.write(0, 6, 0, [77])) is None
    assert bench.read()["level"][0] == 7.7


def test_other_units_stay_silent(bench: Bench) -> None:
    assert bench.ask(codec.read(2, Block("holding", 0, 1))) is None
    assert bench.ask(codec.read(1, Block("holding", 0, 1))) is not None


def test_a_device_that_gives_pairs_refuses_odd_reads(tmp_path: Path, site: Site) -> None:
    name = site({"a": {"address": 1}}, limits={"align": 2, "registers": 4})
    bench = Bench(name, tmp_path / "site")
    assert bench.ask(codec.read(1, Block("holding", 1, 1))) == (2, b"")
    assert bench.ask(codec.read(1, Block("holding", 0, 2))) is not None
    assert bench.ask(codec.read(1, Block("holding", 0, 6))) == (3, b"")


def test_several_devices_may_be_one_unit(tmp_path: Path, site: Site) -> None:
    site({"a": {"address": 0}}, "low")
    site({"b": {"address": 50}}, "high")
    folder, clock = tmp_path / "site", At(NOON)
    devices = [Device(name, "modbus", 1.0, options={"profile": name}) for name in ("low", "high")]
    simulator = simulate([(d, DeviceHost(d, clock, None, None, folder)) for d in devices], "rtu")

    def code(address: int) -> int:
        exchange = codec.RtuExchange(codec.read(1, Block("holding", address, 1)))
        (answer,) = simulator.hear(exchange.frame)
        return exchange.answer(answer)[0]

    assert [code(0), code(50), code(7)] == [0, 0, 2]


def pieces(stream: bytes, sizes: Sequence[int]) -> list[bytes]:
    cut, at = [], 0
    for size in [*sizes, len(stream)]:
        cut.append(stream[at : at + size])
        at += size
    return cut


REQUESTS = [codec.read(1, Block("holding", 0, 1)), codec.write(1, 16, 1, [1, 2])]


@given(st.binary(max_size=20), st.lists(st.integers(1, 9), max_size=8))
def test_requests_are_found_among_noise(noise: bytes, sizes: list[int]) -> None:
    frames = [codec.RtuExchange(request).frame for request in REQUESTS]
    heard, found = bytearray(), []
    for piece in pieces(noise + b"".join(frames), sizes):
        heard += piece
        found += list(rtu_requests(heard))
    assert found[-2:] == frames
    assert not heard


@given(st.lists(st.integers(1, 9), max_size=8))
def test_over_tcp_several_requests_may_come_at_once_or_in_pieces(sizes: list[int]) -> None:
    frames = [codec.MbapExchange(request).frame for request in REQUESTS]
    heard, found = bytearray(), []
    for piece in pieces(b"".join(frames), sizes):
        heard += piece
        found += list(mbap_requests(heard))
    assert [codec.mbap_frame(unit, pdu, number) for number, unit, pdu in found] == frames
    assert not heard
