"""`fieldgate parking replay` tells what the detector makes of a recorded trace."""

import gzip
import json
from pathlib import Path

import pytest

from agent.cli.main import main
from tests.agent.parking.street import SCENARIOS, Street, Trace

HEADER = "t_s,x_uT,y_uT,z_uT,occupied\n"


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIELDGATE_LANG", "en")


@pytest.fixture(scope="module")
def stay() -> Trace:
    """One car that parks and leaves."""
    return Street(SCENARIOS["typical"], 7100, [(120.0, 420.0)]).build()


@pytest.fixture
def file(stay: Trace, tmp_path: Path) -> Path:
    path = tmp_path / "bay-7.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.write(HEADER)
        lines.writelines(f"{t},{x},{y},{z},0\n" for t, x, y, z in stay.samples)
    return path


def test_json_has_a_line_per_park_and_leave(
    file: Path, stay: Trace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["parking", "replay", str(file), "--json"]) == 0
    park, leave = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert set(park) == {"t_s", "occupied", "branch"}
    assert park["occupied"] is True
    assert leave["occupied"] is False
    assert [park["branch"], leave["branch"]] == ["settled_wave", "mirror"]
    for (edge, _), change in zip(stay.edges, (park, leave), strict=True):
        assert edge - 5 <= change["t_s"] <= edge + 60


def test_a_readable_line_says_when_what_and_why(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["parking", "replay", str(file)]) == 0
    park, leave = capsys.readouterr().out.splitlines()
    assert park.startswith("0:02:")
    assert "occupied     settled_wave" in park
    assert "vacant       mirror" in leave
    assert "µT" in park


def test_a_missing_half_minute_is_no_vacancy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "gap.csv"
    times = [i / 5 for i in [*range(100), *range(400, 500)]]
    path.write_text(HEADER + "".join(f"{t},1,2,3,0\n" for t in times), encoding="utf-8")
    assert main(["parking", "replay", str(path), "--json"]) == 0
    lost, back = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (lost["occupied"], lost["branch"]) == (None, "silence")
    assert (back["occupied"], back["branch"]) == (False, "resumed")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("t_s,x_uT,y_uT\n0,1,2\n", "line 1: the trace has no column z_uT"),
        ("", "line 1: the trace has no column t_s, x_uT, y_uT, z_uT"),
        (HEADER + "0,1,2,3,0\n0.2,1,two,3,0\n", "line 3: not four numbers: 0.2,1,two,3,0"),
        (HEADER + "0,1,2,3,0\n\n0.2,1,2\n", "line 4: not four numbers: 0.2,1,2"),
        (HEADER + "0,1,nan,3,0\n", "line 2: not four numbers"),
        (HEADER + "5,1,2,3,0\n4,1,2,3,0\n", "line 3: the time 4 s does not come after 5 s"),
    ],
)
def test_a_malformed_trace_is_refused_with_its_line(
    text: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trace.csv"
    path.write_text(text, encoding="utf-8")
    assert main(["parking", "replay", str(path)]) == 78
    out, err = capsys.readouterr()
    assert out == ""
    assert complaint in err
    assert "next: " in err


@pytest.mark.parametrize("content", [b"plain text", b"\x1f\x8b\x08\x00broken", None])
def test_a_file_that_is_no_trace_is_refused(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trace.csv.gz"
    if content is not None:
        path.write_bytes(content)
    assert main(["parking", "replay", str(path)]) == 78
    assert "cannot be read" in capsys.readouterr().err


def test_the_shared_traces_replay(capsys: pytest.CaptureFixture[str]) -> None:
    from tests.agent.parking.conftest import SHARED
    from tests.agent.parking.scoring import recorded

    path = SHARED / "harsh-2.csv.gz"
    if not path.exists():
        pytest.skip("the recorded traces are not at hand (../shared/data/magnetometer)")
    assert main(["parking", "replay", str(path), "--json"]) == 0
    changes = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    edges = recorded(path).edges
    assert [change["occupied"] for change in changes] == [occupied for _, occupied in edges]
