"""What a device's entry in the configuration may say when its driver is `simulated`."""

from typing import Annotated, Literal

from pydantic import Field

from agent.contract.settings import Id, Seconds, Strict


class Shape(Strict):
    shape: Literal["sine", "ramp", "count", "walk"] = Field(
        "sine",
        description="sine and ramp repeat; count is 1, 2, 3, …; walk goes up or down at random.",
    )
    unit: str = Field("1", description="UCUM.")
    mean: float = Field(0.0, description="Middle of the sine, the ramp and the walk.")
    amplitude: float = Field(1.0, ge=0, description="Farthest from the mean.")
    period: Annotated[Seconds, Field(gt=0)] = Field(
        60.0, description="Of the sine and the ramp; the walk crosses its range in about that."
    )


_AIR = Shape(unit="Cel", mean=21.0, amplitude=4.0)


class SimulatedSettings(Strict):
    points: dict[Id, Shape] = Field(
        {"air_temperature": _AIR}, min_length=1, description="Name -> shape of each point."
    )
    fail_every: int = Field(0, ge=0, description="Each such read is a lost link; 0: none.")
    fault_every: int = Field(
        0, ge=0, description="Each such read finds the first point bad; 0: none."
    )
    seed: int = Field(0, description="Of the walks; devices with other ids walk otherwise.")
