"""Where the readings come from: the running service, or the wires themselves."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cli.identifying import Line, Subject
from agent.control.client import ask, ask_once

if TYPE_CHECKING:
    from agent.config.load import Configuration

EVERY = 1.0  # s between two looks at a device, or at the spaces
PATIENCE = 30.0  # s

See = Callable[[Line, Subject | None], None]
Answer = dict[str, Any]


async def from_service(socket: Path, chosen: Collection[str], see: See) -> None:
    """Until cancelled. Raises LinkLost when the service ends, Misconfigured when it may not be
    asked. Devices that are polled slowly are read in turn, too, between the service's own polls."""
    board = await asyncio.to_thread(ask_once, socket, {"do": "status"})
    names = _chosen(board["devices"], chosen)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_live(socket, frozenset(names), see))
        tasks.create_task(_in_turn(socket, names, see))
        tasks.create_task(_spaces(socket, frozenset(names), see))


async def from_wires(config: "Configuration", chosen: Collection[str], see: See) -> None:
    """Until cancelled."""
    from agent.oneshot import live

    names = _chosen([device.id for device in config.devices], chosen)
    devices = [device for device in config.devices if device.id in names]
    async with contextlib.aclosing(live(config, devices, EVERY)) as answers:
        async for lines in answers:
            for line in lines:
                see(line, None)


def _chosen(known: Iterable[str], chosen: Collection[str]) -> list[str]:
    """All when none is chosen. Raises Misconfigured for one that there is not."""
    from agent.contract import Misconfigured

    names = sorted(known)
    for name in chosen:
        if name not in names:
            raise Misconfigured(
                "no device is called '{name}'",
                hint="the devices are: {known}",
                name=name,
                known=", ".join(names),
            )
    return [name for name in names if not chosen or name in chosen]


async def _live(socket: Path, names: Collection[str], see: See) -> None:
    async with contextlib.aclosing(_answers(socket, {"do": "live"})) as answers:
        async for answer in answers:
            for line in answer["readings"]:
                if line["device"] in names:
                    see(line, None)


async def _answers(socket: Path, request: Mapping[str, Any]) -> AsyncGenerator[Answer, None]:
    """Of a request that is answered again and again, each fetched on a thread."""
    from agent.contract import LinkLost

    answers = ask(socket, request, PATIENCE)
    while True:
        answer = await asyncio.to_thread(next, answers, None)
        if answer is None:
            raise LinkLost("the service stopped", hint="systemctl status fieldgate")
        yield answer


async def _in_turn(socket: Path, names: list[str], see: See) -> None:
    from agent.contract import DeviceFault, LinkLost, Misconfigured

    left = list(names)
    while left:
        for name in tuple(left):
            request = {"do": "read", "device": name}
            try:
                answer = await asyncio.to_thread(ask_once, socket, request, PATIENCE)
            except Misconfigured:
                left.remove(name)  # it speaks by itself
            except (LinkLost, DeviceFault):
                continue  # its poll tells, too
            else:
                for line in answer["readings"]:
                    see(line, None)
        await asyncio.sleep(EVERY)


async def _spaces(socket: Path, names: Collection[str], see: See) -> None:
    while True:
        answer = await asyncio.to_thread(ask_once, socket, {"do": "spaces"}, PATIENCE)
        for space in answer["spaces"]:
            if space["device"] in names:
                see(*space_line(space))
        await asyncio.sleep(EVERY)


def space_line(space: Mapping[str, Any]) -> tuple[Line, Subject]:
    """A space as a reading of its detector; looked at just now."""
    import time

    line = {
        "device": space["device"],
        "point": f"space {space['space']}",
        "value": space["state"],
        "unit": "1",
        "t": time.time(),
    }
    return line, Subject(space["device"], space["detector"])
