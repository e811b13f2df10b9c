"""Models run by their cards, and those that compute something else are refused."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytest.importorskip("numpy", reason="the vision extra is not installed")
pytest.importorskip("cv2", reason="the vision extra is not installed")
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
pytest.importorskip("onnxruntime", reason="the vision extra is not installed")

import numpy as np

from agent.contract import Misconfigured
from drivers.camera.vision import reading, runner

ROOT = Path(__file__).parents[3] / "models"
SHIPPED = sorted(str(card.parent.relative_to(ROOT)) for card in ROOT.rglob("card.yaml"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "occupancy", tmp_path / "occupancy"))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model_computes_here_what_it_did_where_it_was_made(name: str) -> None:
    runner.check_golden(runner.load(ROOT / name))


@pytest.mark.parametrize("name", ["occupancy", "plate_reader"])
def test_a_batch_gives_what_each_image_gives_alone(name: str) -> None:
    model = runner.load(ROOT / name)
    width, height = model.card.size
    batch = np.random.default_rng(4).normal(size=(3, 3, height, width)).astype(np.float32)
    together = model.run(batch)
    for output, values in together.items():
        alone = np.concatenate([model.run(batch[k : k + 1])[output] for k in range(3)])
        assert np.abs(alone - values).max() < 1e-3


def test_a_model_with_another_shape_than_its_card_is_refused(folder: Path) -> None:
    card = yaml.safe_load((folder / "card.yaml").read_text("utf-8"))
    card["input"]["shape"] = ["n", 3, 32, 32]
    (folder / "card.yaml").write_text(yaml.safe_dump(card), "utf-8")
    with pytest.raises(Misconfigured, match="image has shape"):
        runner.load(folder)


def test_a_model_that_computes_something_else_is_refused(folder: Path) -> None:
    card = yaml.safe_load((folder / "card.yaml").read_text("utf-8"))
    card["golden"]["images"][0]["expect"]["logit"] = [99.0]
    (folder / "card.yaml").write_text(yaml.safe_dump(card), "utf-8")
    with pytest.raises(Misconfigured, match=r"0\.png gives logit off by"):
        runner.load(folder)


def test_a_golden_image_that_is_missing_is_named(folder: Path) -> None:
    (folder / "golden" / "1.png").unlink()
    with pytest.raises(Misconfigured, match=r"1\.png is missing"):
        runner.load(folder)


def test_loading_a_model_leaves_no_file_at_home(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from drivers.camera.vision import runner;"
        f"runner.load(Path({str(ROOT / 'occupancy')!r}))"
    )
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT.parent)}
    environment.pop("ORT_DISABLE_TELEMETRY")
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("name", ["plate_reader", "plate_reader/int8"])
def test_the_golden_plates_are_read(name: str) -> None:
    """Our own drawings: one line, eight characters, two lines; the card says what they show. The
    province of a plate of two lines is not read reliably, as models/README.md says."""
    import cv2

    model = runner.load(ROOT / name)
    crops = [np.asarray(cv2.imread(str(golden.image)), np.uint8) for golden in model.card.golden]
    out = model.run(reading.prepare(crops, *model.card.size))
    reads = [
        reading.decode(text, colour, model.card.decode)
        for text, colour in zip(out["text"], out["colour"], strict=True)
    ]
    shown = [each["shows"] for each in model.card.about["golden"]["images"]]
    assert [read.text for read in reads[:2]] == shown[:2]
    assert reads[2].text[1:] == shown[2][1:]
    assert [read.colour for read in reads] == ["blue", "green", "yellow"]
