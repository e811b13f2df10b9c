"""`fieldgate vision snapshot` shows what a camera sees, its zones, and how wide plates are."""

import base64
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from agent.cli.tools import CommandTools
from drivers.camera.commands import drawing
from drivers.camera.commands.vision import vision
from drivers.camera.sight import Plate
from drivers.camera.zones import Line, Zones
from tests.drivers.camera.commands.conftest import Run
from tests.support_gate import children

Out = pytest.CaptureFixture[str]
ZONES = """
camera: gate-1
size: [320, 320]
spaces: [{id: a-1, polygon: [[200, 200], [300, 200], [300, 300], [200, 300]]}]
masks: [{polygon: [[0, 200], [100, 200], [100, 300], [0, 300]]}]
lines: [{id: barrier, from: [20, 150], to: [300, 150]}]
"""


@pytest.fixture
def config(store: Path, tmp_path: Path) -> Path:
    (store / "zones").mkdir(parents=True)
    (store / "zones" / "gate-1.yaml").write_text(ZONES)
    file = tmp_path / "gateway.yaml"
    file.write_text(
        f"gateway: {{id: g}}\nstore: {{path: {store}}}\ncontrol: {{socket: {tmp_path}/socket}}\n"
        f"devices: [{{id: gate-1, driver: camera, source: {tmp_path}/pictures, tasks: [plates]}}]\n"
    )
    return file


@pytest.mark.timeout(180)  # two starts of a process that loads models, on a machine at work
def test_without_a_service_the_camera_is_opened_here(
    fieldgate: Run, config: Path, blindfold: Path, gate: np.ndarray, tmp_path: Path, capsys: Out
) -> None:
    assert fieldgate("model", "add", blindfold, "--now") == 0
    folder, over = tmp_path / "pictures", threading.Event()
    folder.mkdir()
    cv2.imwrite(str(tmp_path / "gate.png"), gate)

    def take_pictures() -> None:
        number = 0
        while not over.is_set():
            number += 1
            shutil.copyfile(tmp_path / "gate.png", folder / ".new")
            (folder / ".new").rename(folder / f"{number % 5}.png")
            time.sleep(0.2)

    taker = threading.Thread(target=take_pictures)
    taker.start()
    capsys.readouterr()
    out = tmp_path / "shown.jpg"
    try:
        assert fieldgate("vision", "snapshot", "gate-1", "--config", config, "--out", out) == 0
    finally:
        over.set()
        taker.join()
    told = capsys.readouterr().out
    assert "640 by 640 pixels" in told
    assert "plate width 192 px: good" in told
    shown = cv2.imread(str(out))
    assert shown is not None
    assert np.abs(shown[500, 100].astype(int) - 128).max() < 6  # the mask was burnt in


def test_of_a_camera_whose_process_dies_it_is_told_at_once(
    fieldgate: Run, config: Path, tmp_path: Path, capsys: Out
) -> None:
    (tmp_path / "pictures").mkdir()

    def strike() -> None:
        while not (pids := children(os.getpid())):
            time.sleep(0.05)
        time.sleep(1)
        os.kill(pids.pop(), signal.SIGSEGV)

    striker = threading.Thread(target=strike)
    striker.start()
    assert fieldgate("vision", "snapshot", "gate-1", "--config", config) == 75
    striker.join()
    assert "SIGSEGV" in capsys.readouterr().err


class Answering(CommandTools):
    """A service that answers with this picture."""

    def __init__(self, image: np.ndarray) -> None:
        self._jpeg = bytes(cv2.imencode(".jpg", image)[1])
        self.asked: list[Mapping[str, Any]] = []

    def ask(self, request: Mapping[str, Any], config: Path | None) -> Mapping[str, Any]:
        self.asked.append(request)
        return {"jpeg": base64.b64encode(self._jpeg).decode()}


def test_a_running_service_is_asked(
    gate: np.ndarray, store: Path, tmp_path: Path, capsys: Out
) -> None:
    tools, out = Answering(gate), tmp_path / "shown.jpg"
    words: Sequence[str] = [
        "snapshot",
        "gate-7",
        "--out",
        str(out),
        "--json",
        "--store",
        str(store),
    ]
    assert vision(words, tools) == 0
    assert tools.asked == [{"do": "snapshot", "device": "gate-7"}]
    told = json.loads(capsys.readouterr().out)
    assert (told["width"], told["height"]) == (640, 640)
    assert out.read_bytes().startswith(b"\xff\xd8")


def test_the_arrow_of_a_line_points_to_where_in_is() -> None:
    line = Line.model_validate({"id": "x", "from": [0, 50], "to": [100, 50]})
    assert drawing.inwards(line, 10) == ((50, 50), (50, 60))


@pytest.mark.parametrize("size", [(16, 16), (320, 320), (4000, 3000)])
def test_everything_is_drawn_into_pictures_of_any_size(size: tuple[int, int]) -> None:
    import yaml

    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    zones = Zones.model_validate(yaml.safe_load(ZONES)).scaled(width, height)
    narrow = Plate(((2, 2), (9, 2), (9, 6), (2, 6)), 0.9)
    drawing.draw(image, zones, [narrow])
    assert image.any()
