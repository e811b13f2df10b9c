"""Makes things go wrong on simulated wires, and right again."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from agent.contract import Misconfigured
from agent.i18n import say
from agent.simulate.clock import DAY, FastClock
from agent.simulate.faulty import WIRE_ONLY, Fault
from agent.simulate.stages import Stage
from agent.wires.faults import Faults


class Mischief:
    """`homes`: the stage that each device is behind, by its id. `tell` announces what happens."""

    def __init__(
        self,
        stages: Mapping[str, Stage],
        homes: Mapping[str, str],
        clock: FastClock,
        tell: Callable[[str], None],
    ) -> None:
        self._stages, self._homes, self._clock, self._tell = stages, homes, clock, tell
        self._on: dict[tuple[str, str], Fault] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def on(self) -> Iterable[Fault]:
        """What is wrong now."""
        return self._on.values()

    def play(self, fault: Fault) -> None:
        """Begins it when its time has come. Raises Misconfigured: no such target."""
        self._check(fault)
        task = asyncio.create_task(self._played(fault))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def clear(self, target: str = "") -> None:
        """All that is wrong (with that target)."""
        for fault in [one for one in self._on.values() if target in {"", one.target}]:
            await self._end(fault)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _played(self, fault: Fault) -> None:
        await asyncio.sleep(self._until(fault))
        await self._begin(fault)
        if fault.lasts is not None:
            await asyncio.sleep(self._clock.real(fault.lasts) if fault.of_day else fault.lasts)
            if self._on.get((fault.target, fault.kind)) is fault:
                await self._end(fault)

    def _until(self, fault: Fault) -> float:
        if not fault.of_day:
            return fault.start
        return self._clock.real((fault.start - self._clock.elapsed()) % DAY)

    async def _begin(self, fault: Fault) -> None:
        self._on[fault.target, fault.kind] = fault
        if fault.kind == "unplug":
            await self._stages[self._home(fault)].unplug()
        else:
            _do(self._faults(fault), fault)
        self._tell(_begun(fault))

    async def _end(self, fault: Fault) -> None:
        del self._on[fault.target, fault.kind]
        if fault.kind == "unplug":
            await self._stages[self._home(fault)].plug()
        else:
            _undo(self._faults(fault), fault.kind)
        self._tell(say("{target}: {kind} is over", target=fault.target, kind=fault.kind))

    def _home(self, fault: Fault) -> str:
        return fault.target if fault.target in self._stages else self._homes[fault.target]

    def _faults(self, fault: Fault) -> Faults:
        of_wire = self._stages[self._home(fault)].faults
        if fault.target in self._stages:
            return of_wire
        return of_wire.devices.setdefault(fault.target, Faults())

    def _check(self, fault: Fault) -> None:
        if fault.target in self._stages:
            return
        if fault.target not in self._homes:
            raise Misconfigured(
                "nothing that is simulated is called '{target}'",
                hint="name one of: {known}",
                target=fault.target,
                known=", ".join(sorted({*self._stages, *self._homes})),
            )
        if fault.kind in WIRE_ONLY:
            raise Misconfigured(
                "{kind} is a fault of a whole wire, not of {target} alone",
                hint="write {wire}:{kind}",
                kind=fault.kind,
                target=fault.target,
                wire=self._homes[fault.target],
            )


def _do(faults: Faults, fault: Fault) -> None:
    if fault.kind == "silence":
        faults.dead = True
    elif fault.kind == "noise":
        faults.noise = round(fault.strength)
    elif fault.kind == "late":
        faults.late, faults.late_by = 1.0, fault.strength
    elif fault.kind == "echo":
        faults.echo = True
    else:
        faults.swap = fault.strength


def _undo(faults: Faults, kind: str) -> None:
    if kind == "silence":
        faults.dead = False
    elif kind == "noise":
        faults.noise = 0
    elif kind == "late":
        faults.late = 0.0
    elif kind == "echo":
        faults.echo = False
    else:
        faults.swap = 0.0


def _begun(fault: Fault) -> str:
    facts = {"target": fault.target, "kind": fault.kind}
    if fault.lasts is None:
        return say("{target}: {kind}, until it is cleared", **facts)
    return say("{target}: {kind} for {lasts:g} s", lasts=fault.lasts, **facts)
