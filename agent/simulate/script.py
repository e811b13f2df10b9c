"""What a simulated day is like: one of three, or a file that changes one of them."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from agent.contract import Misconfigured
from agent.contract.settings import Seconds, Strict
from agent.simulate.lot import Rush
from agent.simulate.weather import Place, Shower

_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
DAYS: dict[str, dict[str, Any]] = {
    "soil": {
        "outside": [15, 31],
        "clouds": 0.15,
        "irrigation": [{"at": "06:40", "for": "25min"}, {"at": "19:00", "for": "20min"}],
    },
    "greenhouse": {
        "outside": [12, 27],
        "clouds": 0.2,
        "vents_above": 26,
        "irrigation": [{"at": "08:00", "for": "10min"}, {"at": "13:00", "for": "10min"}],
    },
    "parking": {
        "outside": [9, 22],
        "clouds": 0.4,
        "rush": [
            {"at": "08:15", "width": "1h", "share": 0.9},
            {"at": "12:20", "width": "50min", "share": 0.5},
            {"at": "18:30", "width": "80min", "share": 0.6},
        ],
    },
}


def of_day(text: str) -> float | None:
    """Seconds since midnight of HH:MM; None for anything else."""
    match = _CLOCK.fullmatch(text)
    return int(match[1]) * 3600.0 + int(match[2]) * 60.0 if match else None


def _clock(value: Any) -> Any:
    seconds = of_day(value) if isinstance(value, str) else None
    if seconds is None:
        raise ValueError("write a time of day like 06:30, in quotes")
    return seconds


ClockTime = Annotated[float, BeforeValidator(_clock)]


class Water(Strict):
    at: ClockTime
    seconds: Annotated[Seconds, Field(alias="for", gt=0)]
    rate: float = Field(20.0, gt=0, le=200, description="mm/h.")

    @property
    def shower(self) -> Shower:
        return Shower(self.at, self.seconds, self.rate)


class Peak(Strict):
    at: ClockTime
    width: Annotated[Seconds, Field(gt=0)]
    share: float = Field(gt=0, le=1, description="Of the spaces that are wanted then.")


class Script(Strict):
    """A simulated day. Times are of that day."""

    day: Literal["soil", "greenhouse", "parking"] = "soil"
    start: ClockTime = 6 * 3600.0
    seed: int = 1
    outside: tuple[float, float] = Field((14, 29), description="Lowest and highest, Cel.")
    clouds: float = Field(0.2, ge=0, le=1)
    vents_above: float | None = Field(None, description="A greenhouse: Cel at which it opens.")
    irrigation: tuple[Water, ...] = ()
    rain: tuple[Water, ...] = ()
    rush: tuple[Peak, ...] = ()
    faults: tuple[str, ...] = Field((), description="As behind --fault.")

    @property
    def place(self) -> Place:
        low, high = self.outside
        irrigation = [one.shower for one in self.irrigation]
        rain = [one.shower for one in self.rain]
        return Place(low, high, self.clouds, self.vents_above, irrigation, rain)

    @property
    def rushes(self) -> tuple[Rush, ...]:
        return tuple(Rush(one.at, one.width, one.share) for one in self.rush)


def script_named(name: str) -> Script:
    """One of the three days, or a file. Raises Misconfigured."""
    if name in DAYS:
        return Script.model_validate(DAYS[name] | {"day": name})
    return _from_file(Path(name))


def _from_file(file: Path) -> Script:
    import yaml

    try:
        written = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        if not isinstance(written, dict):
            raise _wrong(file, "a script has keys and values")
        base = DAYS.get(str(written.get("day", "soil")), {})
        return Script.model_validate(base | written)
    except FileNotFoundError as error:
        raise Misconfigured(
            "there is no day '{name}' and no file of that name",
            hint="the days are: {days}; or write a script, see docs/simulate.md",
            name=file,
            days=", ".join(DAYS),
        ) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _wrong(file, str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _wrong(file, f"{where}: {first['msg']}") from error


def _wrong(file: Path, problem: str) -> Misconfigured:
    return Misconfigured(
        "{file}: {problem}",
        hint="correct the script; docs/simulate.md shows one",
        file=file,
        problem=problem,
    )
