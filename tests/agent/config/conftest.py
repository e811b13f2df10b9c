"""A sound configuration to break, with the files that it names."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.config.load import load
from agent.contract import Misconfigured

HIDDEN = "hunter2"

SOUND = """\
# yaml-language-server: $schema=gateway.schema.json
gateway:
  id: east-gate
  name: 一号，大棚（东）：甲
  language: zh
store:
  path: /var/lib/fieldgate
  max_size: 500MB
  max_age: 7d
  keep_settled: 12h
  commit: {every: 1s, records: 200}
  flushes: 5
wires:
  bus-1:
    port: /dev/serial/by-id/usb-1a86
    baud: 4800
    parity: even
    stop_bits: 1
    data_bits: 8
    guard: 20ms
    echo: no
  bus-2: {port: /dev/ttyS7, baud: 9600, parity: none}
  net-1:
    connect: 10.0.0.5:502
    framing: rtu
devices:
  - id: soil-1
    name: 东区，三号地
    place: “甲”与“乙”之间
    driver: modbus
    wire: bus-1
    profile: renke-soil-7in1
    unit: 3
    every: 10s
    points: [soil_moisture, soil_temperature]
    timeout: 500ms
  - {id: air-1, driver: modbus, wire: bus-2, profile: xy-md02, unit: 1, guard: 5ms}
  - {id: air-2, driver: modbus, wire: bus-2, profile: xy-md02, unit: 2, line: {baud: 4800}}
uplinks:
  - id: city
    brokers: [mqtts://a.example:8883, mqtts://b.example]
    client_id: gate-7
    username: gate
    password_file: PASSWORD
    tls: {ca_file: CA, cert_file: CERT, key_file: KEY}
    mqtt: 5
    root: town/{gateway}
    encoding: cbor
    batch: 100
    window: 10
    keepalive: 30s
    publish_deadline: 60s
    overlap: 5s
    no_listener: settle
    live_period: 1s
  - id: local
    brokers:
      - mqtt://localhost:1883
control: {socket: /run/fieldgate/control.sock}
metrics: {listen: "127.0.0.1:9464"}
"""

JARGON = re.compile(
    r"Input should|a valid|type=|pydantic|Extra inputs|Field required|Value error|\[type"
    r"|validation error|Assertion failed|dictionary|\bNone\b|Traceback|\(\?|\^\[|while scanning"
)


@pytest.fixture
def jargon() -> re.Pattern[str]:
    """Words of pydantic and PyYAML that no technician must see."""
    return JARGON


@pytest.fixture
def sound(tmp_path: Path) -> str:
    """The text of a configuration without a mistake."""
    text = SOUND
    for word, secret in (("PASSWORD", True), ("CA", False), ("CERT", False), ("KEY", True)):
        file = tmp_path / word.lower()
        file.write_text(f"{HIDDEN}\n")
        file.chmod(0o600 if secret else 0o644)
        text = re.sub(rf"\b{word}\b", str(file), text)
    return text


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | bytes], Path]:
    """Writes the gateway's file."""

    def write(text: str | bytes) -> Path:
        file = tmp_path / "gateway.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


@pytest.fixture
def complaints(write: Callable[[str | bytes], Path]) -> Callable[[str | bytes], list[str]]:
    """All lines that a broken configuration is answered with, without the file's name.

    None holds the secret or a validator's words, and each names a line of the file.
    """

    def complaints(text: str | bytes) -> list[str]:
        file = write(text)
        with pytest.raises(Misconfigured) as caught:
            load(file)
        said = str(caught.value)
        assert HIDDEN not in said + caught.value.hint
        assert not JARGON.search(said), said
        last = len(file.read_bytes().splitlines()) or 1
        lines = [int(line) for line in re.findall(rf"(?m)^{re.escape(str(file))}:(\d+): ", said)]
        assert len(lines) == said.count("\n") + 1
        assert lines == sorted(lines)
        assert 1 <= lines[0] <= lines[-1] <= last
        assert caught.value.hint == f"edit {file}, then: fieldgate check {file}"
        return said.replace(f"{file}:", "").split("\n")

    return complaints
