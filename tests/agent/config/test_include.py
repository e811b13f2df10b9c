"""Device files beside the gateway's own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.config.load import examine, load

Write = Callable[[str | bytes], Path]
Complaints = Callable[[str | bytes], list[str]]

DEVICE = "devices:\n  - {{id: {id}, driver: modbus, wire: bus, profile: xy-md02, unit: {unit}}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "devices"
    folder.mkdir()
    (folder / "a.yaml").write_text(DEVICE.format(id="a", unit=1))
    (folder / "b.yaml").write_text(DEVICE.format(id="b", unit=2))
    return folder


def test_included_devices_and_wires_join_the_gateways_own(write: Write, folder: Path) -> None:
    (folder / "c.yaml").write_text("wires:\n  bus: {port: /dev/ttyS0}\n")
    text = "include: [devices/*.yaml]\n" + DEVICE.format(id="own", unit=3)
    config = load(write(text))
    assert [device.id for device in config.devices] == ["own", "a", "b"]
    assert [spec.name for spec in config.specs] == ["modbus"] * 3
    assert config.settings.wires["bus"].port == "/dev/ttyS0"
    assert config.files == (
        folder.parent / "gateway.yaml",
        folder / "a.yaml",
        folder / "b.yaml",
        folder / "c.yaml",
    )
    assert config.where("b") == f"{folder / 'b.yaml'}:2"


def test_a_mistake_names_the_included_file_and_its_line(write: Write, folder: Path) -> None:
    (folder / "b.yaml").write_text("# two\n" + DEVICE.format(id="b", unit=999))
    file = write("include: [devices/*.yaml]\nwires: {bus: {port: /dev/x}}\nfoo: 1\n")
    _, mistakes = examine(file)
    assert [str(mistake) for mistake in mistakes] == [
        f"{folder / 'b.yaml'}:3: devices[0].unit: is too large; write at most 255",
        (
            f"{file}:3: foo: is not a setting; here you can write: control, devices, gateway, "
            "include, led, metrics, parking, store, uplinks, wires"
        ),
    ]


def test_broken_yaml_in_an_included_file_is_told_with_all_others(
    write: Write, folder: Path
) -> None:
    (folder / "a.yaml").write_text("devices:\n  - id： a\n    driver: modbus\n")
    (folder / "b.yaml").write_bytes("devices: # 温室\n".encode("gbk"))
    _, mistakes = examine(write("include: [devices/*.yaml, nothing.yaml]\n"))
    assert [(mistake.file.name, mistake.line) for mistake in mistakes] == [
        ("a.yaml", 2),
        ("b.yaml", 1),
        ("gateway.yaml", 1),
    ]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("uplinks: []", "an included file holds `devices:` and `wires:` only; write this in "),
        ("gateway: {}", "an included file holds `devices:` and `wires:` only; write this in "),
        ("include: [b.yaml]", "an included file cannot include others; name them in "),
        ("devices: {a: 1}", "write a list here"),
        ("wires: [a]", "write settings below it"),
    ],
)
def test_an_included_file_holds_devices_and_wires_only(
    write: Write, folder: Path, key: str, said: str
) -> None:
    (folder / "a.yaml").write_text(f"# one\n{key}\n")
    _, mistakes = examine(write("include: [devices/a.yaml]\n"))
    assert [(m.file.name, m.line, m.path) for m in mistakes] == [
        ("a.yaml", 2, key.split(":", maxsplit=1)[0])
    ]
    assert mistakes[0].problem.startswith(said)


@pytest.mark.parametrize("content", ["devices:\n", "wires:\n"])
def test_an_included_section_may_be_empty(write: Write, folder: Path, content: str) -> None:
    (folder / "a.yaml").write_text(content)
    assert load(write("include: [devices/a.yaml]\n")).devices == ()


def test_an_included_file_that_a_power_cut_emptied_is_no_silent_loss(
    write: Write, folder: Path
) -> None:
    (folder / "a.yaml").write_text("")
    _, mistakes = examine(write("include: [devices/a.yaml]\n"))
    assert "the file is empty" in str(mistakes[0])


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("devices/c.yaml", "there is no such file; correct the name, or create it"),
        ("devices\\a.yaml", "write / between folders, not \\"),
        ("*.yaml", "would include this file itself; keep the others in a folder of their own"),
        ("./gateway.yaml", "would include this file itself"),
        ("devices", "this is a folder; name the file in it"),
    ],
)
def test_a_pattern_that_cannot_be_meant_is_refused(
    write: Write, folder: Path, pattern: str, said: str
) -> None:
    _, mistakes = examine(write(f"gateway: {{}}\ninclude:\n  - '{pattern}'\n"))
    assert [mistake.problem[: len(said)] for mistake in mistakes] == [said]
    assert mistakes[0].line == 3 or mistakes[0].file == folder


@pytest.mark.parametrize("written", ["devices/*.yaml", "{a: 1}", "[[a]]", "[5]"])
def test_include_is_a_list_of_names(complaints: Complaints, written: str) -> None:
    (said,) = complaints(f"gateway: {{}}\ninclude: {written}\n")
    assert said.startswith("2: include")


def test_a_pattern_with_a_wildcard_may_match_nothing(write: Write) -> None:
    assert load(write("include: [conf.d/*.yaml, 'more/**/*.yaml']\n")).devices == ()


def test_files_that_editors_leave_behind_are_not_included(write: Write, folder: Path) -> None:
    (folder / ".#a.yaml").write_text("broken: [")
    text = "include: [devices/*.yaml]\nwires: {bus: {port: /dev/x}}\n"
    assert len(load(write(text)).devices) == 2


def test_a_file_that_two_patterns_name_is_read_once(write: Write, folder: Path) -> None:
    text = "include: [devices/b.yaml, devices/*.yaml]\nwires: {bus: {port: /dev/x}}\n"
    assert [device.id for device in load(write(text)).devices] == ["b", "a"]


def test_doubles_across_files_are_named_with_both_places(write: Write, folder: Path) -> None:
    (folder / "b.yaml").write_text(
        DEVICE.format(id="a", unit=2) + "wires:\n  bus: {port: /dev/y}\n"
    )
    file = write("include: [devices/*.yaml]\nwires:\n  bus: {port: /dev/x}\n")
    _, mistakes = examine(file)
    assert [str(mistake) for mistake in mistakes] == [
        f"{folder / 'b.yaml'}:4: wires.bus: is in {file}:3 too; keep one of them"
    ]
    (folder / "b.yaml").write_text(DEVICE.format(id="a", unit=2))
    _, mistakes = examine(file)
    assert [str(mistake) for mistake in mistakes] == [
        (
            f"{folder / 'b.yaml'}:2: devices[0].id: 'a' is the id of {folder / 'a.yaml'}:2 too; "
            "give each its own"
        )
    ]


def test_a_gateways_own_devices_that_are_no_list_are_told_first(write: Write, folder: Path) -> None:
    (folder / "a.yaml").write_text(DEVICE.format(id="a", unit=999))
    _, mistakes = examine(write("include: [devices/a.yaml]\ndevices: five\n"))
    assert [(mistake.file.name, mistake.line) for mistake in mistakes] == [("gateway.yaml", 2)]
