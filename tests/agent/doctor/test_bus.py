"""The doctor on real pseudo-terminals, each wire with one thing wrong, drawn at random.

A sample of `benchmarks/doctor.py`, which runs twenty of each.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from agent.contract import Simulator
from agent.doctor.causes import Ill, Judgement
from agent.doctor.evidence import Evidence
from agent.doctor.gather import Plan, candidates, mirrored
from agent.doctor.judge import judge
from agent.wires.ailments import inverted
from benchmarks._doctor_cases import KINDS, Case, healthy, measured

QUICK = Plan(listen=2.5, rounds=3)
SEEDS = range(2)
LOST = 2  # of all wires of the sample: one in twenty may be named wrongly


async def examined(kind: str, number: int, port: Path) -> tuple[str, Judgement]:
    ail, _ = KINDS[kind]
    case = healthy(Random(f"sample {kind} {number}"), most=3)
    ail(case)
    return kind, judge(await measured(case, port, QUICK))


@pytest.mark.timeout(180)
async def test_the_true_cause_is_named_and_never_certain(tmp_path: Path) -> None:
    work = [(kind, number) for kind in KINDS for number in SEEDS]
    found = await asyncio.gather(
        *(examined(kind, number, tmp_path / str(at)) for at, (kind, number) in enumerate(work))
    )
    missed = [(kind, judgement) for kind, judgement in found if not right(kind, judgement)]
    assert len(missed) <= LOST, missed
    assert all(0 < c.confidence < 1 for _, judgement in found for c in judgement.causes)


def right(kind: str, judgement: Judgement) -> bool:
    truth = KINDS[kind][1]
    named = {cause.ill for cause in judgement.causes}
    return judgement.well if truth is None else truth in named


class Recorder:
    """Stands before a simulator and keeps what it hears."""

    def __init__(self, inner: Simulator) -> None:
        self.inner, self.heard = inner, bytearray()

    def hear(self, data: bytes) -> Sequence[bytes]:
        self.heard += data
        return self.inner.hear(data)


async def test_only_reads_are_sent(tmp_path: Path) -> None:
    case = healthy(Random("reads"), most=2)
    recorders: list[Recorder] = []

    def record(inner: Simulator) -> Simulator:
        recorders.append(Recorder(inner))
        return recorders[-1]

    case.ill = {device.id: record for device in case.devices}
    found = await measured(case, tmp_path / "bus", Plan(listen=0.2, rounds=2))
    assert found.well
    questions = {bytes(one.question) for one in found.asked}
    assert {question[1] for question in questions} <= {1, 2, 3, 4}
    assert len(recorders[0].heard) == sum(len(one.question) for one in found.asked)


async def test_a_wire_that_is_unplugged_meanwhile_is_missing(tmp_path: Path) -> None:
    case = healthy(Random("unplugged"), most=1)
    port = tmp_path / "bus"
    examination = asyncio.ensure_future(measured(case, port, Plan(listen=30.0)))
    while not port.exists():
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.5)
    stage = case.staged
    assert stage is not None
    await stage.unplug()
    found: Evidence = await asyncio.wait_for(examination, 60)
    assert judge(found).causes[0].ill is Ill.PORT_MISSING


def test_other_settings_begin_with_the_factorys_and_leave_out_the_usual() -> None:
    case: Case = healthy(Random(1))
    other = candidates(case.line, [case.line])
    assert (case.line.baud, case.line.parity) not in {(x.baud, x.parity) for x in other}
    factory = next(x for x in other if x.parity == "even")
    assert candidates(case.line, [factory])[0] == factory


@pytest.mark.parametrize("unit", [1, 3, 17, 128, 246])
def test_an_inverted_answer_is_known_by_its_head(unit: int) -> None:
    line = healthy(Random(1)).line
    answer = bytes([unit, 3, 4, 0, 214, 1, 2, 0xAB, 0xCD])
    assert mirrored(answer[:3], inverted(answer, line), line)
    assert not mirrored(answer[:3], answer, line)
    assert not mirrored(b"", answer, line)
