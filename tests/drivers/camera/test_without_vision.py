"""Without the vision extra: a camera is known and parked with a sentence, nothing else suffers."""

import subprocess
import sys
from pathlib import Path

BLOCKED = """
import asyncio, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"cv2", "numpy", "onnxruntime"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
import importlib.util
real = importlib.util.find_spec
gone = {"cv2", "onnxruntime"}
importlib.util.find_spec = lambda name, package=None: None if name in gone else real(name, package)

from pathlib import Path
from agent.clock import Clock
from agent.contract import Device, Misconfigured
from agent.host import DeviceHost
from agent.registry import driver_named

device = Device("gate-1", "camera", 10.0, options={"source": sys.argv[1], "tasks": ["plates"]})
driver = driver_named("camera").make(device, DeviceHost(device, Clock()))
assert driver.points
try:
    asyncio.run(driver.open())
except Misconfigured as error:
    print(error, "|", error.hint)
"""


def test_the_camera_is_known_and_says_what_to_install(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "gate-1 needs the vision packages" in done.stdout
    assert "--with vision" in done.stdout
