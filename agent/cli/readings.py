"""Readings in words, as the control socket gives them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from agent.cli.columns import table
from agent.i18n import say

SYMBOLS = {
    "1": "", "Cel": "°C", "[pH]": "pH", "[ppm]": "ppm", "deg": "°", "uS/cm": "µS/cm",
    "umol/m2/s": "µmol/m²/s", "kW.h": "kWh", "V.A": "VA", "kV.A.h": "kVAh", "kvar.h": "kvarh",
    "A.h": "Ah",
}  # fmt: skip
"""UCUM -> as it stands on a device."""

Line = Mapping[str, Any]
"""device, point, value, unit, quality, reason, t."""


def moment(t: float) -> str:
    """Local time of day, in ms."""
    return datetime.fromtimestamp(t).astimezone().strftime("%H:%M:%S.%f")[:-3]


def value(line: Line) -> str:
    """With its unit; a bad reading has no value."""
    if line["value"] is None:
        return "-"
    number = line["value"]
    text = f"{number:.6g}" if isinstance(number, float) else str(number)
    return f"{text} {SYMBOLS.get(line['unit'], line['unit'])}".rstrip()


def quality(line: Line) -> str:
    return f"{line['quality']}: {line['reason']}" if line["reason"] else str(line["quality"])


def sheet(readings: Sequence[Line], raw: Mapping[str, str], limit: int) -> list[str]:
    """One device's sample as a table of at most `limit` columns."""
    head = [say("POINT"), say("value"), say("quality"), say("raw")]
    rows = [
        [line["point"], value(line), quality(line), raw.get(line["point"], "")] for line in readings
    ]
    return table([head, *rows], limit)
