"""`zones/CAMERA.calibration.yaml`: what `fieldgate vision occupancy --calibrate` has found."""

import base64
import logging
from math import isfinite
from pathlib import Path
from struct import iter_unpack
from typing import Annotated

from pydantic import Field, ValidationError, field_validator

from agent.contract import Misconfigured
from agent.contract.settings import Strict
from drivers.camera.vision.card import read_card

log = logging.getLogger(__name__)

Chance = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class ByHand(Strict):
    camera: str = ""
    thresholds: dict[str, Chance] = Field(
        default_factory=dict, description='From which chance on a space is taken; "": all others.'
    )
    by: str = Field("", description="labels, or looks alone.")
    looks: int = 0
    model: str = Field("", description="ID/VERSION of the net it was found with.")
    lean: str | None = Field(
        None, max_length=20_000, description="What corrects that net here; in base64."
    )

    @field_validator("lean")
    @classmethod
    def _whole(cls, text: str | None) -> str | None:
        """Finite numbers of 32 bits, two or more."""
        body = base64.b64decode(text or "AAAAAAAAAAA=", validate=True)
        if (
            len(body) < 8
            or len(body) % 4
            or not all(isfinite(v) for (v,) in iter_unpack("<f", body))
        ):
            raise ValueError("is damaged; calibrate again")
        return text

    def lean_for(self, folder: Path) -> str:
        """What corrects the net of this folder; "": nothing, as for any other net than its own.
        Raises Misconfigured."""
        if not self.lean:
            return ""
        card = read_card(folder / "card.yaml")
        if f"{card.id}/{card.version}" == self.model:
            return self.lean
        log.warning(
            "%s: its calibration is of the model %s, not %s/%s; calibrate again",
            self.camera, self.model, card.id, card.version,
        )  # fmt: skip
        return ""


def read_by_hand(file: Path | None) -> ByHand:
    """None: nothing was said. Raises Misconfigured."""
    import yaml

    if file is None:
        return ByHand()
    try:
        return ByHand.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise _broken(file, f"{where}: {first['msg']}") from error
    except OSError as error:
        raise _broken(file, error.strerror or str(error)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _broken(file, str(error)) from error


def _broken(file: Path, problem: str) -> Misconfigured:
    return Misconfigured(
        "{file}: {problem}", hint="correct the file, and try again", file=file, problem=problem
    )
