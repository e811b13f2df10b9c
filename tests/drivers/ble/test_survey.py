"""`fieldgate scan ble` over a real D-Bus."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import yaml

from agent.cli.main import main
from agent.config.load import examine
from agent.paths import profiles
from drivers.ble import payloads, survey
from drivers.ble.packet import Packet, uuid
from tests.support_bluez import Bluez

A, B, C, D = (f"A4:C1:38:00:00:0{n}" for n in range(1, 5))
KEY = bytes.fromhex("231d39c1d7cc1ab1aee224cd096db932")
FCD2, ATC = uuid("fcd2"), uuid("181a")


@pytest.fixture
async def place(bluez: Bluez) -> AsyncIterator[Bluez]:
    """A sensor in the clear, one that encrypts, one with a profile, and a telephone."""

    async def air() -> None:
        count = 0
        while True:
            count += 1
            th = {"temperature": 20.5, "humidity": 40.0}
            for address, name, data in (
                (A, "bed", {FCD2: payloads.bthome(th, count)}),
                (B, "", {FCD2: payloads.bthome_encrypted(th, KEY, B, count)}),
                (C, "ATC_0003", {ATC: payloads.pvvx(C, count, 21.5, 40, 3, 80)}),
            ):
                bluez.advertise(bluez.device(address, name), data, rssi=-50)
            bluez.advertise(bluez.device(D), manufacturers={0x4C: bytes(8)}, rssi=-40)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(air())
    yield bluez
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def command(place: Bluez, capsys: pytest.CaptureFixture[str]) -> Callable[..., Awaitable[Any]]:
    async def run(*words: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(main, ["scan", "ble", "--seconds", "0.4", *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


async def test_tells_who_is_there_and_what_they_say(command: Any) -> None:
    code, told, _ = await command()
    assert code == 0
    assert f"{A}   -50 dBm  bthome        bed  air_temperature 20.5, air_humidity 40.0" in told
    assert f"{B}   -50 dBm  bthome" in told
    assert "encrypted, needs its key" in told
    assert f"{C}   -50 dBm  pvvx-atc" in told
    assert f"{D}   -40 dBm  -" in told
    assert "3 devices that can be decoded, 1 others" in told


async def test_what_it_prints_is_a_configuration(command: Any, tmp_path: Any) -> None:
    _, told, _ = await command()
    pasted = told[told.index("devices:") :]
    devices = {one["address"]: one for one in yaml.safe_load(pasted)["devices"]}
    assert set(devices) == {A, B, C}
    key = tmp_path / "key"
    key.write_text(KEY.hex())
    file = tmp_path / "gateway.yaml"
    pasted = pasted.replace(devices[B]["key_file"], str(key))
    file.write_text(f"gateway: {{id: g}}\nstore: {{path: {tmp_path}/s}}\n{pasted}")
    configuration, mistakes = examine(file)
    assert mistakes == ()
    assert configuration is not None


async def test_as_data(command: Any) -> None:
    code, told, _ = await command("--json")
    assert code == 0
    found = {one["address"]: one for one in json.loads(told)}
    assert found[A]["values"] == {"air_temperature": 20.5, "air_humidity": 40.0}
    assert (found[A]["family"], found[C]["profile"]) == ("bthome", "pvvx-atc")
    assert found[B]["needs_key"]
    assert not found[C]["needs_key"]
    assert found[D]["family"] is None
    assert found[A]["packets"] > 2


async def test_a_radio_that_is_not_there_is_told_with_what_to_do(
    command: Any, place: Bluez
) -> None:
    place.unplug()
    code, _, told = await command()
    assert code == 75
    assert "the radio hci0 is not there" in told
    assert "next: plug it in" in told


def test_a_survey_keeps_a_bounded_number_of_strangers() -> None:
    one = survey.Survey({})
    for number in range(survey.MOST + 5):
        one.hear(Packet(f"{number:012X}", -60, manufacturers={0x4C: bytes(4)}))
    assert len(one.found) == survey.MOST
    assert one.overflow == 5


def test_profiles_of_a_site_come_before_those_shipped(tmp_path: Any) -> None:
    own = tmp_path / "ble" / "pvvx-atc.yaml"
    own.parent.mkdir()
    own.write_text("")
    assert own in profiles("ble", (tmp_path,))
    assert [file.stem for file in profiles("ble", (tmp_path,))].count("pvvx-atc") == 1
