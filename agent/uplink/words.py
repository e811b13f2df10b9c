"""What can go wrong with a broker, in words, and how soon it is worth trying again.

The `reason` of each error says the latter: `lost`, `refused` (nothing changes before somebody acts
on the platform) or `taken_over`. `values["code"]` is the MQTT reason code, 0 where there was none.
"""

import socket
import ssl

from agent.contract import LinkLost
from agent.uplink.endpoint import Endpoint

LOST = "lost"
REFUSED = "refused"
TAKEN_OVER = "taken_over"

# MQTT 5.0, section 2.4
NO_MATCHING_SUBSCRIBERS = 0x10
MALFORMED_PACKET = 0x81
PROTOCOL_ERROR = 0x82
UNSUPPORTED_PROTOCOL = 0x84
NOT_AUTHORIZED = 0x87
SESSION_TAKEN_OVER = 0x8E
PACKET_TOO_LARGE = 0x95
QUOTA_EXCEEDED = 0x97
PAYLOAD_FORMAT_INVALID = 0x99
_BUSY = frozenset({0x88, 0x89, 0x96, QUOTA_EXCEEDED, 0x9F})
_ADMINISTRATIVE = frozenset({NOT_AUTHORIZED, 0x98, 0x9A, 0x9B, 0x9C, 0x9D})


def unreachable(endpoint: Endpoint, error: Exception) -> LinkLost:
    """From what the operating system or TLS said."""
    broker, host, port = endpoint.name, endpoint.host, endpoint.port
    if isinstance(error, ssl.SSLCertVerificationError):
        return LinkLost(
            "{broker} cannot prove who it is: {why}",
            hint="compare `tls: ca_file:` with the platform's CA, the name in `brokers:` with the "
            "certificate, and this machine's clock with the time",
            reason=LOST,
            broker=broker,
            why=error.verify_message,
        )
    if isinstance(error, ssl.SSLError):
        return LinkLost(
            "no TLS with {broker}: {why}",
            hint="is {port} its TLS port, and does it ask for a client certificate (`cert_file:`)?",
            reason=LOST,
            broker=broker,
            port=port,
            why=getattr(error, "reason", None) or error,
        )
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return LinkLost(
            "the name {host} is not known here",
            hint="is the network up? otherwise correct `brokers:` or this machine's DNS",
            reason=LOST,
            host=host,
        )
    return LinkLost(
        "{broker} does not answer: {why}",
        hint="check the network, the address, and that a firewall lets port {port} through",
        reason=LOST,
        broker=broker,
        port=port,
        why=getattr(error, "strerror", None) or error or type(error).__name__,
    )


def silent(endpoint: Endpoint, seconds: float) -> LinkLost:
    return LinkLost(
        "{broker} does not answer within {seconds:g} s",
        hint="check the network, the address, and that a firewall lets port {port} through",
        reason=LOST,
        broker=endpoint.name,
        port=endpoint.port,
        seconds=seconds,
    )


def refused(endpoint: Endpoint, code: int, why: str) -> LinkLost:
    """The broker's answer to CONNECT."""
    if code == UNSUPPORTED_PROTOCOL:
        return LinkLost(
            "{broker} does not speak MQTT {mqtt}",
            hint="write `mqtt: 3.1.1` for this uplink",
            reason=REFUSED,
            broker=endpoint.name,
            mqtt=endpoint.mqtt,
            code=code,
        )
    if code in _BUSY:
        return LinkLost(
            "{broker} takes no connections now: {why}",
            hint="it is tried again; ask whoever runs the broker if it lasts",
            reason=LOST,
            broker=endpoint.name,
            why=why,
            code=code,
        )
    return LinkLost(
        "{broker} refuses the login of {who}: {why}",
        hint="correct it on the platform, or `username:`, `password_file:` or the certificate "
        "here; it is tried again every 1 to 15 min",
        reason=REFUSED,
        broker=endpoint.name,
        who=endpoint.username or endpoint.client_id,
        why=why,
        code=code,
    )


def unwelcoming(endpoint: Endpoint, code: int, why: str) -> LinkLost:
    """The connection ended before the broker had answered CONNECT."""
    return LinkLost(
        "{broker} closed the connection before it let us in: {why}",
        hint="does it speak MQTT {mqtt} on port {port}, does it expect TLS there, "
        "and does it ask for a client certificate (`cert_file:`)?",
        reason=LOST,
        broker=endpoint.name,
        port=endpoint.port,
        mqtt=endpoint.mqtt,
        why=why,
        code=code,
    )


def ended(endpoint: Endpoint, code: int, why: str) -> LinkLost:
    """The broker ended the connection, with or without saying why."""
    if code == SESSION_TAKEN_OVER:
        return LinkLost(
            "another gateway uses the identity {client}: {broker} gave it our connection",
            hint="give one of the two another gateway id or `client_id:`; is a copied card in use?",
            reason=TAKEN_OVER,
            broker=endpoint.name,
            client=endpoint.client_id,
            code=code,
        )
    return LinkLost(
        "{broker} ended the connection: {why}",
        hint="it is tried again; ask whoever runs the broker if it lasts",
        reason=REFUSED if code in _ADMINISTRATIVE else LOST,
        broker=endpoint.name,
        why=why,
        code=code,
    )


def perhaps_taken_over(endpoint: Endpoint) -> LinkLost:
    """Brokers before MQTT 5 (and mosquitto 2.0) close a connection that is taken over silently."""
    return LinkLost(
        "{broker} drops us each time soon after it let us in",
        hint="does another gateway use the identity {client}? "
        "give one of the two another gateway id or `client_id:`",
        reason=TAKEN_OVER,
        broker=endpoint.name,
        client=endpoint.client_id,
        code=0,
    )


def stalled(endpoint: Endpoint, seconds: float) -> LinkLost:
    return LinkLost(
        "{broker} acknowledged nothing for {seconds:g} s",
        hint="is the line too slow or the broker overloaded? a smaller `batch:` or `window:` helps",
        reason=LOST,
        broker=endpoint.name,
        seconds=seconds,
        code=0,
    )


def denied(endpoint: Endpoint, topic: str, code: int) -> LinkLost:
    """A PUBACK that says no to a whole topic."""
    return LinkLost(
        "{broker} does not let {who} publish on {topic} (code {code:#04x})",
        hint="allow the topic on the platform, or correct `root:`; "
        "it is tried again every 1 to 15 min",
        reason=REFUSED,
        broker=endpoint.name,
        who=endpoint.username or endpoint.client_id,
        topic=topic,
        code=code,
    )


def no_acknowledgements(endpoint: Endpoint) -> LinkLost:
    return LinkLost(
        "{broker} offers only QoS 0: it would acknowledge nothing",
        hint="ask whoever runs the broker to allow QoS 1",
        reason=REFUSED,
        broker=endpoint.name,
        code=0,
    )
