"""Why a port cannot be used, and who has it."""

import errno
from pathlib import Path

import pytest

from agent.contract import LinkLost
from agent.doctor.port import holders, trouble_of
from agent.wires.troubles import peer_waits, port_gone, port_trouble


@pytest.mark.parametrize(
    ("number", "trouble"),
    [(errno.ENOENT, "missing"), (errno.EAGAIN, "held"), (errno.EBUSY, "held"),
     (errno.EACCES, "denied"), (errno.EINVAL, "broken")],
)  # fmt: skip
def test_what_the_kernel_says_is_sorted(number: int, trouble: str) -> None:
    error = port_trouble("/dev/ttyUSB7", OSError(number, "x"))
    assert isinstance(error, LinkLost)
    assert trouble_of(error) == trouble


def test_an_unplugged_port_and_a_silent_peer() -> None:
    assert trouble_of(port_gone("/dev/ttyUSB7")) == "missing"
    assert trouble_of(peer_waits("10.0.0.5", 502, 1.0)) == "peer"


def test_who_has_the_port_open_is_named(tmp_path: Path) -> None:
    port = tmp_path / "ttyUSB7"
    port.touch()
    fds = tmp_path / "proc" / "99999999" / "fd"
    fds.mkdir(parents=True)
    (fds / "3").symlink_to(port)
    (fds.parent / "comm").write_text("minicom\n")
    (tmp_path / "proc" / "88888888").mkdir()
    link = tmp_path / "by-id"
    link.symlink_to(port)
    assert holders(str(link), tmp_path / "proc") == ("minicom (99999999)",)


def test_a_simulated_port_has_no_other_holder() -> None:
    assert holders("/dev/pts/0") == ()
