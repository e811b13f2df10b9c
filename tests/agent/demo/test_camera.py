"""The demo's camera: what it shows, and that the demo plays with and without it."""

import asyncio
import os
import sys
import urllib.request

import pytest

from agent.demo.gate_camera import GateCamera, can_see

BLIND = """\
import sys
import agent.demo.play as play
play.can_see = lambda: False
from agent.cli.main import main
sys.exit(main(sys.argv[1:]))
"""

sees = pytest.mark.skipif(not can_see(), reason="needs the vision extra: cv2, onnxruntime")


async def _demo(*words: str, seconds: int) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        *("demo", "--seconds", str(seconds)),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "FIELDGATE_LANG": "en"},
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode()


def _count(text: str, what: str) -> int:
    return next(int(line.rpartition(" ")[2]) for line in text.splitlines() if what in line)


@sees
@pytest.mark.timeout(120)
async def test_the_cloud_hears_of_cars_spaces_and_pictures() -> None:
    code, text = await _demo("-m", "agent", seconds=20)
    assert (code, text.splitlines()[-1]) == (0, "lost 0"), text
    assert _count(text, "vehicles that passed") >= 1, text
    assert _count(text, "filled or emptied") >= 1, text
    assert _count(text, "pictures received") >= 1, text


@pytest.mark.timeout(120)
async def test_without_the_vision_packages_it_plays_on_and_says_how_to_get_them() -> None:
    code, text = await _demo("-c", BLIND, seconds=10)
    assert (code, text.splitlines()[-1]) == (0, "lost 0"), text
    assert "make demo VISION=1" in text
    assert "pictures received" not in text


@sees
async def test_it_streams_jpegs_and_ends_when_it_is_stopped() -> None:
    camera = GateCamera()
    source = await camera.start()
    assert source is not None
    head = await asyncio.to_thread(_first_bytes, source)
    assert b"Content-Type: image/jpeg\r\n" in head
    assert b"\r\n\r\n\xff\xd8\xff" in head
    await camera.stop()
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(_first_bytes, source)


def _first_bytes(source: str) -> bytes:
    with urllib.request.urlopen(source, timeout=20) as response:  # noqa: S310  our own address
        return bytes(response.read(200))


@sees
def test_cars_come_and_go_in_turns() -> None:
    from agent.demo.gate_scene import SIZE, frame, parked, passing

    assert frame(0.0).shape == (SIZE[1], SIZE[0], 3)
    assert passing(0.0) is None
    first, second = passing(2.0), passing(11.0)
    assert first is not None
    assert second is not None
    assert (first.leaves, second.leaves) == (False, True)
    assert [parked(place, 0.0) for place in range(4)] == [0, 1, 0, 1]
    assert [parked(place, 15.0) for place in range(4)] == [0, 0, 1, 0]
