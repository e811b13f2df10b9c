"""The words on the control socket: one JSON object a line."""

import json
from collections.abc import Mapping
from typing import Any

from agent.contract import DeviceFault, GatewayError, LinkLost, Misconfigured

LONGEST_REQUEST = 1 << 20  # bytes: a replay may name many ranges
KINDS: dict[str, type[GatewayError]] = {
    kind.__name__: kind for kind in (LinkLost, DeviceFault, Misconfigured)
}


class ServiceBug(GatewayError):
    """The service failed over a request in a way that it did not foresee."""

    exit_code = 70


def dump(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def request(line: bytes) -> dict[str, Any]:
    """What was asked. Raises Misconfigured unless it is an object with a verb."""
    try:
        asked = json.loads(line)
    except ValueError:
        asked = None
    if not isinstance(asked, dict) or not isinstance(asked.get("do"), str):
        raise Misconfigured(
            "a request is one JSON object on one line",
            hint="send something like {example}",
            example='{"do": "status"}',
        )
    return asked


def failure(error: GatewayError) -> dict[str, Any]:
    """As an object with `error` and `hint`; the rest lets a command say it in its own language."""
    return {
        "error": str(error),
        "hint": error.hint,
        "kind": type(error).__name__,
        "reason": error.reason,
        "template": error.template,
        "hint_template": error.hint_template,
        "values": {name: _plain(value) for name, value in error.values.items()},
    }


def bug() -> dict[str, Any]:
    return failure(
        ServiceBug(
            "the service failed over this request",
            hint="journalctl -u fieldgate -n 50, and report what it says",
        )
    )


def raised(answer: Mapping[str, Any]) -> GatewayError:
    """The error that an object with `error` stands for."""
    kind = KINDS.get(str(answer.get("kind")), ServiceBug)
    reason = str(answer.get("reason", ""))
    template, hint = answer.get("template"), answer.get("hint_template")
    values = answer.get("values")
    if isinstance(template, str) and isinstance(hint, str) and isinstance(values, dict):
        try:
            return kind(template, hint=hint, reason=reason, **values)
        except (TypeError, ValueError, LookupError):
            pass  # from another version: its plain text below will do
    return kind(str(answer["error"]), hint=str(answer.get("hint", "")), reason=reason)


def _plain(value: object) -> object:
    return value if isinstance(value, int | float | str | bool) or value is None else str(value)
