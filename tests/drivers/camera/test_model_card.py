"""A model is used only when file and card agree."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.contract import Misconfigured
from drivers.camera.vision.card import check_file, opset_of, read_card

ROOT = Path(__file__).parents[3] / "models"
SHIPPED = sorted(str(card.parent.relative_to(ROOT)) for card in ROOT.rglob("card.yaml"))
LARGEST = 12_000_000  # bytes of all weights together

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the occupancy model that may be spoilt."""
    return Path(shutil.copytree(ROOT / "occupancy", tmp_path / "occupancy"))


def edit(folder: Path, change: Edit) -> Path:
    path = folder / "card.yaml"
    card = yaml.safe_load(path.read_text("utf-8"))
    change(card)
    path.write_text(yaml.safe_dump(card, allow_unicode=True), "utf-8")
    return path


def test_models_are_shipped_and_small_enough_to_send() -> None:
    assert {"occupancy", "plate_reader"} <= set(SHIPPED)
    assert sum(file.stat().st_size for file in ROOT.rglob("*.onnx")) <= LARGEST


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_card_describes_its_file(name: str) -> None:
    card = read_card(ROOT / name / "card.yaml")
    check_file(card)
    assert card.opset <= 17
    assert card.golden
    assert card.about["bytes"] == card.file.stat().st_size


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_card_says_what_it_was_trained_on_and_how_good_it_is(name: str) -> None:
    about = read_card(ROOT / name / "card.yaml").about
    assert all(source["licence"] and source["source"] for source in about["data"])
    assert any("interval" in metric for metric in about["metrics"])


def test_another_file_under_the_same_name_is_refused(folder: Path) -> None:
    model = folder / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"!")
    with pytest.raises(Misconfigured, match=r"sha256 of model\.onnx") as refusal:
        check_file(read_card(folder / "card.yaml"))
    assert refusal.value.hint
    assert refusal.value.reason == "model"


def test_a_missing_file_is_refused(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    with pytest.raises(Misconfigured, match="No such file"):
        check_file(read_card(folder / "card.yaml"))


def test_a_missing_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="No such file"):
        read_card(tmp_path / "card.yaml")


def test_another_opset_than_the_card_names_is_refused(folder: Path) -> None:
    path = edit(folder, lambda card: card.update(opset=11))
    with pytest.raises(Misconfigured, match="opset is 17, not 11"):
        check_file(read_card(path))


@pytest.mark.parametrize(
    "change",
    [
        lambda card: card.pop("sha256"),
        lambda card: card.update(input=None),
        lambda card: card.update(opset="many"),
        lambda card: card.update(decode="guess"),
        lambda card: card["input"].update(normalise="somehow"),
    ],
)
def test_a_card_that_lacks_something_is_refused(folder: Path, change: Edit) -> None:
    with pytest.raises(Misconfigured):
        read_card(edit(folder, change))


def test_a_card_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "card.yaml").write_text("id: [", "utf-8")
    with pytest.raises(Misconfigured):
        read_card(tmp_path / "card.yaml")


@pytest.mark.parametrize("data", [b"", b"\xff" * 40, b"GIF89a" * 9, bytes(range(256))])
def test_what_is_no_onnx_has_no_opset(data: bytes) -> None:
    assert opset_of(data) == 0
