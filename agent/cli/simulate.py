"""`fieldgate simulate FILE`: the devices of a configuration, answering on its wires."""

import argparse
from pathlib import Path

from agent.i18n import say, use


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldgate simulate",
        description=say(
            "answer as the devices of a configuration would: on its TCP addresses (loopback "
            "only), and on pseudo-terminals in the place of its serial ports"
        ),
        epilog=say("example: fieldgate simulate gateway.yaml    (`port:` any path that is free)"),
    )
    parser.add_argument("file", type=Path, help=say("the settings"))
    parser.add_argument("--seconds", type=float, help=say("stop after so many seconds"))
    parser.add_argument("--fast", action="store_true", help=say("do not keep to the line's speed"))
    return parser


def run(args: argparse.Namespace) -> int:
    import asyncio

    asyncio.run(_simulate(args.file, args.seconds, paced=not args.fast))
    return 0


async def _simulate(file: Path, seconds: float | None, *, paced: bool) -> None:
    import asyncio

    from agent.config.load import load
    from agent.contract import Misconfigured
    from agent.demo.stages import staged

    config = load(file)
    use(config.settings.gateway.language)
    async with staged(config, paced=paced) as stages:
        if not stages:
            raise Misconfigured(
                "{file}: no wire has a device that can be simulated",
                hint="add a device with `wire:`, for example with `driver: modbus`",
                file=file,
            )
        for name in stages:
            devices = [device.id for device in config.devices if device.wire == name]
            wire = config.settings.wires[name]
            print(
                say(
                    "{wire}: {devices} on {where}",
                    wire=name,
                    devices=", ".join(devices),
                    where=wire.port or wire.connect,
                ),
                flush=True,
            )
        await asyncio.sleep(seconds if seconds is not None else 10**9)
