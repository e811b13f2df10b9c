import os
from dataclasses import replace
from pathlib import Path

import pytest

from agent import paths
from agent.config.load import Configuration, load
from agent.contract import Misconfigured
from agent.plan import gateway_id, stated, stations

CONFIG = """\
gateway: {id: gw}
wires:
  a: {port: /dev/ttyUSB0, baud: 4800}
  b: {connect: "127.0.0.1:1502"}
  unused: {port: /dev/ttyUSB1}
devices:
  - {id: one, driver: modbus, profile: acme-tx2, wire: a}
  - {id: two, driver: modbus, profile: acme-tx2, wire: b}
  - {id: three, driver: simulated}
"""
PROFILE = """\
title: Acme TX2
source: Acme TX2 manual rev 3.1, table 7
points:
  air_temperature: {table: input, address: 1, type: int16, scale: 0.1, unit: Cel}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    profile = tmp_path / "share" / "configs" / "profiles" / "modbus" / "acme-tx2.yaml"
    profile.parent.mkdir(parents=True)
    profile.write_text(PROFILE)
    monkeypatch.setenv("FIELDGATE_SHARE", str(tmp_path / "share"))
    (tmp_path / "gateway.yaml").write_text(CONFIG)
    return load(tmp_path / "gateway.yaml")


def test_each_wire_in_use_and_each_loose_device_is_a_part(config: Configuration) -> None:
    plan = stations(config)
    assert [station.name for station in plan] == ["wire a", "wire b", "device three"]
    assert plan[0].wire is not None
    assert (plan[0].wire.port, plan[0].wire.line.baud) == ("/dev/ttyUSB0", 4800)
    assert plan[1].wire is not None
    assert (plan[1].wire.host, plan[1].wire.tcp_port, plan[1].wire.framing) == (
        "127.0.0.1",
        1502,
        "tcp",
    )


def test_the_same_configuration_is_the_same_plan(config: Configuration) -> None:
    assert stations(config) == stations(config)


def test_an_edited_profile_changes_the_plan_of_its_devices_only(config: Configuration) -> None:
    before = stations(config)
    file = paths.profile("modbus", "acme-tx2")
    os.utime(file, ns=(1, 1))
    after = stations(config)
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, False, True]


def test_a_gateway_without_an_id_gets_a_short_hash_of_its_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = tmp_path / "machine-id"
    machine.write_text("0123456789abcdef0123456789abcdef\n")
    monkeypatch.setattr("agent.plan.MACHINE_ID", machine)
    (tmp_path / "gateway.yaml").write_text("store: {max_size: 50MB}\n")
    settings = load(tmp_path / "gateway.yaml").settings
    assert gateway_id(settings) == gateway_id(settings)
    assert gateway_id(settings).startswith("gw-")
    assert "0123" not in gateway_id(settings)
    machine.unlink()
    with pytest.raises(Misconfigured, match="no id"):
        gateway_id(settings)


def test_edited_zones_change_the_plan_of_their_camera_only(
    config: Configuration, tmp_path: Path
) -> None:
    store = config.settings.store.model_copy(update={"path": tmp_path / "store"})
    config = replace(config, settings=config.settings.model_copy(update={"store": store}))
    before = stations(config)
    file = tmp_path / "store" / "zones" / "three.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("camera: three\n")
    after = stations(config)
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, True, False]
    assert stated(tmp_path / "gateway.yaml") == Path("/var/lib/fieldgate/state")
