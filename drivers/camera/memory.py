"""What a camera's view was like, across restarts; for as long as it is meant to look there."""

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from drivers.camera.messages import Nonsense

MOST = 80_000  # characters
VIEW, AIM = "reference", "aim"  # in the device's state


@dataclass(frozen=True, slots=True)
class Memory:
    """`aim`: as `Site.aim`; another one, and nothing is known of the view. `keeps`: whether
    anything may stay on the disk."""

    state: MutableMapping[str, str]
    aim: str
    keeps: bool

    def recall(self) -> str:
        """As `Known.to_text` made it; empty when nothing is known."""
        if not self.keeps or self.state.get(AIM) != self.aim:
            self.forget()
        return self.state.get(VIEW, "")

    def remember(self, view: Any) -> None:
        """Raises Nonsense."""
        if not isinstance(view, str) or len(view) > MOST:
            raise Nonsense("a view of another shape")
        if self.keeps:
            self.state[VIEW], self.state[AIM] = view, self.aim

    def forget(self) -> None:
        for name in (VIEW, AIM):
            if name in self.state:
                del self.state[name]
