"""The `parking:` section: which detector watches which space."""

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from agent.contract.settings import Id, Seconds, Strict


def _label(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Label = Annotated[
    str,
    BeforeValidator(_label, json_schema_input_type=str | int),
    Field(json_schema_extra={"pattern": r"^[a-z0-9]{1,16}$"}),
]


class SpaceSettings(Strict):
    device: Id = Field(description="One of `devices:`: the detector, or its receiver.")
    detector: Label | None = Field(
        None, min_length=1, description="Behind a receiver: the label that its points end in."
    )
    point: Id | None = Field(
        None, description="The point that tells the state; default: occupied or parking_state."
    )
    axes: tuple[Id, Id, Id] | None = Field(
        None, description="Points of a raw magnetometer; default: magnetic_x, _y and _z."
    )
    name: str = Field("", description="Free text, Chinese welcome.")
    silent_after: Annotated[Seconds, Field(gt=0, le=30 * 86400)] | None = Field(
        None, description="A detector unheard so long leaves its space unknown."
    )

    @model_validator(mode="after")
    def _one_source(self) -> "SpaceSettings":
        if self.axes is not None and self.point is not None:
            raise ValueError("`point:` tells a state, `axes:` a raw field; write one of them")
        return self


class ParkingSettings(Strict):
    spaces: dict[Id, SpaceSettings] = Field({}, description="Id of the space -> its detector.")
