"""What speaks unasked on a line is recognised by the frames of the profiles."""

from pathlib import Path
from random import Random

from agent import paths
from agent.contract import Find, Line, Parity, Search, Step
from agent.status import Board
from agent.wires import Wires, WireSpec
from agent.wires.stage import PtyStage
from drivers.serial_line import DRIVER
from drivers.serial_line.profile import Profile, load_profile
from drivers.serial_line.survey import finds, lines, recognised

FOLDER = paths.share() / "configs" / "profiles" / "serial_line"
PROFILES = {file.stem: load_profile(file) for file in sorted(FOLDER.glob("*.yaml"))}
MH_Z19 = bytes.fromhex("FF86026047000000D1")  # manual, table "read gas"
UPLINK = b"UP,0004A30B001A2B3C,1,01,-97,7.5\n"


def named(data: bytes) -> list[str]:
    return [match.profile for match in recognised(data, PROFILES)[0]]


def test_frames_are_recognised_and_counted_also_amid_noise() -> None:
    assert named(MH_Z19 * 3)[0] == "winsen-mh-z19"
    assert recognised(MH_Z19 * 3, PROFILES)[1] == 3
    assert "bosch-tps110" in named(b"\x00\xfe" + UPLINK + UPLINK)


def test_noise_is_nobody() -> None:
    for seed in range(8):
        assert named(Random(seed).randbytes(300)) == []
    assert named(b"") == []


def test_what_was_not_understood_is_told_by_its_length() -> None:
    (find,) = finds({Line(2400): b"\x01", Line(): b"\x01\x02\x03"}, PROFILES, 1.0)
    assert (find.line, find.remarks[0].code) == (Line(), "foreign")
    assert find.remarks[0].facts == {"count": 3}
    assert finds({Line(): b""}, PROFILES, 1.0) == []


def test_the_settings_of_devices_that_speak_unasked_come_first() -> None:
    asked = PROFILES["cjt188-water-1f90"]
    told = PROFILES["bosch-tps110"]
    both: dict[str, Profile] = {"a": asked, "b": told}
    assert lines(both, Search([])) == [told.line.line, asked.line.line]
    parity: Parity = "odd"
    assert lines(both, Search([], line=Line(1200, parity))) == [Line(1200, parity)]
    assert lines(both, Search([], speeds=[2400])) == [asked.line.line]


class Talking:
    def hear(self, data: bytes) -> list[bytes]:
        return []

    def speak(self) -> tuple[list[bytes], float]:
        return [UPLINK], 0.2


async def test_a_survey_says_nothing_and_tells_what_it_heard(tmp_path: Path) -> None:
    assert DRIVER.scan is not None
    link, talking, said = tmp_path / "port", Talking(), bytearray()
    stage = PtyStage(link, [talking], lines={talking: Line()})
    async with stage, Wires([WireSpec("p", port=str(link))], Board()) as wires:
        wires.taps("p").add(lambda way, data: said.extend(data if way == "tx" else b""))
        news = [one async for one in DRIVER.scan(wires.wire("p"), Search([FOLDER], budget=3.0))]
    (find,) = [one for one in news if isinstance(one, Find)]
    assert find.line == Line()
    assert "bosch-tps110" in [match.profile for match in find.matches]
    steps = [one for one in news if isinstance(one, Step)]
    assert steps[0].bus < steps[-1].bus <= 3.0
    assert not said


async def test_a_broken_profile_is_told_of(tmp_path: Path) -> None:
    assert DRIVER.scan is not None
    (tmp_path / "mine.yaml").write_text("title: 1\n")
    async with Wires([WireSpec("p", port="/none")], Board()) as wires:
        news = [one async for one in DRIVER.scan(wires.wire("p"), Search([tmp_path]))]
    (find,) = [one for one in news if isinstance(one, Find)]
    assert find.remarks[0].facts == {"file": str(tmp_path / "mine.yaml")}
