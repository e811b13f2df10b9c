"""A copied store started twice, an old one put back: two gateways never contradict each other,
and a receiver can tell."""

import shutil
from collections.abc import Iterator

from agent.buffer import Buffer
from agent.contract import STREAMS, TELEMETRY, Lane, Pack
from agent.uplink.formats.arrival import Arrival, Occurrence, Sample
from agent.uplink.receiver import Receiver
from tests.support_buffer import Site


def arrival(pack: Pack) -> Arrival:
    """As if it had travelled."""
    return Arrival(
        gateway="g",
        epoch=pack.epoch,
        stream=pack.stream,
        first=pack.first,
        last=pack.last,
        skip=pack.skip,
        again=pack.again,
        previous=pack.previous,
        samples=tuple(_samples(pack)),
        occurrences=tuple(
            Occurrence(h.event.kind, h.event.subject, h.event.data, h.time) for h in pack.happenings
        ),
    )


def _samples(pack: Pack) -> Iterator[Sample]:
    for columns in pack.columns:
        for index, time, value in zip(columns.index, columns.times, columns.values, strict=True):
            yield Sample(*columns.series[index][:2], value, columns.series[index][2], time)


async def send(buffer: Buffer, receiver: Receiver, most: int = 1 << 30) -> None:
    """At most so many packs a lane reach the receiver and are acknowledged."""
    outbox = buffer.outbox("cloud")
    for stream in STREAMS:
        for lane in Lane:
            for _ in range(most):
                pack = await outbox.owed(stream, lane, 10)
                if pack is None:
                    break
                receiver.take(arrival(pack), lane, 0)
                await outbox.settle(pack)


async def work(buffer: Buffer, site: Site, receiver: Receiver, start: int) -> None:
    """Fifty readings, of which ten go live and most are still owed at the end."""
    await buffer.outbox("cloud").begin()
    await buffer.put([*site.readings(25, start=start), site.event(start)])
    await buffer.flush()
    await send(buffer, receiver, 1)
    await buffer.put(site.readings(25, start=start + 25))
    await buffer.flush()


async def test_a_copied_store_started_twice_never_gives_one_number_two_contents(site: Site) -> None:
    receiver = Receiver("cloud")
    async with site.open() as buffer:
        await work(buffer, site, receiver, 0)
    twin = Site(site.folder.with_name("twin"))
    shutil.copytree(site.folder, twin.folder)
    async with site.open() as one, twin.open() as other:
        await work(one, site, receiver, 1000)
        await work(other, twin, receiver, 2000)
        await send(one, receiver)
        await send(other, receiver)
    report = receiver.report()
    assert (report["conflicts"], report["lost"], report["disorder"]) == (0, 0, 0)
    assert report["duplicates"] > 0, "both owed what the first run had left"
    (named,) = receiver.clones("g").values()
    assert len(named) == 2


async def test_an_old_store_put_back_contradicts_nothing_and_is_noticed(site: Site) -> None:
    receiver = Receiver("cloud")
    async with site.open() as buffer:
        await work(buffer, site, receiver, 0)
    backup = site.folder.with_name("backup")
    shutil.copytree(site.folder, backup)
    async with site.open() as buffer:
        await work(buffer, site, receiver, 1000)
        lost_with_the_store = buffer.epoch
    shutil.rmtree(site.folder)
    shutil.copytree(backup, site.folder)
    async with site.open() as buffer:
        await work(buffer, site, receiver, 2000)
        await send(buffer, receiver)
    report = receiver.report()
    assert (report["conflicts"], report["disorder"]) == (0, 0)
    assert len(receiver.clones("g")) == 1
    assert {epoch for epoch, _ in receiver.missing("g")} <= {lost_with_the_store}
    assert receiver.ledger("g", lost_with_the_store, TELEMETRY).received
