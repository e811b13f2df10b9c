"""How a device with frames of its own is examined; every profile by its own simulator."""

from pathlib import Path

import pytest

from agent.clock import Clock
from agent.contract import Device, Sound
from agent.host import DeviceHost
from agent.status import Board
from agent.wires import Wires, WireSpec
from drivers.serial_line.probe import SerialLineProbe, probe
from drivers.serial_line.simulate import SerialLineSimulator, TalkingSimulator, simulate

FOLDER = Path(__file__).parents[3] / "configs" / "profiles" / "serial_line"


def examined(profile: str, **options: object) -> tuple[SerialLineProbe, SerialLineSimulator]:
    device = Device("x", "serial_line", 1.0, "bus", options={"profile": profile, **options})
    wire = Wires([WireSpec("bus", port="/dev/null")], Board()).wire("bus")
    host = DeviceHost(device, Clock(), wire)
    simulator = simulate([(device, host)], "rtu")
    assert isinstance(simulator, SerialLineSimulator)
    return probe(device, host), simulator


def test_the_answer_of_a_simulated_device_is_whole() -> None:
    sensor, simulator = examined("winsen-mh-z19")
    (question,) = sensor.questions
    answer = b"".join(simulator.hear(question))
    assert sensor.judge(question, answer).sound is Sound.ANSWER
    assert sensor.judge(question, question + answer).echo
    around = sensor.judge(question, b"\x00" + answer + b"\x00")
    assert (around.sound, around.before, around.after) == (Sound.ANSWER, 1, 1)
    assert sensor.judge(question, answer + answer).answers == 2
    assert sensor.frames(answer)


def test_what_is_no_answer_is_nothing_or_noise() -> None:
    sensor, simulator = examined("winsen-mh-z19")
    (question,) = sensor.questions
    bent = bytearray(b"".join(simulator.hear(question)))
    bent[-1] ^= 1
    assert sensor.judge(question, bytes(bent)).sound is Sound.NOISE
    assert sensor.judge(question, b"").sound is Sound.NOTHING
    assert sensor.judge(question, question).sound is Sound.NOTHING


@pytest.mark.parametrize("profile", ["cjt188-water-901f", "dooya-curtain", "winsen-mh-z19"])
def test_its_polls_are_answered(profile: str) -> None:
    sensor, simulator = examined(profile)
    assert sensor.questions
    for question in sensor.questions:
        answer = b"".join(simulator.hear(question))
        assert sensor.judge(question, answer).sound is Sound.ANSWER


def test_an_answer_of_several_detectors_is_whole() -> None:
    receiver, simulator = examined("deying-m77r", detectors=[1, 2])
    question = receiver.questions[0]
    assert receiver.judge(question, b"".join(simulator.hear(question))).sound is Sound.ANSWER


def test_a_device_that_speaks_by_itself_is_not_asked() -> None:
    receiver, simulator = examined("bosch-tps110", detectors={"p1": "70B3D5E75E001A2F"})
    assert not receiver.questions
    assert isinstance(simulator, TalkingSimulator)
    said = b"".join(simulator.speak()[0])
    assert receiver.judge(b"", said).sound is Sound.ANSWER
    assert receiver.judge(b"", b"\x00").sound is Sound.NOISE
