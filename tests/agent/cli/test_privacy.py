"""`fieldgate privacy audit`: what it sees, and that it can fail."""

from pathlib import Path

import pytest

from agent.cli.privacy_look import Found, _files, _pictures, like_a_plate


@pytest.mark.parametrize(
    "text",
    [
        "京A12345", "粤BD12345", "粤B12345D", "粤Z1234港", "京A1234警", "沪A1234学", "鲁B1234挂",
        "京A1234领", "使123456", "WJ京1234A", "KA01234", "京A·12345", "京 A 1 2 3 4 5",
        "京Ａ１２３４５", "京a-12345", "\\u4eacA12345", 'x {"a": "京A12345"}',
    ],
)  # fmt: skip
def test_any_kind_and_writing_of_a_plate_is_seen(text: str) -> None:
    assert like_a_plate(text)


@pytest.mark.parametrize("text", ["", "a-01", "vehicle.passed", "18f3a2-00ff", "京", "cam-1"])
def test_other_texts_are_not(text: str) -> None:
    assert not like_a_plate(text)


def test_a_picture_too_old_or_open_to_others_is_told(tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.mkdir(mode=0o700)
    (media / "a-1.jpg").write_bytes(b"x")
    (media / "a-1.jpg").chmod(0o644)
    found = Found()
    now = (media / "a-1.jpg").stat().st_mtime + 100
    _pictures(found, media, set(), now, 10)
    assert {one["what"] for one in found.findings} == {
        "picture that is too old", "file that others may read"
    }  # fmt: skip
    assert (found.pictures, found.size, found.orphans) == (1, 1, 1)


def test_a_text_in_a_file_beside_the_store_is_a_finding_without_plates_only(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"last": "京A12345"}')
    kept, refused = Found(), Found()
    _files(kept, tmp_path, no_plates=False)
    _files(refused, tmp_path, no_plates=True)
    assert (kept.texts["state.json"], kept.findings) == (1, [])
    assert refused.findings == [{"what": "text like a plate", "where": "state.json"}]
