"""`fieldgate demo`: the whole gateway, with nothing to install or configure."""

import argparse
from pathlib import Path

from agent.i18n import say


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fieldgate demo",
        description=say(
            "simulated devices on real Modbus RTU and TCP, the real agent, a broker; a cable is "
            "pulled and the broker killed while you watch what the cloud receives"
        ),
        epilog=say("example: fieldgate demo --seconds 60"),
    )
    parser.add_argument("--seconds", type=_seconds, help=say("end by itself, with a summary"))
    parser.add_argument(
        "--broker", type=_broker, metavar="HOST:PORT", help=say("use this broker, unencrypted")
    )
    parser.add_argument("--keep", type=Path, help=say("keep configuration, store and log here"))
    return parser


def run(args: argparse.Namespace) -> int:
    """0 only when nothing is missing."""
    import asyncio
    from contextlib import ExitStack
    from tempfile import TemporaryDirectory

    with ExitStack() as opened:
        folder = args.keep or Path(opened.enter_context(TemporaryDirectory(prefix="fieldgate-")))
        folder.mkdir(parents=True, exist_ok=True)
        return asyncio.run(_play(folder.resolve(), args.seconds, args.broker))


async def _play(folder: Path, seconds: float | None, broker: tuple[str, int] | None) -> int:
    import asyncio
    import signal

    from agent.demo.play import set_up

    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    async with set_up(folder, seconds, broker) as play:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, lambda: task and task.cancel())
        reckoning = await play.perform()
        play.screen.close(reckoning.lines())
    return 1 if reckoning.lost else 0


def _seconds(text: str) -> float:
    seconds = float(text)
    if seconds < 10:
        raise argparse.ArgumentTypeError(say("give the play at least 10 seconds"))
    return seconds


def _broker(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise argparse.ArgumentTypeError(say("write the broker as host:port"))
    return host, int(port)
