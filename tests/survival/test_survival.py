"""What no power cut, no dead broker and no cloned card may break, with real processes.

`make proof` runs the long version (FIELDGATE_PROOF=full); here it is short.
"""

import asyncio
import random

import pytest

from tests.support_survival import FULL, Agent, Site

CLEAN = {"lost": 0, "conflicts": 0, "disorder": 0}


@pytest.mark.timeout(300)
async def test_a_killed_broker_costs_nothing(site: Site) -> None:
    agent = site.make("a")
    await agent.start()
    await agent.ready()
    await asyncio.sleep(3)
    await site.broker.kill()
    await asyncio.sleep(60 if FULL else 4)
    await site.broker.start()
    await site.cloud.listening.wait()
    await asyncio.sleep(3)
    await site.settle(agent)
    await agent.process.stop()
    site.expect(agent)
    assert site.verdict() == CLEAN
    assert site.cloud.received > 500


@pytest.mark.timeout(900)
async def test_a_killed_agent_loses_nothing_that_was_committed(
    site: Site, chance: random.Random
) -> None:
    """Killed online, offline, and twice in a row with no broker at all."""
    agent = site.make("a")
    for number in range(36 if FULL else 6):
        if number % 6 == 3:
            await site.broker.kill()
        if number % 6 == 5:
            await site.broker.start()
            await site.cloud.listening.wait()
        await agent.start()
        await asyncio.sleep(chance.uniform(0.3, 3.0))
        await agent.kill()
    await agent.start()
    await agent.ready()
    await asyncio.sleep(2)
    await site.settle(agent)
    await agent.process.stop()
    site.expect(agent)
    assert site.verdict() == CLEAN
    assert site.cloud.receiver.clones("demo") == {}


async def _live_for(agent: Agent, seconds: float) -> None:
    await agent.start()
    await agent.ready()
    await asyncio.sleep(seconds)
    await agent.process.stop()


@pytest.mark.timeout(300)
async def test_a_cloned_card_is_recognised_and_mixes_nothing_up(site: Site) -> None:
    """The same store, carried to a second gateway of the same name, runs twice at once."""
    original, clone = site.make("a"), site.make("b")
    await _live_for(original, 2)
    original.store_into(clone)
    for agent in (original, clone):
        await agent.start()
        await agent.ready()
    await asyncio.sleep(2)
    await site.settle(original, clone)
    for agent in (original, clone):
        await agent.process.stop()
        site.expect(agent)
    assert site.verdict() == CLEAN
    assert list(site.cloud.receiver.clones("demo").values()) != []


@pytest.mark.timeout(300)
async def test_a_restored_card_gives_no_number_twice(site: Site) -> None:
    agent, backup = site.make("a"), site.make("b")
    await _live_for(agent, 2)
    agent.store_into(backup)
    await _live_for(agent, 2)
    site.expect(agent)
    backup.store_into(agent)
    await _live_for(agent, 2)
    site.expect(agent)
    assert site.verdict() == CLEAN
    assert list(site.cloud.receiver.clones("demo").values()) != []
