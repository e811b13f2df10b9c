"""Mistakes in a camera's zones are told like those of the configuration: file, line, what to do."""

import json
from pathlib import Path

import pytest

from agent.clock import Clock
from agent.contract import Device, Misconfigured
from agent.host import DeviceHost
from drivers.camera.driver import CameraDriver
from drivers.camera.zones import Zones, crossing

HEAD = "camera: gate-1\nsize: [1920, 1080]\n"
SQUARE = "[[100, 100], [300, 100], [300, 300], [100, 300]]"


def refused(tmp_path: Path, text: str) -> tuple[str, str]:
    """Message, without the folder, and hint, as the service says them when it starts."""
    file = tmp_path / "store" / "zones" / "gate-1.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    device = Device("gate-1", "camera", 10.0, options={"source": "/frames", "tasks": ["plates"]})
    with pytest.raises(Misconfigured) as told:
        CameraDriver(device, DeviceHost(device, Clock(), None, tmp_path / "store" / "state"))
    return str(told.value).replace(f"{file.parent}/", ""), told.value.hint


MISTAKES = {
    "sides that cross": (
        HEAD + "masks:\n  - polygon:\n    - [0, 0]\n    - [9, 2]\n    - [8, 0]\n    - [0, 3]\n",
        ("gate-1.yaml:4: masks[0].polygon: the side behind point 1 crosses the one behind point 3; "
        "name the corners in the order in which one walks around it"),
    ),
    "a point outside": (
        HEAD + f"spaces:\n- {{id: a, polygon: {SQUARE}}}\n- id: b\n  polygon:\n"
        "  - [10, 10]\n  - [90, 10]\n  - [90, 1200]\n",
        ("gate-1.yaml:9: spaces[1].polygon[2]: the point [90, 1200] lies outside the picture of "
        "1920 by 1080; correct it, or `size:`"),
    ),
    "the end of a line outside": (
        HEAD + "lines:\n- id: in\n  from: [0, 0]\n  to: [-1, 5]\n",
        ("gate-1.yaml:6: lines[0].to: the point [-1, 5] lies outside the picture of 1920 by 1080; "
        "correct it, or `size:`"),
    ),
    "an id twice": (
        HEAD + f"spaces:\n- id: a\n  polygon: {SQUARE}\n- id: a\n  polygon: {SQUARE}\n",
        "gate-1.yaml:6: spaces[1].id: the id 'a' is there twice; rename one of them",
    ),
    "a space that is a lane, too": (
        HEAD + f"spaces:\n- {{id: a, polygon: {SQUARE}}}\nno_parking:\n"
        f"- {{id: a, polygon: {SQUARE}}}\n",
        "gate-1.yaml:6: no_parking[0].id: the id 'a' is that of a space, too; rename one of them",
    ),
    "an unknown key": (
        HEAD + "\n# the sky\nmask: []\n",
        "gate-1.yaml:5: mask: is not a setting; did you mean 'masks'?",
    ),
    "two points": (
        HEAD + "masks:\n- polygon: [[0, 0], [9, 9]]\n",
        "gate-1.yaml:4: masks[0].polygon: has too few entries; write at least 3",
    ),
    "points in a line": (
        HEAD + "masks:\n- polygon: [[0, 0], [9, 9], [20, 20]]\n",
        ("gate-1.yaml:4: masks[0].polygon: these points enclose nothing; name at least three that "
        "are no line"),
    ),
    "a word for a number": (
        HEAD + "masks:\n- polygon: [[0, 0], [9, x], [20, 2]]\n",
        "gate-1.yaml:4: masks[0].polygon[1][1]: write a number, without unit",
    ),
    "no bracket": (
        HEAD + "masks:\n- polygon: [[0, 0], [9, 9], [20, 2]\n",
        ("gate-1.yaml:4: column 12: the bracket that begins here is not closed, or a comma is "
        "missing (noticed in line 5); put a comma between entries and the closing bracket at the "
        "end"),
    ),
    "another camera's": (
        "camera: gate-2\nsize: [1920, 1080]\n",
        "gate-1.yaml: `camera:` says gate-2, the device is gate-1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, mistake: str) -> None:
    text, told = MISTAKES[mistake]
    message, hint = refused(tmp_path, text)
    assert message == told
    assert hint


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    message, hint = refused(tmp_path, "camera: gate-1\nsize: [1, 1080]\nmask: []\nspaces: 5\n")
    lines = [line.split(":")[1] for line in message.splitlines()]
    assert lines == ["2", "3", "4"]
    assert "gate-1.yaml" in hint
    assert "systemctl reload fieldgate" in hint


def test_polygons_that_only_touch_themselves_are_taken() -> None:
    for points in ([(0, 0), (9, 0), (9, 9), (0, 9)], [(0, 0), (4, 4), (8, 0), (8, 8), (0, 8)]):
        assert crossing([(float(x), float(y)) for x, y in points]) is None
    assert crossing([(0, 0), (9, 9), (9, 0), (0, 9)]) == (0, 2)


def test_zones_survive_the_way_to_the_process() -> None:
    corners = [[0, 0], [9, 0], [9, 9]]
    told = {
        "camera": "a",
        "size": [64, 64],
        "lines": [{"id": "in", "from": [1, 2], "to": [3, 4]}],
        "no_parking": [
            {"id": "x", "polygon": corners, "longest": "90s"},
            {"id": "y", "polygon": corners},
        ],
        "masks": [{"polygon": corners}],
    }
    zones = Zones.model_validate(told)
    assert Zones.model_validate(json.loads(json.dumps(zones.model_dump(by_alias=True)))) == zones
