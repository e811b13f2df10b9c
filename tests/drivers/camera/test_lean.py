"""A correction of the occupancy net from labels: on top of the net, of its own camera only."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.contract import Misconfigured
from drivers.camera.byhand import ByHand, read_by_hand
from drivers.camera.commands.leaning import Senses, correct
from drivers.camera.eyes import Eyes
from drivers.camera.vision import tap
from drivers.camera.vision.card import read_card
from drivers.camera.vision.lean import Lean, Open, fit, upright
from drivers.camera.vision.runner import load
from tests.support_onnx import write_model

MODEL = Path(__file__).parents[3] / "models" / "occupancy"
PATCHES = [np.random.default_rng(n).integers(0, 255, (80, 60, 3), np.uint8) for n in range(70)]
NONE = Lean(np.zeros(192, np.float32), 0.0)


def test_the_last_layer_of_the_shipped_net_can_be_read() -> None:
    data = (MODEL / "model.onnx").read_bytes()
    name = tap.inner(data, "logit")
    assert name is not None
    assert tap.inner(data, "nothing") is None
    opened = Open.of(load(MODEL))
    assert opened is not None
    _, features = opened.sensed(PATCHES)
    assert features.shape[0] == len(PATCHES)
    assert features.std() > 0


def test_a_net_without_a_linear_last_layer_has_none(tmp_path: Path) -> None:
    card = {"decode": "sigmoid",
            "input": {"colour": "BGR", "resize": "stretch", "normalise": "patch"}}  # fmt: skip
    outputs = {"logit": np.ones(1, np.float32)}
    net = write_model(tmp_path, "occupancy", (1, 3, 64, 64), outputs, **card)
    for junk in (b"", b"\xff" * 50, (net / "model.onnx").read_bytes()):
        assert tap.inner(junk, "logit") is None
    assert Open.of(load(net)) is None
    with pytest.raises(Misconfigured, match="another model"):
        upright(load(net), NONE)


def test_a_correction_of_nothing_changes_nothing() -> None:
    plain, corrected = Eyes.open({"occupancy": MODEL}), Eyes.open({"occupancy": MODEL}, lean=NONE)
    assert corrected.patches(PATCHES) == pytest.approx(plain.patches(PATCHES), abs=1e-5)
    more = Eyes.open({"occupancy": MODEL}, lean=replace(NONE, bias=2.0))
    assert all(b > a for a, b in zip(plain.patches(PATCHES), more.patches(PATCHES), strict=True))


def test_a_correction_of_another_net_is_refused() -> None:
    with pytest.raises(Misconfigured, match="another model"):
        upright(load(MODEL), Lean(np.zeros(7, np.float32), 0.0))


def world(seed: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits that are wrong where the third feature is high (a tree); features that know it."""
    rng = np.random.default_rng(seed)
    taken = rng.random(count) < 0.4
    tree = rng.random(count) < 0.3
    logits = np.where(taken, 3.0, -3.0) + rng.normal(0, 0.8, count) - 5.0 * (tree & taken)
    features = rng.normal(0, 1, (count, 20))
    features[:, 2] += 4.0 * tree
    features[:, 5] += 3.0 * (tree & taken)
    return logits.astype(np.float32), features.astype(np.float32), taken


def right(logits: np.ndarray, taken: np.ndarray) -> float:
    return float((logits[taken] >= 0).mean() + (logits[~taken] < 0).mean()) / 2


def test_what_the_features_know_sets_the_net_upright() -> None:
    lean = fit(*world(1, 400))
    logits, features, taken = world(2, 2000)
    assert right(logits, taken) < 0.9
    assert right(lean.correct(logits, features), taken) > 0.95


def test_a_net_that_is_right_is_left_nearly_alone() -> None:
    _, features, taken = world(3, 200)
    sure = np.where(taken, 6.0, -6.0).astype(np.float32)
    again = np.where(world(4, 2000)[2], 6.0, -6.0).astype(np.float32)
    assert right(fit(sure, features, taken).correct(again, world(4, 2000)[1]), again > 0) == 1.0


def test_features_that_never_change_do_no_harm() -> None:
    logits, features, taken = world(5, 300)
    features[:, 7] = 1e6
    lean = fit(logits, features, taken)
    assert np.isfinite(lean.correct(logits, features)).all()


def test_it_is_written_and_read_again() -> None:
    lean = fit(*world(1, 200))
    again = Lean.from_text(lean.to_text())
    assert again.weights.tolist() == lean.weights.tolist()
    assert again.bias == pytest.approx(lean.bias, rel=1e-6)
    assert ByHand(lean=lean.to_text()).lean == lean.to_text()
    broken = Lean(np.full(3, np.nan, np.float32), 0.0).to_text()
    for text in ("x", "AAAA", lean.to_text()[:-4], broken):
        with pytest.raises(ValueError, match="lean"):
            ByHand(lean=text)


def senses(count: int, files: int, kinds: str = "both") -> Senses:
    logits, features, taken = world(6, count)
    taken = taken if kinds == "both" else np.zeros(count, bool)
    names = [(f"{n * files // count:03}.jpg", f"s-{n}") for n in range(count)]
    known = dict(zip(names, taken.tolist(), strict=True))
    found = Senses(Eyes(), known)
    found.logits = dict(zip(names, logits.tolist(), strict=True))
    found.features = dict(zip(names, features, strict=True))
    return found


def test_how_right_it_is_is_judged_on_other_pictures() -> None:
    found = correct(senses(500, 25))
    assert found is not None
    logits, features, taken = world(9, 4000)
    elsewhere = right(found.lean.correct(logits, features), taken)
    assert abs(found.accuracy - elsewhere) < found.half + 0.02


@pytest.mark.parametrize("few", [senses(99, 25), senses(500, 4), senses(500, 25, "free")])
def test_too_few_labels_or_pictures_correct_nothing(few: Senses) -> None:
    assert correct(few) is None


def test_what_corrects_one_net_corrects_no_other(caplog: pytest.LogCaptureFixture) -> None:
    card = read_card(MODEL / "card.yaml")
    mine = ByHand(camera="lot", model=f"{card.id}/{card.version}", lean=NONE.to_text())
    assert mine.lean_for(MODEL) == NONE.to_text()
    assert not caplog.records
    assert mine.model_copy(update={"model": "occupancy/0"}).lean_for(MODEL) == ""
    assert "calibrate again" in caplog.text


@pytest.mark.parametrize(
    "text", ["[", "thresholds: {'': 7}", "thresholds: {'': .nan}", "colour: red", "- 1", "\x00"]
)
def test_a_calibration_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "lot.calibration.yaml"
    file.write_text(text)
    with pytest.raises(Misconfigured, match=r"lot\.calibration"):
        read_by_hand(file)
    with pytest.raises(Misconfigured, match=r"lot\.calibration"):
        read_by_hand(tmp_path / "not-there" / "lot.calibration.yaml")
