"""`pytest hw-tests --rig NAME`: the same tests on every rig; what one lacks is skipped with why."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from rigging.inventory import Inventory, read
from rigging.record import Record
from rigging.rig import Rig, built

INVENTORY = pytest.StashKey[Inventory]()
RECORD = pytest.StashKey[Record]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rig", default="pty", help="a name in hw-tests/rigs, or a file")
    parser.addoption("--cuts", type=int, default=3, help="of the power, in the test of power cuts")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*capabilities): skipped on rigs that lack one")
    try:
        inventory = read(config.getoption("--rig"))
    except (OSError, ValueError) as error:
        raise pytest.UsageError(f"--rig {config.getoption('--rig')}: {error}") from error
    config.stash[INVENTORY] = inventory
    config.stash[RECORD] = Record(inventory)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        needed = [word for mark in item.iter_markers("needs") for word in mark.args]
        if why := config.stash[INVENTORY].missing(tuple(needed)):
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if "rig" in getattr(item, "fixturenames", ()):
        item.config.stash[RECORD].add(report)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    session.config.stash[RECORD].write(Path(session.config.rootpath) / "build" / "hw-tests")


@pytest.fixture(scope="session")
def running(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Built once, for all tests."""
    inventory = pytestconfig.stash[INVENTORY]
    with built(inventory, tmp_path_factory.mktemp(inventory.place)) as rig:
        pytestconfig.stash[RECORD].facts = rig.facts
        yield rig


@pytest.fixture
def rig(running: Rig) -> Rig:
    """Well, whatever the test before did to it."""
    running.gateway.ready()
    return running
