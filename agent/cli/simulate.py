"""`fieldgate simulate`: devices of a configuration, or of one profile, answering on wires."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from agent.i18n import say, use

if TYPE_CHECKING:
    from agent.config.load import Configuration
    from agent.simulate.clock import FastClock
    from agent.simulate.script import Script


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldgate simulate",
        description=say(
            "answer as the devices of a configuration would: on its TCP and UDP addresses "
            "(loopback only), and on pseudo-terminals in the place of its serial ports. While it "
            "runs, faults are typed: silence soil-1 20s"
        ),
        epilog=say(
            "example: fieldgate simulate gateway.yaml --day greenhouse --speed 60    "
            "(`port:` any path that is free)"
        ),
    )
    parser.add_argument("file", type=Path, nargs="?", help=say("the settings"))
    parser.add_argument("--seconds", type=float, help=say("stop after so many seconds"))
    parser.add_argument("--fast", action="store_true", help=say("do not keep to the line's speed"))
    _one_device(parser)
    _a_day(parser)
    return parser


def _one_device(parser: argparse.ArgumentParser) -> None:
    one = parser.add_argument_group(say("one device, instead of the settings"))
    one.add_argument("--profile", metavar="DRIVER/NAME", help=say("like modbus/xy-md02"))
    one.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help=say("its settings: unit=3")
    )
    one.add_argument("--port", type=Path, help=say("where its serial port appears"))
    one.add_argument("--tcp", metavar="HOST:PORT", help=say("listen there instead"))


def _a_day(parser: argparse.ArgumentParser) -> None:
    day = parser.add_argument_group(say("a scripted day"))
    day.add_argument("--day", metavar="NAME|FILE", help=say("soil, greenhouse, parking or a file"))
    day.add_argument("--speed", type=_speed, default=1.0, help=say("times faster than real time"))
    day.add_argument("--at", metavar="HH:MM", help=say("the time of day that it begins with"))
    day.add_argument("--seed", type=int, help=say("another number, another day"))
    day.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME:KIND[@START][+FOR]",
        help=say(
            "of a device or wire: silence, noise, late, echo, swap, unplug; like "
            "probe-3:silence@30s+20s"
        ),
    )


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed <= 100_000:
        raise argparse.ArgumentTypeError(say("write a number above 0"))
    return speed


def run(args: argparse.Namespace) -> int:
    import asyncio

    from agent.contract import Misconfigured

    if (args.file is None) == (args.profile is None):
        raise Misconfigured(
            "simulate what?",
            hint="fieldgate simulate gateway.yaml, or: fieldgate simulate --profile modbus/xy-md02",
        )
    asyncio.run(_simulate(args))
    return 0


async def _simulate(args: argparse.Namespace) -> None:
    import asyncio
    import contextlib
    from functools import partial

    from agent.simulate.clock import FastClock
    from agent.simulate.faulty import fault_of
    from agent.simulate.mischief import Mischief
    from agent.simulate.stages import staged
    from agent.simulate.story import Story
    from agent.simulate.terminal import commanded

    config = _config(args)
    script = _script(args)
    clock = FastClock(args.speed, script.start if script else None)
    story = Story(script, clock.elapsed) if script else None
    faults = [fault_of(flag) for flag in (*args.fault, *(script.faults if script else ()))]
    async with staged(config, paced=not args.fast, clock=clock, story=story) as stages:
        homes = {d.id: d.wire or d.id for d in config.devices if (d.wire or d.id) in stages}
        _introduce(config, set(homes))
        mischief = Mischief(stages, homes, clock, lambda words: _tell(clock, words))
        for fault in faults:
            mischief.play(fault)
        async with commanded(mischief, partial(print, flush=True)) as commands:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(args.seconds):
                    await commands.leave.wait()
        mischief.close()


def _config(args: argparse.Namespace) -> "Configuration":
    if args.profile is not None:
        from agent.simulate.one_off import one_off

        return one_off(args.profile, args.set, args.port, args.tcp)
    from agent.config.load import load

    config = load(args.file)
    use(config.settings.gateway.language)
    return config


def _script(args: argparse.Namespace) -> "Script | None":
    """Raises Misconfigured."""
    from agent.contract import Misconfigured
    from agent.simulate.script import of_day, script_named

    if args.day is None:
        return None
    script = script_named(args.day)
    start = script.start if args.at is None else of_day(args.at)
    if start is None:
        raise Misconfigured("'{at}' is no time of day", hint="write it like 06:30", at=args.at)
    seed = script.seed if args.seed is None else args.seed
    return script.model_copy(update={"start": start, "seed": seed})


def _introduce(config: "Configuration", played: set[str]) -> None:
    """Says who answers where, and who does not. Raises Misconfigured when nobody does."""
    from agent.contract import Misconfigured
    from agent.simulate.one_off import to_paste
    from agent.simulate.stages import without_simulator

    for device in without_simulator(config):
        print(_not_played(device.id, device.driver), flush=True)
    if not played:
        raise Misconfigured(
            "{file}: no wire has a device that can be simulated",
            hint="add a device with `wire:`, for example with `driver: modbus`",
            file=config.files[0] if config.files else "--profile",
        )
    for line in _places(config, played):
        print(line, flush=True)
    if not config.files:
        print(say("to read it, put into a configuration:"))
        print("\n".join(to_paste(config)), flush=True)


def _not_played(device: str, driver: str) -> str:
    if driver == "ble":
        return say(
            "{device}: Bluetooth devices are not simulated here but by the rig in hw-tests/",
            device=device,
        )
    return say("{device}: the driver {driver} has no simulator", device=device, driver=driver)


def _places(config: "Configuration", played: set[str]) -> list[str]:
    found = []
    for name, wire in config.settings.wires.items():
        devices = [d.id for d in config.devices if d.wire == name and d.id in played]
        where = wire.port or wire.connect
        if devices:
            names = ", ".join(devices)
            found.append(say("{wire}: {devices} on {where}", wire=name, devices=names, where=where))
    for device in config.devices:
        if device.id in played and not device.wire:
            where = device.options.get("connect") or device.options.get("listen")
            found.append(say("{device} by {where}", device=device.id, where=where))
    return found


def _tell(clock: "FastClock", words: str) -> None:
    print(f"{clock.shown()}  {words}", flush=True)
