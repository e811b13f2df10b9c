"""The catalogue: named by its content, split below a broker's packet limit."""

import json
from dataclasses import replace

import pytest

from agent.contract import Device, PointInfo
from agent.uplink.catalogue import Catalogue, Described, assemble
from agent.uplink.formats.units import shipped
from tests.support_uplink import GATEWAY, catalogue


def test_a_device_is_described_with_its_points_and_profile() -> None:
    device = Device("sdm-1", "modbus", 5.0, name="电表", place="配电房", options={"unit": 3})
    points = [
        PointInfo("energy_import", "kW.h", "正向有功电能", kind="counter"),
        PointInfo("relay_state", "1", kind="state", writable=True, range=(0, 1)),
    ]
    described = Catalogue.of(GATEWAY, [Described(device, points, "sdm630", "abcd")], shipped())
    (body,) = described.documents(100_000).values()
    document = json.loads(body)
    assert document["cat"] == described.hash
    assert document["name"] == "一号网关"
    assert document["devices"] == [
        {
            "id": "sdm-1",
            "driver": "modbus",
            "every": 5.0,
            "name": "电表",
            "place": "配电房",
            "profile": "sdm630",
            "profile_hash": "abcd",
            "points": [
                {
                    "id": "energy_import",
                    "unit": "kW.h",
                    "kind": "counter",
                    "senml": "J",
                    "factor": 3600000,
                    "offset": 0.0,
                    "name": "正向有功电能",
                },
                {
                    "id": "relay_state",
                    "unit": "1",
                    "kind": "state",
                    "senml": "/",
                    "range": [0, 1],
                    "writable": True,
                },
            ],
        }
    ]


def test_the_hash_is_of_the_content_alone() -> None:
    assert catalogue().hash == catalogue().hash
    assert catalogue(devices=2).hash != catalogue().hash
    renamed = replace(catalogue(), name="二号网关")
    assert renamed.hash != catalogue().hash
    assert len(catalogue().hash) == 16


@pytest.mark.parametrize("limit", [900, 2_000, 10_000])
def test_parts_fit_and_make_up_the_whole_again(limit: int) -> None:
    whole = catalogue(devices=12, points=30)
    documents = whole.documents(limit)
    assert max(map(len, documents.values())) <= limit
    assert len(documents) > 2
    assert set(documents) == {"", *(f"/{n}" for n in range(1, len(documents)))}
    assert assemble(reversed(list(documents.values()))) == whole


def test_a_missing_part_is_no_catalogue_and_an_old_one_does_not_count() -> None:
    whole, old = catalogue(devices=12, points=30), catalogue(devices=13, points=30)
    documents, older = whole.documents(2_000), old.documents(2_000)
    without = [body for suffix, body in documents.items() if suffix != "/2"]
    assert assemble(without) is None
    assert assemble([*without, older["/2"]]) is None
    assert assemble([*documents.values(), older["/2"]]) == whole
    assert assemble([]) is None


def test_no_devices_are_a_catalogue_too() -> None:
    empty = Catalogue.of(GATEWAY, [], shipped())
    assert assemble(empty.documents(1000).values()) == empty
