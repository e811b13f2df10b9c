"""`fieldgate model`: what is unsound is refused, what is new is tried in shadow first."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from agent import paths
from agent.clock import Clock
from agent.contract import Device, Misconfigured
from agent.host import DeviceHost
from drivers.camera import shadow
from drivers.camera.model_store import ModelStore
from drivers.camera.vision.card import read_card
from drivers.camera.vision.runner import load
from tests.drivers.camera.commands.conftest import MODELS, Run
from tests.support_onnx import write_model

Out = pytest.CaptureFixture[str]
TASK = "plate_detector"


def lines(out: Out) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.readouterr().out.splitlines()]


def in_use(store: Path) -> Path:
    """As the service finds it."""
    host = DeviceHost(Device("x", "camera", 1.0), Clock(), state_folder=store / "state")
    return host.model(TASK)


def on_trial(store: Path) -> Path | None:
    host = DeviceHost(Device("x", "camera", 1.0), Clock(), state_folder=store / "state")
    return host.candidate(TASK)


def remember(store: Path, card: Path, looks: int, agreed: int) -> None:
    """As a camera does that has tried the model."""
    host = DeviceHost(Device("gate-1", "camera", 1.0), Clock(), state_folder=store / "state")
    shadow.remember(host.state, {read_card(card / "card.yaml").sha256: (looks, agreed)})
    host.close()


def test_the_shipped_models_are_listed_and_sound(fieldgate: Run, capsys: Out) -> None:
    assert fieldgate("model", "list", "--json") == 0
    told = lines(capsys)
    used = {one["task"]: one for one in told if one["use"] == "current"}
    assert set(used) == {"plate_detector", "plate_reader", "occupancy"}
    assert all(one["source"] == "shipped" for one in used.values())
    assert all(one["metric"] not in {"", "-"} for one in used.values())
    assert fieldgate("model", "verify", "--json") == 0
    checked = lines(capsys)
    assert all(one["sound"] for one in checked)
    assert len(checked) == len(told)


def test_a_spoilt_model_is_refused_and_never_added(
    fieldgate: Run, blindfold: Path, store: Path, capsys: Out
) -> None:
    model = blindfold / "model.onnx"
    model.write_bytes(model.read_bytes() + b"\0")
    assert fieldgate("model", "verify", blindfold) == 1
    assert "sha256" in capsys.readouterr().out
    assert fieldgate("model", "add", blindfold) == 78
    assert on_trial(store) is None
    assert in_use(store) == MODELS / TASK


def test_a_new_model_runs_in_shadow_until_it_is_accepted(
    fieldgate: Run, blindfold: Path, store: Path, capsys: Out
) -> None:
    assert fieldgate("model", "add", blindfold) == 0
    trial = on_trial(store)
    assert trial is not None
    digest = read_card(blindfold / "card.yaml").sha256
    assert trial == store / "models" / TASK / f"foreign-7-{digest[:8]}"
    assert in_use(store) == MODELS / TASK

    assert fieldgate("model", "accept", TASK) == 78
    assert "0 of 0 looks in shadow agree" in capsys.readouterr().err
    remember(store, trial, 400, 400)
    remember(store, trial, 200, 180)
    assert fieldgate("model", "accept", TASK) == 78
    capsys.readouterr()
    assert fieldgate("model", "list", "--json") == 0
    (told,) = [one for one in lines(capsys) if one["use"] == "candidate"]
    assert (told["shadow_looks"], told["shadow_agreement"]) == (600, round(580 / 600, 4))
    assert fieldgate("model", "accept", TASK, "--agreement", "0.95") == 0
    assert in_use(store) == trial
    assert on_trial(store) is None


def test_force_needs_no_looks(fieldgate: Run, blindfold: Path, store: Path) -> None:
    assert fieldgate("model", "add", blindfold) == 0
    assert fieldgate("model", "accept", TASK, "--force") == 0
    assert in_use(store).name.startswith("foreign-7-")
    assert fieldgate("model", "accept", TASK, "--force") == 78


def test_one_can_go_back_and_return(
    fieldgate: Run, blindfold: Path, store: Path, capsys: Out
) -> None:
    assert fieldgate("model", "rollback", TASK) == 78
    assert fieldgate("model", "add", blindfold, "--now") == 0
    new = in_use(store)
    assert fieldgate("model", "rollback", TASK) == 0
    assert in_use(store) == MODELS / TASK
    assert fieldgate("model", "rollback", TASK, "--json") == 0
    assert in_use(store) == new
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["folder"] == str(new)


def test_an_added_model_needs_nothing_of_where_it_came_from(
    fieldgate: Run, store: Path, tmp_path: Path
) -> None:
    """Its variant in 8 bits, whose golden images lie beside the whole model, too."""
    source = Path(shutil.copytree(MODELS / "plate_reader", tmp_path / "usb" / "plate_reader"))
    assert fieldgate("model", "add", source, "--now") == 0
    shutil.rmtree(tmp_path / "usb")
    added = paths.model("plate_reader", store)
    assert added.is_relative_to(store)
    assert load(added).card.golden
    assert load(added / "int8").card.about["precision"] == "int8"
    assert fieldgate("model", "verify") == 0


def test_a_model_that_vanished_gives_way_to_the_shipped_one(
    fieldgate: Run, blindfold: Path, store: Path, capsys: Out
) -> None:
    assert fieldgate("model", "add", blindfold, "--now") == 0
    shutil.rmtree(in_use(store))
    assert in_use(store) == MODELS / TASK
    capsys.readouterr()
    assert fieldgate("model", "list", "--json") == 0
    assert next(one["use"] for one in lines(capsys) if one["task"] == TASK) == "current"


def test_a_card_that_cannot_be_read_is_listed_as_such(
    fieldgate: Run, blindfold: Path, store: Path, capsys: Out
) -> None:
    assert fieldgate("model", "add", blindfold) == 0
    trial = on_trial(store)
    assert trial is not None
    (trial / "card.yaml").write_text("id: [")
    capsys.readouterr()
    assert fieldgate("model", "list", "--json") == 0
    assert ["is refused" in one["metric"] for one in lines(capsys)].count(True) == 1
    assert fieldgate("model", "verify") == 1


def test_a_store_that_cannot_be_written_is_told(
    fieldgate: Run, blindfold: Path, store: Path, capsys: Out
) -> None:
    store.write_text("no folder")
    assert fieldgate("model", "add", blindfold) == 78
    assert "cannot be written" in capsys.readouterr().err


def test_names_of_models_do_not_lead_elsewhere(tmp_path: Path) -> None:
    head = {"head": np.zeros((1, 5, 9), np.float32)}
    folder = write_model(
        tmp_path / "evil", TASK, (1, 3, 64, 64), head, decode="yolo_v8",
        id="../../../etc/passwd", version="a/b",
    )  # fmt: skip
    store = ModelStore(tmp_path / "store" / "models" / TASK, tmp_path / "none")
    (tmp_path / "store").mkdir()
    added = store.add(folder)
    assert added.parent == store.folder
    assert yaml.safe_load((added / "card.yaml").read_text("utf-8"))["version"] == "a/b"
    assert store.current() is None
    with pytest.raises(Misconfigured):
        store.accept()
