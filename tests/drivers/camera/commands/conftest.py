"""A store of one's own, and models that always see the same."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from drivers.camera.commands.pictures import read
from tests.support_onnx import write_model

MODELS = Path(__file__).parents[4] / "models"
SEEN = (100.0, 60.0, 292.0, 108.0)  # where the detector that sees always the same sees a plate

Run = Callable[..., int]


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIELDGATE_LANG", "en")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def fieldgate(store: Path) -> Run:
    """Runs a command on that store; returns its exit code."""
    from agent.cli.main import main

    def run(*words: object) -> int:
        return main([*map(str, words), "--store", str(store)])

    return run


@pytest.fixture
def shown() -> tuple[Path, str]:
    """A drawing of a plate that the shipped reader has to read, and its text."""
    card = yaml.safe_load((MODELS / "plate_reader" / "card.yaml").read_text("utf-8"))
    golden = card["golden"]["images"][0]
    return MODELS / "plate_reader" / golden["image"], golden["shows"]


@pytest.fixture
def blindfold(tmp_path: Path) -> Path:
    """A detector that sees a plate at SEEN in every frame of 640 by 640."""
    left, top, right, bottom = SEEN
    row = [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top, 0.9, 1.0]
    head = np.array([[row, [0.0] * 6]], np.float32)
    return write_model(
        tmp_path / "blindfold", "plate_detector", (1, 3, 640, 640), {"head": head},
        decode="yolo_v5", labels={"classes": ["plate"]}, options={"threshold": 0.5, "overlap": 0.5},
    )  # fmt: skip


@pytest.fixture
def gate(shown: tuple[Path, str]) -> np.ndarray:
    """A frame of 640 by 640 with that plate at SEEN."""
    noise = np.random.default_rng(3).integers(60, 120, (160, 160, 3), np.uint8)
    frame = cv2.resize(noise, (640, 640), interpolation=cv2.INTER_NEAREST)
    left, top, right, bottom = map(int, SEEN)
    plate = cv2.resize(read(shown[0]), (right - left, bottom - top))
    frame[top:bottom, left:right] = plate
    return np.asarray(frame, np.uint8)
