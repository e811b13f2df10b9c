"""Faults of a simulated wire, and of one device on it."""

from random import Random

from agent.contract import Said
from agent.wires.faults import Faults

FRAME = bytes.fromhex("01 04 02 01 31 79 74")


def test_a_swap_is_always_damage_and_keeps_the_bytes() -> None:
    faults = Faults(swap=1.0, random=Random(1))
    for _ in range(50):
        damaged = faults.damage(FRAME)
        assert damaged != FRAME
        assert sorted(damaged) == sorted(FRAME)
    assert faults.damage(b"\x55\x55\x55") == b"\x55\x55\x55", "nothing to tell apart"


def test_a_device_has_faults_of_its_own_beside_those_of_its_wire() -> None:
    faults = Faults(delay=0.5, noise=2, random=Random(1))
    faults.devices["two"] = Faults(dead=True, delay=1.0, noise=3, random=Random(2))
    one, two = (Said.by(name, FRAME) for name in ("one", "two"))
    assert not faults.silences(one)
    assert faults.silences(two)
    assert (faults.wait(one), faults.wait(two)) == (0.5, 1.5)
    assert [len(faults.damage(said)) - len(FRAME) for said in (one, two)] == [2, 5]


def test_an_answer_of_nobody_in_particular_has_the_faults_of_the_wire() -> None:
    faults = Faults(devices={"two": Faults(dead=True)})
    assert not faults.silences(FRAME)
    assert faults.damage(FRAME) == FRAME


def test_bytes_keep_whose_they_are() -> None:
    said = Said.by("two", FRAME)
    assert (said, said.device) == (FRAME, "two")
