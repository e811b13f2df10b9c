"""What commands that drivers bring are lent."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from agent import i18n

if TYPE_CHECKING:
    from pydantic import BaseModel

    from agent.contract import Device, Host

M = TypeVar("M", bound="BaseModel")


class CommandTools:
    """Implements `agent.contract.Tools`."""

    def store(self, config: Path | None) -> Path:
        import yaml

        from agent.cli.where import CONFIG
        from agent.config.schema import Store

        try:
            settings = yaml.safe_load((config or CONFIG).read_text(encoding="utf-8"))
            return Path(settings["store"]["path"])
        except (OSError, UnicodeDecodeError, yaml.YAMLError, LookupError, TypeError):
            return Store().path

    def say(self, sentence: str, **values: object) -> str:
        return i18n.say(sentence, **values)

    def table(self, rows: Sequence[Sequence[str]]) -> Sequence[str]:
        import shutil

        from agent.cli.columns import table

        return table(rows, max(shutil.get_terminal_size((120, 24)).columns, 40))

    def model(self, task: str, store: Path) -> Path:
        from agent import paths

        return paths.model(task, store)

    def shipped(self, task: str) -> Path:
        from agent import paths

        return paths.share() / "models" / task

    def zones(self, name: str, store: Path) -> Path:
        from agent import paths

        places = list(paths.zones(name, store))
        return next((file for file in places if file.is_file()), places[-1])

    def read(self, file: Path, model: type[M]) -> M:
        from agent.config.beside import read_beside

        return read_beside(file, model)

    def memories(self, store: Path) -> Mapping[str, Mapping[str, str]]:
        from agent.host import DeviceState
        from agent.plan import STATE

        files = sorted((store / STATE).glob("*.json"))
        return {file.stem: DeviceState(file) for file in files}

    @contextmanager
    def device(self, name: str, config: Path | None) -> Iterator[tuple["Device", "Host"]]:
        from agent.cli.where import CONFIG
        from agent.clock import Clock
        from agent.config.load import load
        from agent.host import DeviceHost, DeviceState
        from agent.oneshot import named
        from agent.plan import state_folder

        loaded = load(config or CONFIG)
        i18n.use(loaded.settings.gateway.language)
        device = named(loaded, name)
        host = DeviceHost(device, Clock(), state_folder=state_folder(loaded.settings))
        host.state = DeviceState(None)  # the service's own is left as it is
        try:
            yield device, host
        finally:
            host.close()

    def ask(self, request: Mapping[str, Any], config: Path | None) -> Mapping[str, Any]:
        from agent.control.client import SOCKET, ask_once

        socket = SOCKET
        if config is not None:
            from agent.config.load import load

            socket = load(config).settings.control.socket
        return ask_once(socket, request)
