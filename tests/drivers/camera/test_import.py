"""To import the camera, its models' code and its commands is to do nothing yet."""

import os
import subprocess
import sys
from pathlib import Path

WATCHED = """
import sys, pkgutil, importlib
written, sockets = [], []
def hook(event, args):
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        written.append(args[0])
    if event in ("socket.__new__", "socket.connect", "socket.bind", "socket.getaddrinfo"):
        sockets.append(args)
sys.addaudithook(hook)
import drivers.camera
for package in ("drivers.camera.vision", "drivers.camera.commands", "drivers.camera.tasks"):
    importlib.import_module(package)
    for module in pkgutil.iter_modules(sys.modules[package].__path__, package + "."):
        importlib.import_module(module.name)
import drivers.camera.eyes, drivers.camera.child.work
assert not sockets, sockets
assert not [name for name in written if str(name) != "/dev/null"], written
"""


def test_nothing_is_written_and_no_socket_is_opened(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home),
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(Path(__file__).parents[3]),
    }  # fmt: skip
    subprocess.run([sys.executable, "-c", WATCHED], env=environment, check=True, timeout=60)
    assert list(home.rglob("*")) == []


def test_the_driver_itself_needs_no_pixels() -> None:
    code = (
        "import sys, drivers.camera as c; c.DRIVER; import drivers.camera.driver;"
        "import drivers.camera.commands.vision, drivers.camera.commands.model;"
        "assert not {'cv2', 'numpy', 'onnxruntime'} & set(sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)


WITHOUT = """
import sys
for name in ("numpy", "cv2", "onnxruntime"):
    sys.modules[name] = None
from agent.cli.main import main
assert main(["model", "list"]) == 0
assert main(["vision", "plates", "--help"]) == 0
for words in ("plates x.jpg", "occupancy x.jpg", "bench", "snapshot gate-1", "run x.mp4"):
    assert main(["vision", *words.split()]) == 78, words
assert main(["model", "verify"]) == 78
"""


def test_without_the_vision_packages_it_says_what_to_install() -> None:
    root = str(Path(__file__).parents[3])
    environment = {**os.environ, "PYTHONPATH": root, "FIELDGATE_LANG": "en"}
    words = [sys.executable, "-c", WITHOUT]
    done = subprocess.run(
        words, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    told = "the vision packages are not installed (numpy, cv2, onnxruntime)"
    assert done.stderr.count(told) == 6
    assert "fieldgate-install --with vision" in done.stderr
