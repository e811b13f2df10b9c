"""The models that a command works with."""

from collections.abc import Sequence
from pathlib import Path

from agent.contract import Tools
from drivers.camera.byhand import ByHand
from drivers.camera.eyes import Eyes
from drivers.camera.site import FOLDERS
from drivers.camera.vision.lean import Lean


def open_eyes(
    tools: Tools,
    store: Path,
    names: Sequence[str],
    size: int | None = None,
    by_hand: ByHand | None = None,
) -> Eyes:
    """Those in use, of detector, reader, occupancy; with a calibration's correction, where that was
    found with this very net. Raises Misconfigured."""
    quiet()
    folders = {name: tools.model(FOLDERS[name], store) for name in names}
    text = by_hand.lean_for(folders["occupancy"]) if by_hand and "occupancy" in folders else ""
    return Eyes.open(folders, size, Lean.from_text(text) if text else None)


def quiet() -> None:
    """OpenCV on one thread, without its own words on stderr."""
    import cv2

    cv2.setNumThreads(1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
