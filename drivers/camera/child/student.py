"""Gathers what a camera's looks say of its spaces, and tells the parent now and then."""

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.camera.child.setup import Setup
from drivers.camera.child.telling import Teller
from drivers.camera.tasks.looks import Looks


@dataclass(slots=True)
class Student:
    """`every`: s between two looks that count; `tell`: s between two tellings, of which each is a
    write to the gateway's disk."""

    looks: Looks
    every: float
    tell: float
    _told: float | None = None

    @classmethod
    def of(cls, setup: Setup) -> "Student | None":
        """None where nothing shall be learnt."""
        if setup.learn is None or setup.zones is None:
            return None
        spaces = [str(space["id"]) for space in setup.zones["spaces"]]
        text = str(setup.learn["looks"])
        looks = Looks.from_text(text, spaces) if text else Looks(spaces)
        return cls(looks, float(setup.learn["every"]), float(setup.learn["tell"]))

    def forget(self) -> None:
        """What was seen so far is of another view."""
        self.looks = Looks(self.looks.spaces)

    def look(self, at: float, chances: Mapping[str, float], teller: Teller) -> None:
        """A look whose view was measured just now and was well. `at`: s of this boot."""
        if not self.looks.add(at, chances, self.every):
            return
        if self._told is None:
            self._told = at
        elif at - self._told >= self.tell:
            self._told = at
            teller.tell("looks", {"at": at, "looks": self.looks.to_text()})
