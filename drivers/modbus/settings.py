"""What a device's entry in the configuration may say when its driver is `modbus`."""

from typing import Annotated

from pydantic import Field

from agent.contract.settings import Id, LineOverride, Seconds, Strict


class ModbusSettings(Strict):
    profile: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Name of the device's profile, without .yaml.",
    )
    unit: int | None = Field(
        None, ge=1, le=255, description="Unit id; default: as the device leaves the factory."
    )
    points: tuple[Id, ...] | None = Field(
        None, min_length=1, description="Only these points; default: all of the profile."
    )
    line: LineOverride | None = Field(
        None, description="Line settings of this device where they differ from its wire's."
    )
    timeout: Annotated[Seconds, Field(gt=0, le=60)] | None = Field(
        None, description="For an answer; default: the profile's."
    )
    guard: Annotated[Seconds, Field(le=5)] | None = Field(
        None, description="Silence before a request; default: the profile's."
    )
    max_late: Annotated[Seconds, Field(le=60)] | None = Field(
        None, description="How late a lost answer may still come; default: the profile's."
    )
    warm_up: Annotated[Seconds, Field(le=86400)] | None = Field(
        None, description="Values are uncertain so long after contact; default: the profile's."
    )
