"""A model on trial sees a part of the looks, and how often it agrees is known."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.clock import Clock
from agent.contract import Device, Reading
from agent.host import DeviceHost
from drivers.camera import messages, shadow
from drivers.camera.child.frames import Frame
from drivers.camera.child.setup import Setup
from drivers.camera.child.sources import open_source
from drivers.camera.child.work import Camera
from drivers.camera.driver import CameraDriver
from drivers.camera.eyes import Eyes
from drivers.camera.messages import Message, Nonsense
from drivers.camera.model_store import ModelStore
from drivers.camera.sight import Plate
from drivers.camera.vision.card import read_card
from drivers.camera.vision.runner import load
from tests.support_onnx import write_model

MODELS = Path(__file__).parents[3] / "models"
BOX = (20.0, 30.0, 60.0, 50.0)
HERE = Plate(((20, 30), (60, 30), (60, 50), (20, 50)), 0.9)


def seeing(folder: Path, left: float) -> Path:
    """A detector that always sees a plate there."""
    row = [left + 20, 40.0, 40.0, 20.0, 0.9]
    head = np.array([[row, [0.0] * 5]], np.float32).transpose(0, 2, 1)
    return write_model(
        folder, "plate_detector", (1, 3, 320, 320), {"head": head}, decode="yolo_v8",
        labels={"classes": ["plate"]},
    )  # fmt: skip


FRAME = np.full((320, 320, 3), 90, np.uint8)


@pytest.mark.parametrize(("left", "agreed"), [(21.0, 3), (200.0, 0)])
def test_one_look_of_ten_is_looked_at_again(tmp_path: Path, left: float, agreed: int) -> None:
    model = load(seeing(tmp_path, left))
    trial = shadow.Shadow(Eyes(detector=model))
    for _ in range(30):
        trial.turn()
        trial.plates(FRAME, [HERE])
    assert trial.take() == {model.card.sha256: (3, agreed)}
    assert trial.take() == {}


def test_readers_agree_when_they_read_the_same() -> None:
    model = load(MODELS / "plate_reader")
    trial = shadow.Shadow(Eyes(reader=model))
    trial.turn()
    trial.plates(FRAME, [HERE])
    ((looks, agreed),) = trial.take().values()
    assert (looks, agreed) == (1, 0)  # the plate was read as nothing, the model reads something


def test_occupancy_nets_agree_when_all_spaces_are_alike() -> None:
    spaces = {"a": 0.9, "b": 0.1}
    assert shadow.same_states(spaces, {"a": 0.6, "b": 0.4}, {})
    assert not shadow.same_states(spaces, {"a": 0.6, "b": 0.6}, {})
    assert shadow.same_states(spaces, {"a": 0.6, "b": 0.6}, {"b": 0.7})
    assert not shadow.same_states(spaces, {"a": 0.6}, {})


def test_each_plate_needs_its_counterpart() -> None:
    far = (100.0, 30.0, 140.0, 50.0)
    assert shadow.same_boxes([], [])
    assert shadow.same_boxes([BOX, far], [far, BOX])
    assert not shadow.same_boxes([BOX], [BOX, far])
    assert not shadow.same_boxes([BOX, BOX], [BOX])
    assert shadow.overlap(BOX, far) == 0


def test_looks_add_up_over_restarts_and_cameras() -> None:
    one: dict[str, str] = {}
    assert shadow.remember(one, {"aa": (10, 9)}) == (10, 9)
    assert shadow.remember(one, {"aa": (10, 10)}) == (20, 19)
    other: dict[str, str] = {"shadow": json.dumps({"aa": [5, 0]})}
    assert shadow.tally([one, other, {"shadow": "nonsense"}], "aa") == (25, 19)
    assert shadow.tally([one], "bb") == (0, 0)


class Ear:
    """Takes what a camera tells."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Mapping[str, Any]]] = []

    def tell(self, kind: str, body: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> None:
        self.told.append((kind, body))

    def wishes(self) -> list[Mapping[str, Any]]:
        return []

    def beat(self) -> None:
        """Nobody waits for it."""


def test_a_camera_tells_what_its_models_on_trial_agreed_in(tmp_path: Path) -> None:
    store, current = tmp_path / "store", seeing(tmp_path / "current", 20)
    (store / "zones").mkdir(parents=True)
    models = ModelStore(store / "models" / "plate_detector", current)
    models.use(models.add(seeing(tmp_path / "now", 20.5)))
    models.propose(models.add(seeing(tmp_path / "new", 21)))
    options = {"source": str(tmp_path), "tasks": ["count"], "adopt": True}
    zones = "camera: gate\nsize: [320, 320]\nlines: [{id: in, from: [0, 9], to: [99, 9]}]\n"
    (store / "zones" / "gate.yaml").write_text(zones)
    device = Device("gate", "camera", 1.0, options=options)
    host = DeviceHost(device, Clock(), state_folder=store / "state")
    driver = CameraDriver(device, host)
    assert {"shadow_agreement", "shadow_looks"} <= {point.id for point in driver.points}

    ear = Ear()
    told = driver._site.setup() | {
        "where": "", "user": "", "password": "", "port": None, "reference": "", "confine": False,
    }  # fmt: skip
    setup = Setup(**{**told, "tasks": tuple(told["tasks"])})
    trial = shadow.Shadow(Eyes.open({k: Path(v) for k, v in setup.candidates.items()}))
    eyes = Eyes.open({k: Path(v) for k, v in setup.models.items()})
    camera = Camera(setup, eyes, open_source("images", ""), ear, shadow=trial)
    for second in range(50):
        camera.take(Frame(FRAME.copy(), 10.0 * second))
    camera._told -= 61
    camera._statistics()
    (body,) = [body for kind, body in ear.told if kind == "shadow"]
    (trial_card,) = [read_card(folder / "card.yaml") for folder in driver._site.trials.values()]
    assert body["counted"] == {trial_card.sha256: (5, 5)}

    word = messages.decode(messages.encode("shadow", {**body, "at": host.now().mono / 1e9}))
    said = [record for record in driver._records(word) if isinstance(record, Reading)]
    assert {r.point: r.value for r in said} == {"shadow_agreement": 1.0, "shadow_looks": 5}
    assert host.model("plate_detector") != models.candidate()  # five looks are too few

    many = {**word.body, "counted": {trial_card.sha256: [600, 600]}, "at": host.now().mono / 1e9}
    driver._records(Message("shadow", many))
    assert host.candidate("plate_detector") is None
    assert read_card(host.model("plate_detector") / "card.yaml").sha256 == trial_card.sha256


@pytest.mark.parametrize(
    "counted",
    [None, [], {"bb": [1, 1]}, {"aa": [1, 2]}, {"aa": [-1, -1]}, {"aa": [1.0, 1]},
     {"aa": [10**9, 0]}, {"aa": 1}, {"aa": [1, 1, 1]}],
)  # fmt: skip
def test_counts_that_no_child_would_send_are_nonsense(counted: Any) -> None:
    with pytest.raises(Nonsense):
        messages.counted(Message("shadow", {"counted": counted}), ["aa"])
