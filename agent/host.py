"""What a driver is given: a clock, its wire, its files, a thread, and a little memory."""

import json
import os
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from agent import paths
from agent.child import ChildProcess
from agent.clock import Clock
from agent.contract import ChildLimits, Device, Instant, Misconfigured, Wire
from agent.threads import Worker

if TYPE_CHECKING:
    from pydantic import BaseModel

T = TypeVar("T")
M = TypeVar("M", bound="BaseModel")


class DeviceState(MutableMapping[str, str]):
    """A device's memory across restarts: one small JSON file, replaced as a whole.

    `file` None keeps it in RAM only (one-shot commands). A damaged file is an empty memory.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._dirty = False
        self._values = _load(file)

    def __getitem__(self, key: str) -> str:
        return self._values[key]

    def __setitem__(self, key: str, value: str) -> None:
        if self._values.get(key) != value:
            self._values[key] = value
            self._dirty = True

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        self._dirty = True

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def save(self) -> None:
        """Writes when something changed: new file, fsync, rename."""
        if self._file is None or not self._dirty:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as to:
            json.dump(self._values, to)
            to.flush()
            os.fsync(to.fileno())
        fresh.replace(self._file)
        self._dirty = False


def _load(file: Path | None) -> dict[str, str]:
    if file is None:
        return {}
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in values.items()} if isinstance(values, dict) else {}


class DeviceHost:
    """Implements `agent.contract.Host` for one device."""

    def __init__(
        self,
        device: Device,
        clock: Clock,
        wire: Wire | None = None,
        state_folder: Path | None = None,
        site_profiles: Path = paths.SITE_PROFILES,
    ) -> None:
        self._device = device
        self._clock = clock
        self._wire = wire
        self._site_profiles = site_profiles
        self._worker: Worker | None = None
        self._store = state_folder and state_folder.parent
        self.state = DeviceState(state_folder and state_folder / f"{device.id}.json")

    def now(self) -> Instant:
        return self._clock.now()

    def wire(self) -> Wire:
        if self._wire is None:
            raise Misconfigured(
                "{device} needs a wire",
                hint="add `wire:` to the device, naming one of `wires:`",
                device=self._device.id,
            )
        return self._wire

    def profile(self, name: str) -> Path:
        return paths.profile(self._device.driver, name, (self._site_profiles,))

    def zones(self, name: str) -> Path:
        places = list(paths.zones(name, self._store))
        return next((file for file in places if file.is_file()), places[-1])

    def read(self, file: Path, model: type[M]) -> M:
        from agent.config.beside import read_beside

        return read_beside(file, model)

    def model(self, task: str) -> Path:
        return paths.model(task, self._store)

    def candidate(self, task: str) -> Path | None:
        return paths.candidate(task, self._store)

    def secret(self, file: Path) -> bytes:
        try:
            return file.read_bytes().strip()
        except OSError as error:
            raise Misconfigured(
                "{device}: the secret {file} cannot be read: {why}",
                hint="let the user fieldgate read it: chgrp fieldgate FILE; chmod 640 FILE",
                device=self._device.id,
                file=file,
                why=error.strerror or error,
            ) from error

    async def child(self, argv: Sequence[str], limits: ChildLimits) -> ChildProcess:
        return await ChildProcess.start(self._device.id, argv, limits, {})

    async def blocking(self, call: Callable[[], T]) -> T:
        if self._worker is None:
            self._worker = Worker(f"device-{self._device.id}")
        return await self._worker.call(call)

    def close(self) -> None:
        """Saves the memory and ends the thread."""
        self.state.save()
        if self._worker is not None:
            self._worker.close()
            self._worker = None
