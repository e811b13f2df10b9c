"""SIGKILL at any moment: what was called safe is there, and no number has two contents."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent.contract import STREAMS, TELEMETRY
from tests.support_buffer import Site, contents, drain

KILLS = 30

SERVICE = """
import asyncio, json, sys
from pathlib import Path
from agent.buffer import Limits, open_buffer
from agent.clock import Clock
from agent.contract import EVENTS, TELEMETRY, Event, Lane, Reading
from agent.status import Board

def say(**what):
    sys.stdout.write(json.dumps(what) + "\\n")
    sys.stdout.flush()

async def main(folder, token):
    clock, board = Clock(), Board()
    limits = Limits(commit_every=0.005, commit_records=20, flushes=1000)
    async with open_buffer(folder, limits, ["cloud"], clock, board) as buffer:
        outbox = buffer.outbox("cloud")
        await outbox.begin()
        say(epoch=buffer.epoch)
        while True:
            group = [Reading("d", "p", token + n, "", clock.now()) for n in range(7)]
            await buffer.put([*group, Event("e", str(token + 7), clock.now(), {})])
            if token % 3 == 0:
                await buffer.flush()
                say(safe={s: board.stream(s).head for s in (TELEMETRY, EVENTS)})
            if pack := await outbox.owed(TELEMETRY, Lane.LIVE, 9):
                say(sent=[[pack.epoch, n, v] for n, v in
                          zip(pack.members, [v for c in pack.columns for v in c.values])])
                await outbox.settle(pack)
            token += 8
asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


def run_and_kill(folder: Path, token: int, dice: random.Random) -> Iterator[dict[str, Any]]:
    """What the service said before it was killed: at work, or at any moment of its start."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVICE, str(folder), str(token)], stdout=subprocess.PIPE, text=True
    ) as service:
        assert service.stdout is not None
        if dice.random() < 0.7:
            yield json.loads(service.stdout.readline())
        time.sleep(dice.uniform(0, 0.25))
        service.kill()
        for line in service.stdout:
            if line.endswith("\n"):
                yield json.loads(line)


class Witness:
    """Remembers what each run claimed."""

    def __init__(self) -> None:
        self.safe: dict[tuple[str, str], int] = {}  # stream, epoch -> head
        self.sent: dict[tuple[str, str, int], object] = {}

    def hear(self, words: Iterator[dict[str, Any]]) -> None:
        epoch = ""
        for word in words:
            epoch = word.get("epoch", epoch)
            self.safe |= {(stream, epoch): head for stream, head in word.get("safe", {}).items()}
            for of, number, value in word.get("sent", []):
                assert self.sent.setdefault((TELEMETRY, of, number), value) == value


async def test_nothing_that_was_called_safe_is_lost_and_no_number_has_two_contents(
    site: Site,
) -> None:
    dice, witness = random.Random(3), Witness()
    for turn in range(KILLS):
        witness.hear(run_and_kill(site.folder, turn * 1_000_000, dice))
    assert len({epoch for _, epoch in witness.safe}) > KILLS // 3
    async with site.open() as buffer:
        outbox = buffer.outbox("cloud")
        await outbox.begin()
        assert buffer.law("cloud")[TELEMETRY].settled > 0
        packs = [p for stream in STREAMS for p in await drain(outbox, stream, limit=5000)]
        assert not any(pack.skip for pack in packs)
        assert all(law.holds and not law.owed for law in buffer.law("cloud").values())
    there = contents(packs)
    for (stream, epoch), head in witness.safe.items():
        numbers = {(stream, epoch, number) for number in range(1, head + 1)}
        assert not numbers - there.keys() - witness.sent.keys()
    assert all(there.get(key, value) == value for key, value in witness.sent.items())
