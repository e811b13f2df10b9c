"""One broker, and as whom to connect to it. Files are read when connecting, not before."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agent.contract import Misconfigured

if TYPE_CHECKING:
    from agent.config.schema import UplinkSettings


class _Socket(ssl.SSLSocket):
    """Closes itself when the handshake fails; paho would leave it open."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


@dataclass(frozen=True, slots=True)
class Endpoint:
    host: str
    port: int
    client_id: str
    secure: bool = False
    mqtt: str = "5"  # or "3.1.1"
    keepalive: float = 60.0  # s
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @classmethod
    def of(cls, broker: str, settings: "UplinkSettings", client_id: str) -> "Endpoint":
        """`broker` is one of the settings' addresses."""
        host, port, secure = address(broker)
        return cls(
            host=host,
            port=port,
            client_id=client_id,
            secure=secure,
            mqtt=settings.mqtt,
            keepalive=settings.keepalive,
            username=settings.username,
            password_file=settings.password_file,
            ca_file=settings.tls.ca_file,
            cert_file=settings.tls.cert_file,
            key_file=settings.tls.key_file,
        )

    @property
    def name(self) -> str:
        return f"{'mqtts' if self.secure else 'mqtt'}://{self.host}:{self.port}"

    def password(self) -> str | None:
        """Without the line end that editors add. Raises Misconfigured."""
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise _unreadable(self.password_file, error) from error

    def context(self) -> ssl.SSLContext:
        """Verifies the broker's name and, with `ca_file`, that this CA signed it; without one,
        the machine's own CAs count. Raises Misconfigured."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise _unreadable(self.ca_file, error) from error
        context.sslsocket_class = _Socket
        if self.cert_file is not None:
            try:
                context.load_cert_chain(self.cert_file, self.key_file)
            except (OSError, ssl.SSLError) as error:
                raise _unreadable(self.cert_file, error) from error
        return context


def address(broker: str) -> tuple[str, int, bool]:
    """Host, port and whether TLS is spoken there, of mqtt://… or mqtts://…"""
    parts = urlsplit(broker)
    secure = parts.scheme == "mqtts"
    return parts.hostname or "", parts.port or (8883 if secure else 1883), secure


def _unreadable(file: Path | None, error: Exception) -> Misconfigured:
    return Misconfigured(
        "{file} cannot be used: {error}",
        hint="is it there, may fieldgate read it, and is it what its name says?",
        file=file,
        error=error,
    )
