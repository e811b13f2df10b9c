"""CloudEvents 1.0, structured, in the JSON batch format: one array a pack.

Every event has `fgepoch` and `fgseq`; the first one of a pack also carries what the pack accounts
for (`fgfirst`, `fglast`, `fgskip`, `fgagain`, `fgprev`, `fgcat`). A pack without members is one
event of type `fieldgate.account`, without `fgseq`. Extension attributes are lower-case letters and
digits, and scalars (CloudEvents 1.0.2, "Type System" and "Naming Conventions").

Pictures are events, too: `data_base64` is the JPEG, and what there is to say of it are extensions.
"""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from agent.contract import EVENTS, TELEMETRY, Event, Happening, Pack, Value
from agent.uplink.formats.arrival import VERSION, Arrival, Occurrence, account, previous, skips

CONTENT_TYPE = "application/cloudevents-batch+json"
_TYPE = "fieldgate."
_ACCOUNT = "fieldgate.account"
_TOLD = {f"fg{key}" for key in ("sha256", "bytes", "width", "height", "role", "event")}


class CloudEvents:
    """Packs of events to text."""

    content_type = CONTENT_TYPE

    def __init__(
        self, gateway: str, picture: Callable[[str], bytes | None] = lambda _: None
    ) -> None:
        """`picture`: the JPEG of that id, None when it is gone."""
        self._gateway, self._picture = gateway, picture

    def encode(self, pack: Pack, catalogue: str) -> bytes:
        if pack.stream == TELEMETRY:
            raise ValueError("CloudEvents carry no readings")
        members = zip(pack.members, pack.happenings, strict=True)
        events = [self._event(pack, seq, happening) for seq, happening in members]
        if not events:
            events.append(
                self._envelope(f"{pack.epoch}/{pack.stream}/{pack.first}-{pack.last}", pack)
            )
        events[0] |= {"fgcat": catalogue, **{f"fg{k}": v for k, v in account(pack).items()}}
        return json.dumps(events, ensure_ascii=False, separators=(",", ":")).encode()

    def _envelope(self, name: str, pack: Pack) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": name,
            "source": f"/{self._gateway}",
            "type": _ACCOUNT,
            "fg": VERSION,
            "fgepoch": pack.epoch,
        }

    def _event(self, pack: Pack, seq: int, happening: Happening) -> dict[str, Any]:
        event = happening.event
        fields = self._envelope(f"{pack.epoch}/{pack.stream}/{seq}", pack) | {
            "type": _TYPE + event.kind,
            "time": _time(happening.time),
            "data": {key: _plain(value) for key, value in event.data.items()},
            "fgseq": seq,
        }
        if event.subject:
            fields["subject"] = event.subject
        if happening.estimated:
            fields["fgtq"] = "estimated"
        return fields if pack.stream == EVENTS else self._shown(fields, event)

    def _shown(self, fields: dict[str, Any], event: Event) -> dict[str, Any]:
        """With the picture itself; one that has expired is told to be gone."""
        jpeg = self._picture(event.subject)
        if jpeg is None:
            fields["data"]["gone"] = True
            return fields
        told = {f"fg{key}": value for key, value in fields.pop("data").items() if key != "id"}
        picture = base64.b64encode(jpeg).decode()
        return fields | told | {"datacontenttype": "image/jpeg", "data_base64": picture}


def _plain(value: Value | None) -> Value | None:
    """JSON has no word for what is not finite: it travels as text."""
    return repr(value) if isinstance(value, float) and not isfinite(value) else value


def _time(ms: int) -> str:
    """RFC 3339, to the millisecond."""
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def _milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def decode(body: bytes) -> Arrival:
    """A pack of ours. Raises ValueError."""
    try:
        events = json.loads(body)
        head = events[0]
        return Arrival(
            gateway=head["source"].strip("/"),
            epoch=head["fgepoch"],
            stream=head["id"].split("/")[1],
            first=int(head["fgfirst"]),
            last=int(head["fglast"]),
            skip=skips(head.get("fgskip", "")),
            again=bool(head.get("fgagain", False)),
            previous=previous(head.get("fgprev", "")),
            catalogue=head.get("fgcat", ""),
            version=int(head["fg"]),
            occurrences=tuple(_occurrence(event) for event in events if "fgseq" in event),
        )
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"not a pack of fieldgate: {error!r}") from error


def _picture(event: Mapping[str, Any]) -> dict[str, Any]:
    """Of a picture what an event would say of it, and its bytes as `jpeg`."""
    if "data_base64" not in event:
        return {}
    told = {key[2:]: event[key] for key in event if key in _TOLD}
    return told | {"id": event["subject"], "jpeg": base64.b64decode(event["data_base64"])}


def _occurrence(event: Mapping[str, Any]) -> Occurrence:
    return Occurrence(
        kind=event["type"].removeprefix(_TYPE),
        subject=event.get("subject", ""),
        data=event.get("data") or _picture(event),
        at=_milliseconds(event["time"]),
        estimated=event.get("fgtq") == "estimated",
    )
