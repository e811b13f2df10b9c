"""What a taken-over vision process can still do: tried in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from drivers.camera.child.confine import program

TRY = """
import json, os, socket, sys, threading
from pathlib import Path
from drivers.camera.child.confine import Room, confine

def listening():
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    return server

camera, other = listening(), listening()
port = camera.getsockname()[1]
connection = socket.socket()
told = confine(Room(read=(Path(sys.argv[1]),), port=port))
results = {"told": [told.files, told.ports, told.calls]}

def tried(name, what):
    try:
        what()
        results[name] = "done"
    except OSError as error:
        results[name] = type(error).__name__

def in_thread():
    done = []
    thread = threading.Thread(target=lambda: done.append(1))
    thread.start()
    thread.join()
    assert done

here = Path(sys.argv[1])
tried("read_source", lambda: (here / "frame.jpg").read_bytes())
tried("read_secret", lambda: (here.parent / "secret").read_bytes())
tried("read_passwd", lambda: open("/etc/passwd").read())
tried("write_source", lambda: (here / "new").write_bytes(b""))
tried("list_root", lambda: os.listdir("/"))
tried("camera", lambda: connection.connect(("127.0.0.1", port)))
tried("elsewhere", lambda: socket.socket().connect(("127.0.0.1", other.getsockname()[1])))
tried("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
tried("unix", lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
tried("netlink", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
tried("listen", lambda: socket.socket().bind(("127.0.0.1", 0)))
tried("fork", lambda: os.fork() or os._exit(0))
tried("exec", lambda: os.execv("/bin/true", ["true"]))
tried("signal", lambda: os.kill(os.getppid(), 0))
tried("thread", in_thread)
print(json.dumps(results))
"""


@pytest.fixture
def results(tmp_path: Path) -> dict[str, object]:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "frame.jpg").write_bytes(b"jpeg")
    (tmp_path / "secret").write_bytes(b"key")
    done = subprocess.run(
        [sys.executable, "-c", TRY, str(tmp_path / "source")],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, object] = json.loads(done.stdout)
    return told


def test_only_the_cameras_own_source_is_left(results: dict[str, object]) -> None:
    told = results.pop("told")
    if told != [True, True, True]:
        pytest.skip(f"this kernel grants only some of files, ports, calls: {told}")
    allowed = {name for name, result in results.items() if result == "done"}
    assert allowed == {"read_source", "camera", "thread"}
    assert set(results.values()) <= {"done", "PermissionError"}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_jumps_within_itself(machine: str) -> None:
    steps = program(machine)
    for at, step in enumerate(steps):
        code, then, otherwise = step[0], step[2], step[3]
        if code & 0x07 == 0x05:
            assert at + 1 + max(then, otherwise) < len(steps)
    assert steps[-1][0] == 0x06
