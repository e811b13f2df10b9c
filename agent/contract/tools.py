"""What the agent lends to a command that a driver brings."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from pydantic import BaseModel

    from agent.contract.device import Device
    from agent.contract.driver import Host

M = TypeVar("M", bound="BaseModel")


class Tools(Protocol):
    """Files, words and the running service, as the agent's own commands have them."""

    def store(self, config: Path | None) -> Path:
        """The folder of the store by a configuration (None: the usual file); the usual folder where
        that cannot be read or names none."""

    def say(self, sentence: str, **values: object) -> str:
        """The English sentence in the language of the terminal, its {values} filled in."""

    def table(self, rows: Sequence[Sequence[str]]) -> Sequence[str]:
        """Lines for the terminal; the first row is the head."""

    def model(self, task: str, store: Path) -> Path:
        """The folder of the model in use. Raises Misconfigured when there is none."""

    def shipped(self, task: str) -> Path:
        """The folder of the model that the package brought; it may not exist."""

    def zones(self, name: str, store: Path) -> Path:
        """A camera's file of zones; it may not exist."""

    def read(self, file: Path, model: type[M]) -> M:
        """A YAML file. Raises Misconfigured, with file, line and what to do for each mistake."""

    def memories(self, store: Path) -> Mapping[str, Mapping[str, str]]:
        """What the drivers of a store's devices remember (`Host.state`), by device."""

    def device(
        self, name: str, config: Path | None
    ) -> AbstractContextManager[tuple["Device", "Host"]]:
        """A device of a configuration (None: the usual file), for a driver outside the service.
        Raises Misconfigured."""

    def ask(self, request: Mapping[str, Any], config: Path | None) -> Mapping[str, Any]:
        """The running service's only answer. Raises LinkLost (`no_service` where none runs),
        Misconfigured, and what it answers with."""
