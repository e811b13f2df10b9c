"""What a driver's command is lent."""

from pathlib import Path

import pytest

from agent.cli.tools import CommandTools
from agent.contract import LinkLost, Misconfigured
from agent.host import DeviceState

CONFIG = """
gateway: {id: g}
store: {path: %s}
control: {socket: %s}
devices: [{id: tank, driver: simulated, every: 5s}]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "gateway.yaml"
    file.write_text(CONFIG % (tmp_path / "store", tmp_path / "socket"), encoding="utf-8")
    return file


def test_the_store_is_that_of_the_configuration(config: Path, tmp_path: Path) -> None:
    tools = CommandTools()
    assert tools.store(config) == tmp_path / "store"
    for text in ("", "store: 3", "store: {", "devices: []"):
        config.write_text(text)
        assert tools.store(config) == Path("/var/lib/fieldgate")
    assert tools.store(tmp_path / "absent.yaml") == Path("/var/lib/fieldgate")


def test_the_memory_of_devices_may_be_read(tmp_path: Path) -> None:
    state = DeviceState(tmp_path / "state" / "gate-1.json")
    state["shadow"] = "7"
    state.save()
    (tmp_path / "state" / "broken.json").write_text("{")
    known = CommandTools().memories(tmp_path)
    assert {device: dict(memory) for device, memory in known.items()} == {
        "gate-1": {"shadow": "7"},
        "broken": {},
    }
    assert CommandTools().memories(tmp_path / "absent") == {}


def test_a_device_is_lent_with_a_memory_that_is_not_kept(config: Path, tmp_path: Path) -> None:
    with CommandTools().device("tank", config) as (device, host):
        assert device.driver == "simulated"
        host.state["touched"] = "yes"
    assert not (tmp_path / "store").exists()
    with pytest.raises(Misconfigured, match="no device is called 'well'"):
        CommandTools().device("well", config).__enter__()


def test_without_a_service_nobody_answers(config: Path) -> None:
    with pytest.raises(LinkLost) as lost:
        CommandTools().ask({"do": "snapshot"}, config)
    assert lost.value.reason == "no_service"
