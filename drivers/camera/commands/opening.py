"""The models that a command works with."""

from collections.abc import Sequence
from pathlib import Path

from agent.contract import Tools
from drivers.camera.eyes import Eyes
from drivers.camera.site import FOLDERS


def open_eyes(tools: Tools, store: Path, names: Sequence[str], size: int | None = None) -> Eyes:
    """Those in use, of detector, reader, occupancy. Raises Misconfigured."""
    quiet()
    return Eyes.open({name: tools.model(FOLDERS[name], store) for name in names}, size)


def quiet() -> None:
    """OpenCV on one thread, without its own words on stderr."""
    import cv2

    cv2.setNumThreads(1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
