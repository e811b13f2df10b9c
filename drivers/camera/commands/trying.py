"""Is a model what its card says, and can it be used at all?"""

from pathlib import Path

import numpy as np

from agent.contract import Misconfigured
from drivers.camera.eyes import Eyes, fitting
from drivers.camera.site import FOLDERS
from drivers.camera.vision.card import refused
from drivers.camera.vision.runner import Model, load

NAMES = {task: name for name, task in FOLDERS.items()}


def sound(folder: Path, task: str | None = None) -> Model:
    """Hash, opset, shapes, golden images, and one blank picture from end to end. Raises
    Misconfigured, with why."""
    model = load(folder)
    if model.card.task not in NAMES or task not in (None, model.card.task):
        known = task or ", ".join(sorted(NAMES))
        raise refused(folder, "its task is {task}, not {known}", task=model.card.task, known=known)
    name = NAMES[model.card.task]
    fitting(name, model)
    try:
        _use(name, model)
    except Misconfigured:
        raise
    except Exception as error:  # a foreign model may break the decoder or the runtime in any way
        raise refused(folder, "it cannot be used: {error}", error=str(error)[:200]) from error
    return model


def _use(name: str, model: Model) -> None:
    frame, crop = np.full((360, 640, 3), 90, np.uint8), np.full((48, 160, 3), 90, np.uint8)
    if name == "detector":
        Eyes(detector=model).plates(frame)
    elif name == "reader":
        Eyes(reader=model).read(crop)
    else:
        Eyes(occupancy=model).patches([crop])
