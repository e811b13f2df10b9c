"""The locks: every version and hash, no address, nothing forgotten."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ENTRY = re.compile(r"([a-zA-Z0-9._-]+)==([^ ;]+)(?: ; ([^\\]+?))? \\")
PYTHONS, MACHINES = ("3.11", "3.12", "3.13"), ("x86_64", "aarch64")


def entries(lock: Path) -> list[tuple[Requirement, list[str]]]:
    """Each pin with its hashes."""
    found: list[tuple[Requirement, list[str]]] = []
    for line in lock.read_text(encoding="utf-8").splitlines():
        if match := ENTRY.fullmatch(line):
            marker = f" ; {match[3]}" if match[3] else ""
            found.append((Requirement(f"{match[1]}=={match[2]}{marker}"), []))
        elif line.startswith("    --hash=sha256:"):
            found[-1][1].append(line.split(":")[1].rstrip(" \\"))
        else:
            assert line.lstrip().startswith("#"), line
    return found


def pins(lock: str, python: str, machine: str) -> dict[str, str]:
    """Name -> version that this machine would install."""
    environment = {
        "python_version": python, "python_full_version": f"{python}.0",
        "platform_machine": machine, "sys_platform": "linux", "platform_system": "Linux",
        "implementation_name": "cpython", "platform_python_implementation": "CPython",
        "os_name": "posix",
    }  # fmt: skip
    found: dict[str, str] = {}
    for requirement, _ in entries(ROOT / "requirements" / f"{lock}.txt"):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            version = next(iter(requirement.specifier)).version
            assert found.setdefault(canonicalize_name(requirement.name), version) == version
    return found


def wanted(lock: str) -> list[Requirement]:
    project, groups = PROJECT["project"], PROJECT["dependency-groups"]
    build = groups["build"]
    dev = [*build, *(entry for entry in groups["dev"] if isinstance(entry, str))]
    base = project["dependencies"]
    extra = project["optional-dependencies"]
    by_lock = {
        "base": base, "build": build, "dev": [*base, *dev],
        "vision": [*base, *extra["vision"]], "ble": [*base, *extra["ble"]],
    }  # fmt: skip
    return [Requirement(text) for text in by_lock[lock]]


def test_all_five_are_there() -> None:
    assert [lock.stem for lock in LOCKS] == ["base", "ble", "build", "dev", "vision"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_names_no_address(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert not re.search(r"://|@|--(extra-)?index|--find-links|--trusted|\bfile:", text)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_pin_has_its_hashes(lock: Path) -> None:
    found = entries(lock)
    assert found
    for requirement, hashes in found:
        assert hashes, requirement
        assert all(re.fullmatch(r"[0-9a-f]{64}", one) for one in hashes), requirement


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", [lock.stem for lock in LOCKS])
def test_what_the_project_needs_is_pinned(lock: str, python: str, machine: str) -> None:
    found = pins(lock, python, machine)
    for requirement in wanted(lock):
        version = found.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement}: run `make lock`"
        assert requirement.specifier.contains(version), f"{requirement}: run `make lock`"


@pytest.mark.parametrize("lock", ["ble", "dev", "vision"])
def test_the_locks_agree_with_each_other(lock: str) -> None:
    for name, version in pins("base", "3.11", "x86_64").items():
        assert pins(lock, "3.11", "x86_64")[name] == version
