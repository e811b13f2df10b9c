"""What can go wrong, sorted by what the gateway does about it.

GatewayError
├── LinkLost        transient: retry with backoff, for ever
├── DeviceFault     the device answered "no": keep the link, mark readings bad
└── Misconfigured   permanent: park the device until its configuration changes

Anything that is not a GatewayError is a bug: logged with its traceback, counted, restarted.
"""


class GatewayError(Exception):
    """An expected failure.

    `message` and `hint` are English templates, filled from `args`; the templates are what the
    message catalogue translates. `hint` is the next action in a technician's words. `reason` is
    the short code that a bad reading carries (`bad:timeout`): lower snake case.
    """

    exit_code = 75

    def __init__(self, message: str, *, hint: str = "", reason: str = "", **args: object) -> None:
        super().__init__(message.format(**args) if args else message)
        self.template = message
        self.hint_template = hint
        self.hint = hint.format(**args) if args else hint
        self.reason = reason or self.default_reason
        self.values = args

    default_reason = "fault"


WIRE_GONE = frozenset({"no_port", "no_peer", "no_adapter"})
"""Reasons of a LinkLost that no device is to blame for: the wire or the radio is not there."""

CHILD_ENDED = frozenset({"child_died", "child_hung", "child_memory", "child_garbage"})
"""Reasons of a LinkLost that a process of the device's own is to blame for, and no device."""


class LinkLost(GatewayError):
    """No answer: timeout, unplugged adapter, refused connection.

    `retry_after` (seconds): asking again earlier cannot succeed, because the answer to the lost
    request may still arrive and must be waited out first.
    """

    default_reason = "timeout"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        reason: str = "",
        retry_after: float = 0.0,
        **args: object,
    ) -> None:
        super().__init__(message, hint=hint, reason=reason, **args)
        self.retry_after = retry_after


class DeviceFault(GatewayError):
    """The device answered and said no: Modbus exception code, sensor error flag."""


class Misconfigured(GatewayError):
    """Nothing changes without an edit: unknown profile, address outside the table."""

    exit_code = 78
    default_reason = "configuration"
