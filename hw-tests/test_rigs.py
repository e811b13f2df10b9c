"""The descriptions of the rigs themselves."""

from pathlib import Path
from typing import get_args

import pytest
from rigging.inventory import RIGS, Capability, read

FILES = sorted(file.stem for file in RIGS.glob("*.yaml"))


@pytest.mark.parametrize("name", FILES)
def test_a_rig_has_every_capability_or_says_why_not(name: str) -> None:
    rig = read(name)
    assert set(rig.capabilities) | set(rig.lacks) == set(get_args(Capability))
    assert not set(rig.capabilities) & set(rig.lacks)


def test_what_a_rig_lacks_is_told_with_the_reason() -> None:
    assert read("pty").missing(("modbus", "ble")) == "pty has no ble: no radio; use RIG=vm"


def test_a_wire_on_a_port_that_is_not_there_is_refused(tmp_path: Path) -> None:
    text = (RIGS / "pty.yaml").read_text(encoding="utf-8")
    broken = tmp_path / "broken.yaml"
    broken.write_text(text.replace("port: rs485-a", "port: rs485-z"), encoding="utf-8")
    with pytest.raises(ValueError, match="rs485-z"):
        read(str(broken))
