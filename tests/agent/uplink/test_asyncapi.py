"""docs/asyncapi.yaml against what is really published through a real broker."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from agent.buffer import retention, store
from agent.contract import EVENTS, MEDIA, Device, Happening, Lane, Pack, PointInfo, Skip
from agent.uplink import blame
from agent.uplink.catalogue import Catalogue, Described
from agent.uplink.formats.units import shipped
from tests.support_uplink import (
    GATEWAY,
    Broker,
    Cloud,
    MemoryOutbox,
    catalogue,
    columns,
    eventually,
    running,
    uplink_settings,
)

DOCS = Path(__file__).parents[3] / "docs"
API = yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))


class Varied(MemoryOutbox):
    """Makes packs that use every field there is."""

    def _pack(self, stream: str, lane: Lane, taken: Any) -> Pack:
        pack = super()._pack(stream, lane, taken)
        if stream == MEDIA and pack.first == 3:
            return replace(pack, skip=(Skip(3, 3, "evicted"),), happenings=())
        if stream == MEDIA:
            return replace(pack, again=True, happenings=_estimated(pack.happenings))
        if pack.count < 6:
            return pack
        last = Skip(pack.last, pack.last, "filtered")
        if stream == EVENTS:
            happenings = _estimated(pack.happenings[:-1])
            return replace(pack, skip=(last,), again=True, happenings=happenings)
        body = columns(pack.count - 1, pack.first)
        values = [1.5, True, "dry", None, 7.25, *body.values[5:]]
        flags = {0: "uncertain:range", 3: "bad:timeout"}
        varied = replace(body, values=values, flags=flags, estimated=True)
        return replace(pack, skip=(last,), again=True, columns=(varied,))


def _estimated(happenings: Sequence[Happening]) -> tuple[Happening, ...]:
    return tuple(replace(happening, estimated=True) for happening in happenings)


def described(parts: int) -> Catalogue:
    points = [
        PointInfo(f"soil_moisture_{n}", "%", "土壤", range=(0, 100), writable=True)
        for n in range(300 * parts)
    ]
    device = Device("soil-1", "modbus", 10.0, name="土壤", place="棚 3")
    return Catalogue.of(GATEWAY, [Described(device, points, "acme", "0123")], shipped())


@pytest.fixture
async def published(
    make_broker: Callable[..., Broker], listen: Callable[..., Cloud]
) -> list[tuple[str, bytes]]:
    """(topic below the root, body) of everything that an eventful life brings."""
    broker = make_broker()
    cloud = listen(broker.port)
    outbox = Varied()
    outbox.add(300)
    outbox.add(10, EVENTS)
    outbox.add(3, MEDIA)
    described_here = [catalogue(), described(4)]
    async with running(uplink_settings(broker.url), outbox, described=described_here) as uplink:
        await eventually(lambda: not outbox.owed_now() and not outbox.owed_now(EVENTS))
        outbox.add(20)
        outbox.add(10, EVENTS)
        outbox.add(1, MEDIA)
        uplink.board.device("soil-1").state = "down"
        await eventually(lambda: not outbox.owed_now() and not outbox.owed_now(EVENTS))
        await eventually(lambda: not outbox.owed_now(MEDIA))
        await eventually(lambda: cloud.bodies("/describe/2"))
        await eventually(lambda: cloud.documents("/status")[-1]["devices"]["total"])
    await eventually(lambda: cloud.documents("/status")[-1]["state"] == "offline")
    root = f"fieldgate/{GATEWAY.id}/"
    return [(topic.removeprefix(root), body) for topic, body, _ in cloud.messages]


def channel_of(topic: str) -> str:
    if topic.startswith("describe/"):
        topic = "describe/{part}"
    (name,) = [n for n, c in API["channels"].items() if c["address"] == f"{{root}}/{topic}"]
    return str(name)


def schema_of(channel: str) -> dict[str, Any]:
    (message,) = API["channels"][channel]["messages"].values()
    payload = resolve(resolve(message)["payload"])
    return {**payload, "components": API["components"]}


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    """Follows a $ref; fails where it leads nowhere."""
    while "$ref" in node:
        target: Any = API
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


async def test_all_that_is_published_is_documented_and_nothing_else(
    published: list[tuple[str, bytes]],
) -> None:
    seen: dict[str, set[str]] = {}
    for topic, body in published:
        channel = channel_of(topic)
        content = json.loads(body)
        Draft7Validator(schema_of(channel)).validate(content)
        seen.setdefault(channel, set()).update(fields(content))
    assert seen.keys() == API["channels"].keys()
    for kind, channels in {
        "record": ("telemetry", "backlogTelemetry"),
        "event": ("events", "backlogEvents"),
        "picture": ("media", "backlogMedia"),
        "status": ("status",),
        "catalogue": ("describe",),
        "part": ("describePart",),
        "manifest": ("manifest",),
    }.items():
        documented = set(API["components"]["schemas"][kind]["properties"])
        assert documented == set().union(*(seen[c] for c in channels)), kind


def fields(content: Any) -> Iterator[str]:
    for record in content if isinstance(content, list) else [content]:
        yield from record


@pytest.mark.parametrize("name", sorted(API["components"]["schemas"]))
def test_schemas_are_schemas(name: str) -> None:
    Draft7Validator.check_schema(API["components"]["schemas"][name])


def test_every_operation_sends_on_a_channel_of_its_own() -> None:
    channels = [operation["channel"]["$ref"] for operation in API["operations"].values()]
    assert sorted(channels) == sorted(f"#/channels/{name}" for name in API["channels"])
    for operation in API["operations"].values():
        assert operation["action"] == "send"
        resolve(operation["channel"])


def test_every_topic_stands_in_the_page_for_people() -> None:
    page = (DOCS / "wire.md").read_text(encoding="utf-8")
    for channel in API["channels"].values():
        address = channel["address"].replace("{part}", "1")
        assert f"`{address}`" in page


def test_the_examples_in_the_page_for_people_are_valid() -> None:
    page = (DOCS / "wire.md").read_text(encoding="utf-8")
    examples = [part.split("```")[0] for part in page.split("```json\n")[1:]]
    channels = ["telemetry", "events", "status", "describe", "manifest"]
    for channel, example in zip(channels, examples, strict=True):
        Draft7Validator(schema_of(channel)).validate(json.loads(example))


def test_every_kind_of_event_and_reason_of_a_gap_stands_in_the_page_for_people() -> None:
    page = (DOCS / "wire.md").read_text(encoding="utf-8")
    source = "\n".join(
        file.read_text(encoding="utf-8") for file in (DOCS.parent / "agent").rglob("*.py")
    )
    kinds = re.findall(r'(?:Event\(|_gone\(|_tell\(gateway, )"([a-z_.]+)"', source)
    assert {"gap", "device.lost", "device.back", "gateway.started"} <= set(kinds)
    reasons = {*blame.REASONS.values(), store.DISK_FULL, retention.EVICTED, retention.EXPIRED}
    assert [word for word in (*kinds, *reasons) if f"`{word}`" not in page] == []
