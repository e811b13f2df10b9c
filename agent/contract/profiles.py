"""Profiles of one driver: each is read once, and again when its file has changed."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Generic, TypeVar

from agent.contract.driver import Host
from agent.contract.errors import Misconfigured

P = TypeVar("P")
_MOST = 256  # profiles kept


class Shelf(Generic[P]):
    """One object for all devices of a kind: reading YAML takes longer than reading a device.

    `load` makes a profile of a file. It raises pydantic.ValidationError, yaml.YAMLError, or
    Misconfigured in its own words.
    """

    def __init__(self, load: Callable[[Path], P]) -> None:
        @lru_cache(maxsize=_MOST)
        def loaded(file: Path, mtime: int, size: int) -> P:  # noqa: ARG001  a changed file is read anew
            return load(file)

        self._loaded = loaded

    def find(self, host: Host, name: str) -> P:
        """Raises Misconfigured: none has that name, or it is broken."""
        from pydantic import ValidationError
        from yaml import YAMLError

        file = host.profile(name)
        try:
            look = file.stat()
            return self._loaded(file, look.st_mtime_ns, look.st_size)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise broken_profile(file, f"{where}: {first['msg']}") from error
        except (OSError, YAMLError, UnicodeDecodeError) as error:
            raise broken_profile(file, str(error)) from error


def broken_profile(file: Path, problem: str) -> Misconfigured:
    return Misconfigured(
        "{file}: {problem}",
        hint="correct the profile; `fieldgate check` reads it again",
        file=file,
        problem=problem,
    )


def chosen_points(
    points: Mapping[str, P], wanted: Sequence[str] | None, profile: str
) -> Mapping[str, P]:
    """Those that a device's `points:` names; None: all. Raises Misconfigured with a near name."""
    if wanted is None:
        return points
    for name in wanted:
        if name not in points:
            from difflib import get_close_matches

            near = get_close_matches(name, points, n=1) or list(points)
            raise Misconfigured(
                "the profile {profile} has no point '{point}', but for example '{near}'",
                hint="correct `points:` of the device, or leave it out to read all",
                profile=profile,
                point=name,
                near=near[0],
            )
    return {name: points[name] for name in wanted}
