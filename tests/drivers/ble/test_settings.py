"""What a configuration may say, and what `fieldgate check` says of it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.clock import Clock
from agent.config.load import examine
from agent.contract import Device, Misconfigured
from agent.host import DeviceHost
from agent.plan import check_device
from drivers.ble.station import Station

A = "A4:C1:38:8D:18:B2"
KEY = "231d39c1d7cc1ab1aee224cd096db932"


def station(**options: Any) -> Station:
    device = Device("d", "ble", 10.0, options=options)
    return Station.of(device, DeviceHost(device, Clock()))


def mistakes(tmp_path: Path, device: str) -> str:
    file = tmp_path / "gateway.yaml"
    file.write_text(
        f"gateway: {{id: g}}\nstore: {{path: {tmp_path}/store}}\n"
        f"devices:\n  - {{id: d, driver: ble, {device}}}\n"
    )
    clock = Clock()
    _, found = examine(file, lambda spec, one: check_device(spec, one, clock))
    return "\n".join(map(str, found))


@pytest.mark.parametrize(
    ("device", "words"),
    [
        (f'address: "{A}", family: ruuvi', ""),
        ("address: A4C138, family: ruuvi", "write a Bluetooth address like"),
        (f'address: "{A}"', "give either `family:` or `profile:`"),
        (f'address: "{A}", family: ruvi', "no family is called 'ruvi'"),
        (f'address: "{A}", family: bthome', "write `points:`"),
        (f'address: "{A}", family: bthome, points: [soil]', "no value is called 'soil'"),
        (f'address: "{A}", family: bthome, points: {{soil_temperature: temperature}}', ""),
        (f'address: "{A}", family: govee, key_file: /x', "do not encrypt"),
        (f'address: "{A}", family: inkbird, active: false', "cannot be told apart passively"),
        (f'address: "{A}", family: ruuvi, adapter: usb0', "write the adapter's name like hci0"),
        (f'address: "{A}", profile: xiaomi-hhccjcy1', "did you mean 'xiaomi-hhccjcy01'?"),
        (f'address: "{A}", profile: xiaomi-hhccjcy01, key_file: /x', "does not encrypt"),
        (f'address: "{A}", profile: pvvx-atc, points: [soil_ph]', "has no point 'soil_ph'"),
        (f'address: "{A}", family: bthome, points: [co2], key_file: /no/key', "cannot be read"),
        (f'address: "{A}", family: bthome, points: [co2], key_file: key', "write the whole path"),
        (f'address: "{A}", family: ruuvi, quiet: 10', "write a duration with its unit"),
    ],
)
def test_a_mistake_is_told_in_words(tmp_path: Path, device: str, words: str) -> None:
    told = mistakes(tmp_path, device)
    assert words in told
    assert bool(told) == bool(words)


@pytest.mark.parametrize(
    "text", ["", "00", KEY[:-2], KEY + "00", "not hexadecimal at all, no!", KEY[:24]]
)
def test_a_key_has_32_hexadecimal_digits(tmp_path: Path, text: str) -> None:
    file = tmp_path / "key"
    file.write_text(text)
    with pytest.raises(Misconfigured, match="32 hexadecimal digits"):
        station(address=A, family="bthome", points=["co2"], key_file=file)


def test_the_key_is_in_no_error_and_in_no_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY[:-1])
    with pytest.raises(Misconfigured) as caught:
        station(address=A, family="bthome", points=["co2"], key_file=file)
    assert KEY[:8] not in str(caught.value) + caught.value.hint


def test_what_systemd_hands_over_may_be_missing_when_it_is_checked() -> None:
    file = Path("/run/credentials/fieldgate.service/bed")
    one = station(address=A, family="bthome", points=["co2"], key_file=file)
    assert one.key is None
    assert {info.auth for info in one.catalogue} == {"encrypted"}
    with pytest.raises(Misconfigured, match="is not there"):
        one.check_key()


def test_the_catalogue_says_how_values_prove_themselves(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY)
    plain = station(address=A, family="bthome", points=["co2"])
    keyed = station(address=A, family="bthome", points=["co2"], key_file=file)
    assert [(i.id, i.unit, i.auth) for i in plain.catalogue] == [
        ("co2", "[ppm]", "none"), ("rssi", "dB[mW]", "none"),
    ]  # fmt: skip
    assert {info.auth for info in keyed.catalogue} == {"encrypted"}


def test_counters_start_anew_with_another_battery_or_key(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY)
    options: dict[str, Any] = {"address": A, "family": "bthome", "points": ["co2"]}
    options["key_file"] = file
    first = station(**options).tag
    assert station(**options).tag == first
    assert station(**options, battery="2026-11").tag != first
    file.write_text(KEY[::-1])
    assert station(**options).tag != first


def test_a_profile_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    from pydantic import ValidationError

    from drivers.ble.profile import Profile

    frame = {"size": [1], "values": {"co2": {"at": 0, "type": "uint8"}}}
    base = {
        "title": "t", "family": "air", "source": ["a manual, page 3"], "confidence": "high",
        "points": {"co2": {"unit": "[ppm]"}},
    }  # fmt: skip
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"frames": {"a": frame}}, "or a step reads it"),
        ({"frames": {"a": frame | {"service": "18"}}}, "four hexadecimal digits"),
        ({"frames": {"a": frame}, "steps": [{"read": "2A19"}]}, "need `frame:`"),
        ({"frames": {"a": frame}, "steps": [{"write": "2A19"}]}, "go together"),
        ({"frames": {"a": frame}, "steps": [{"write": "2A19", "hex": "XY"}]}, "in hexadecimal"),
        ({"frames": {"a": frame}, "steps": [{"frame": "a"}]}, "has one of"),
        ({"frames": {"a": frame}, "steps": [{"read": "2A19", "frame": "b"}]}, "no step reads"),
    ]
    for change, words in wrong:
        with pytest.raises(ValidationError, match=words):
            Profile.model_validate(base | change)


def test_a_configuration_is_checked_without_the_bluetooth_libraries(tmp_path: Path) -> None:
    """They are hidden from a process of its own."""
    file = tmp_path / "gateway.yaml"
    file.write_text(
        f"gateway: {{id: g}}\nstore: {{path: {tmp_path}/store}}\ndevices:\n"
        f'  - {{id: a, driver: ble, address: "{A}", family: ruuvi}}\n'
        f'  - {{id: b, driver: ble, address: "{A}", profile: xiaomi-hhccjcy01}}\n'
        f'  - {{id: c, driver: ble, address: "{A}", profile: pvvx-atc}}\n'
    )
    hide = (
        "import sys\n"
        "for name in 'bleak dbus_fast cryptography bthome_ble ruuvitag_ble habluetooth'.split():\n"
        "    sys.modules[name] = None\n"
        "from agent.cli.main import main\n"
        f"sys.exit(main(['check', {str(file)!r}]))\n"
    )
    done = subprocess.run([sys.executable, "-c", hide], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "a: ble" in done.stdout


async def test_a_missing_library_parks_the_device_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, make: Any
) -> None:
    monkeypatch.setitem(sys.modules, "drivers.ble.hub", None)
    one = make(address=A, family="ruuvi")
    with pytest.raises(Misconfigured) as caught:
        await one.open()
    assert "fieldgate[ble]" in caught.value.hint


async def test_a_missing_library_of_one_family_parks_that_family_only(
    monkeypatch: pytest.MonkeyPatch, make: Any
) -> None:
    monkeypatch.setitem(sys.modules, "ruuvitag_ble.parser", None)
    one = make(address=A, family="ruuvi")
    with pytest.raises(Misconfigured, match="ruuvitag_ble"):
        await one.open()
