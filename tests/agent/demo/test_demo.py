"""`fieldgate demo` as a newcomer runs it, with either broker."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from agent.demo.broker import find_mosquitto
from agent.demo.proxy import Gate
from agent.demo.show import pad

EMBEDDED = """\
import sys
import agent.demo.broker as broker
broker.find_mosquitto = lambda: None
from agent.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


async def _demo(*words: str) -> tuple[int | None, list[str]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        *("demo", "--seconds", "10"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "FIELDGATE_LANG": "en"},
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode().splitlines()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("embedded", [False, True], ids=["mosquitto", "amqtt"])
async def test_the_demo_loses_nothing(embedded: bool, tmp_path: Path) -> None:
    if not embedded and find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: apt install mosquitto")
    code, lines = await _demo(*(["-c", EMBEDDED] if embedded else ["-m", "agent"]))
    text = "\n".join(lines)
    assert (code, lines[-1]) == (0, "lost 0"), text
    assert "the cable of rs485-field is pulled" in text
    assert "the broker is killed" in text
    assert "device.back soil-1" in text
    assert "one number, two contents: 0" in text


async def test_the_gate_lets_nobody_through_until_it_opens() -> None:
    server = await asyncio.start_server(_greet, "127.0.0.1", 0)
    gate = Gate(lambda: server.sockets[0].getsockname()[:2])
    await gate.start()
    assert await _greeting(gate.port) == b""
    gate.open()
    assert await _greeting(gate.port) == b"hello"
    await gate.stop()
    server.close()
    await server.wait_closed()


async def _greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"hello")
    writer.close()
    await writer.wait_closed()


async def _greeting(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await reader.read(5)
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("soil", 6, "soil  "),
        ("大棚空气", 10, "大棚空气  "),
        ("大棚空气", 6, "大棚… "),
        ("abcdef", 5, "abc… "),
    ],
)
def test_columns_keep_their_width_in_both_scripts(text: str, width: int, shown: str) -> None:
    assert pad(text, width) == shown
