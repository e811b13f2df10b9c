"""HTTP and HTTPS to a number, in the words for its name: here nobody can be asked for it."""

import http.client
import socket
import ssl
import urllib.request
from functools import partial
from typing import Any

from drivers.camera.trust import Trust

NAME_MISMATCH = frozenset({62, 64})  # X509_V_ERR_HOSTNAME_MISMATCH, …_IP_ADDRESS_MISMATCH


class Untrusted(OSError):
    """The certificate is for another name, and none of those that are trusted as they are."""


class Reached(urllib.request.AbstractHTTPHandler):
    """Opens http:// and https:// of one camera."""

    def __init__(self, number: str, trust: Trust | None) -> None:
        super().__init__()
        self._number, self._trust = number, trust

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_Plain, self._number), request)

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        if self._trust is None:
            raise Untrusted("nobody is trusted")
        return self.do_open(partial(_Secure, self._number, self._trust), request)

    http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_


class _Plain(http.client.HTTPConnection):
    def __init__(self, number: str, host: str, /, **usual: Any) -> None:
        super().__init__(host, **usual)
        self._number = number

    def connect(self) -> None:
        self.sock = self._connected()

    def _connected(self) -> socket.socket:
        return socket.create_connection((self._number or self.host, self.port), self.timeout)


class _Secure(_Plain):
    default_port = 443

    def __init__(self, number: str, trust: Trust, host: str, /, **usual: Any) -> None:
        super().__init__(number, host, **usual)
        self._trust = trust

    def connect(self) -> None:
        """Raises ssl.SSLError, Untrusted."""
        try:
            self.sock = self._spoken(self._trust.named)
        except ssl.SSLCertVerificationError as error:
            if not self._trust.own or error.verify_code not in NAME_MISMATCH:
                raise
            self.sock = self._known()

    def _known(self) -> ssl.SSLSocket:
        """One whose certificate is itself among the trusted: then its name says nothing more."""
        spoken = self._spoken(self._trust.signed)
        if spoken.getpeercert(binary_form=True) not in self._trust.own:
            spoken.close()
            raise Untrusted("a certificate for another name")
        return spoken

    def _spoken(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        plain = self._connected()
        try:
            return context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise
