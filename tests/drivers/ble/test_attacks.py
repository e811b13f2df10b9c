"""What somebody with a transmitter may try. None of it becomes a good reading.

Each attack comes over the air between two genuine packets of 20 and 21 degrees and says 66.6.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.contract import Quality
from drivers.ble import payloads
from drivers.ble.packet import uuid
from tests.support_bluez import Bluez

A, OTHER = "A4:C1:38:8D:18:B2", "A4:C1:38:00:00:01"
KEY, WRONG = bytes.fromhex("231d39c1d7cc1ab1aee224cd096db932"), bytes(16)
FCD2, FE95, RUUVI = uuid("fcd2"), uuid("fe95"), 0x0499
LIE = {"temperature": 66.6}

Packet = tuple[dict[str, bytes], dict[int, bytes]]


@dataclass(frozen=True)
class Attack:
    """`reason` is that of the event, "" for none; `sender` None is the device's own address."""

    name: str
    packets: Callable[[], list[Packet]]
    reason: str = ""
    family: str = "sealed"
    sender: str | None = None


def sealed(counter: int, values: Any = LIE, key: bytes = KEY, **more: Any) -> bytes:
    address = more.pop("address", A)
    return payloads.bthome_encrypted(values, key, address, counter, **more)


def service(data: bytes, name: str = FCD2) -> Packet:
    return {name: data}, {}


def company(data: bytes) -> Packet:
    return {}, {RUUVI: data}


def flipped(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def mi(counter: int, address: str = A) -> bytes:
    return payloads.mibeacon(address, counter, [(0x1004, (666).to_bytes(2, "little"))])


def plain(packet_id: int | None) -> bytes:
    return payloads.bthome(LIE, packet_id)


ATTACKS = [
    Attack("the last packet again", lambda: [service(sealed(100, {"temperature": 20.0}))] * 3),
    Attack("a recording from before", lambda: [service(sealed(50))], "replay"),
    Attack("a recorded minute", lambda: [service(sealed(n)) for n in range(40, 60)], "replay"),
    Attack("the counter from zero", lambda: [service(sealed(0))], "replay"),
    Attack("plain instead of encrypted", lambda: [service(plain(1))], "plain"),
    Attack("plain, on trigger", lambda: [service(payloads.bthome(LIE, trigger=True))], "plain"),
    Attack("another key", lambda: [service(sealed(150, key=WRONG))], "forged"),
    Attack("a changed value", lambda: [service(flipped(sealed(150), 2))], "forged"),
    Attack("a changed proof", lambda: [service(flipped(sealed(150), -1))], "forged"),
    Attack("a recording, counted up", lambda: [service(flipped(sealed(50), -6))], "forged"),
    Attack("the highest counter", lambda: [service(sealed(2**32 - 1, key=WRONG))], "forged"),
    Attack("a byte less", lambda: [service(sealed(150)[:-1])], "forged"),
    Attack("a byte more", lambda: [service(sealed(150) + b"\0")], "forged"),
    Attack("cut off", lambda: [service(sealed(150)[:8])], "truncated"),
    Attack("nothing", lambda: [service(b"")], "unreadable"),
    Attack("far too much", lambda: [service(sealed(150) + bytes(300))], "oversize"),
    Attack("garbage", lambda: [service(bytes(range(7, 30)))], "unreadable"),
    Attack("another version", lambda: [service(b"\x61" + sealed(150)[1:])], "unreadable"),
    Attack("sealed for another", lambda: [service(sealed(150, address=OTHER))], "forged"),
    Attack(
        "says it is another",
        lambda: [service(b"\x43" + bytes.fromhex("010000 38C1A4") + sealed(150)[1:])],
        "spoofed",
    ),
    Attack("another family", lambda: [service(mi(5), FE95)]),
    Attack("from another address", lambda: [service(sealed(150))], sender=OTHER),
    Attack("an older packet id", lambda: [service(plain(90))], "old", "plain"),
    Attack("the last packet id", lambda: [service(plain(100))], "", "plain"),
    Attack("plain, cut off", lambda: [service(plain(101)[:-1])], "truncated", "plain"),
    Attack("encrypted without a key here", lambda: [service(sealed(101))], "no_key", "plain"),
    Attack("mibeacon of another", lambda: [service(mi(101, OTHER), FE95)], "spoofed", "xiaomi"),
    Attack("mibeacon, cut off", lambda: [service(mi(101)[:-1], FE95)], "truncated", "xiaomi"),
    Attack("mibeacon, weak encryption",
           lambda: [service(flipped(flipped(mi(101), 0), 0)[:0] + b"\x58\x30" + mi(101)[2:], FE95)],
           "weak", "xiaomi"),
    Attack("ruuvi of another",
           lambda: [company(payloads.ruuvi5(OTHER, 101, temperature=66.6))], "spoofed", "ruuvi"),
    Attack("ruuvi, cut off",
           lambda: [company(payloads.ruuvi5(A, 101, temperature=66.6)[:-2])], "truncated", "ruuvi"),
    Attack("ruuvi from before",
           lambda: [company(payloads.ruuvi5(A, 60000, temperature=66.6))], "old", "ruuvi"),
]  # fmt: skip


def genuine(family: str, counter: int, temperature: float) -> Packet:
    if family == "sealed":
        return service(sealed(counter, {"temperature": temperature}))
    if family == "plain":
        return service(payloads.bthome({"temperature": temperature}, counter))
    if family == "xiaomi":
        raw = round(temperature * 10).to_bytes(2, "little")
        return service(payloads.mibeacon(A, counter, [(0x1004, raw)]), FE95)
    return company(payloads.ruuvi5(A, counter, temperature=temperature))


@pytest.fixture
def options(tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    file = tmp_path / "key"
    file.write_text(KEY.hex(), encoding="ascii")

    def of(family: str) -> dict[str, Any]:
        told: dict[str, Any] = {"address": A, "points": ["air_temperature"], "family": family}
        if family in {"sealed", "plain"}:
            told["family"] = "bthome"
        return told | ({"key_file": file} if family == "sealed" else {})

    return of


def names() -> Iterator[str]:
    yield from (attack.name for attack in ATTACKS)


def test_there_are_enough_attacks() -> None:
    assert len(set(names())) == len(ATTACKS) >= 20


@pytest.mark.parametrize("attack", ATTACKS, ids=names())
async def test_no_attack_becomes_a_good_reading(
    attack: Attack, bluez: Bluez, listening: Any, until: Any, options: Any
) -> None:
    sensor = bluez.device(A)
    sender = bluez.device(attack.sender or A)
    async with listening(every=0.0001, **options(attack.family)) as heard:
        await until(lambda: bluez.scans)
        bluez.advertise(sensor, *genuine(attack.family, 100, 20.0))
        await until(lambda: heard.values("air_temperature") == [20.0])
        for services, companies in attack.packets():
            assert bluez.advertise(sender, services, companies)
        bluez.advertise(sensor, *genuine(attack.family, 102, 21.0))
        await until(lambda: 21.0 in heard.values("air_temperature"))
    temperatures = heard.readings("air_temperature")
    assert [r.value for r in temperatures] == [20.0, 21.0]
    assert all(r.quality is Quality.GOOD for r in temperatures)
    expected = [("ble.refused", attack.reason)] if attack.reason else []
    assert heard.events() == expected


async def test_a_long_recording_of_an_old_battery_is_never_good(
    bluez: Bluez, listening: Any, until: Any, options: Any
) -> None:
    """More packets than make a series, beside the genuine one: told, and refused."""
    sensor = bluez.device(A)
    async with listening(every=0.0001, **options("sealed")) as heard:
        await until(lambda: bluez.scans)
        bluez.advertise(sensor, *genuine("sealed", 999, 20.0))
        await until(lambda: heard.values("air_temperature"))
        for number in range(8):
            bluez.advertise(sensor, *service(sealed(10 + number)))
            bluez.advertise(sensor, *genuine("sealed", 1000 + number, 20.0))
            await until(lambda n=number: len(heard.values("air_temperature")) > n + 1)
        await until(lambda: ("ble.two_transmitters", "double") in heard.events())
    readings = heard.readings("air_temperature")
    assert [(r.value, r.quality) for r in readings] == [(20.0, Quality.GOOD)] * 9
