"""Pictures over HTTP: a stream of JPEGs that never ends, or one picture for each request."""

import http.client
import select
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from drivers.camera.child.lost import Lost, pause_after
from drivers.camera.child.multipart import LONGEST, Parts
from drivers.camera.child.reached import Reached, Untrusted
from drivers.camera.trust import Trust

TIMEOUT = 3.0  # s for the connection, and for each piece of what comes
SLOWEST = 8.0  # s that one picture may take in all
PIECE = 65536
RETRY = 1.0  # s between two connections
OLDEST = 1.0  # s that a picture may have lain here
BEGIN = b"\xff\xd8\xff"
STATUS = {401: "refused", 403: "refused", 429: "busy", 503: "busy"}  # any other: no_stream


@dataclass(frozen=True, slots=True)
class Page:
    """Where pictures are, by name. `number`: of the name; here nobody can be asked for it."""

    where: str
    user: str = ""
    password: str = field(default="", repr=False)
    number: str = ""
    trust: Trust | None = None

    def opener(self) -> urllib.request.OpenerDirector:
        """With basic and digest login; follows no redirection, for that would lead elsewhere."""
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        if self.user:
            passwords.add_password(None, self.where, self.user, self.password)
        made = urllib.request.OpenerDirector()
        for handler in (
            Reached(self.number, self.trust),
            Digest(passwords),
            urllib.request.HTTPBasicAuthHandler(passwords),
            urllib.request.HTTPErrorProcessor(),
            urllib.request.HTTPDefaultErrorHandler(),
        ):
            made.add_handler(handler)
        return made


class Digest(urllib.request.HTTPDigestAuthHandler):
    """Tries a password once; urllib's own would try a wrong one five times more, and cameras lock
    who does."""

    def http_error_401(self, req: urllib.request.Request, *more: Any) -> Any:
        return None if req.has_header(self.auth_header) else super().http_error_401(req, *more)


def fetch(made: urllib.request.OpenerDirector, where: str) -> http.client.HTTPResponse:
    """Raises Lost."""
    try:
        response = made.open(where, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        raise Lost(STATUS.get(error.code, "no_stream")) from None
    except (OSError, ValueError, LookupError, http.client.HTTPException) as error:
        raise Lost(reason(error)) from None
    if not isinstance(response, http.client.HTTPResponse):
        raise Lost("no_connection")
    return response


def reason(error: Exception) -> str:
    """Why nothing was fetched."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError | Untrusted):
        return "untrusted"
    if isinstance(cause, ssl.SSLError):
        return "no_tls"
    if isinstance(cause, OSError):
        return "no_connection"
    # else a login of another kind than basic and digest is asked for
    return "no_stream" if isinstance(cause, http.client.HTTPException) else "refused"


class Pictures:
    """Fetched in a thread of its own, which keeps the newest only."""

    def __init__(self, page: Page) -> None:
        self._where, self._opener = page.where, page.opener()
        self._there = threading.Condition()
        self._taken: tuple[bytes, float] | None = None
        self._lost = "connecting"
        self._wanted, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="capture", daemon=True)
        self._thread.start()

    def newest(self, timeout: float) -> tuple[bytes, float] | None:
        """A picture, and when it had come, in s of the boot-time clock. Raises Lost."""
        self._wanted.set()
        if not self._thread.is_alive():
            raise SystemExit("what fetches the pictures has failed")
        with self._there:
            if self._taken is not None and boot_time() - self._taken[1] > OLDEST:
                self._taken = None
            self._there.wait_for(lambda: self._taken is not None, timeout)
            taken, self._taken = self._taken, None
            if taken is None and self._lost:
                raise Lost(self._lost)
            return taken

    def close(self) -> None:
        self._over.set()
        self._wanted.set()

    def _work(self) -> None:
        while not self._over.is_set():
            try:
                self._fetch()
            except Lost as error:
                self._lost = str(error)
                self._over.wait(pause_after(self._lost, RETRY))

    def _fetch(self) -> None:
        """Raises Lost."""
        raise NotImplementedError

    def _show(self, jpeg: bytes) -> None:
        with self._there:
            self._lost = ""
            self._taken = jpeg, boot_time()
            self._there.notify()


class Still(Pictures):
    """One picture for each request; asked for when it is wanted."""

    def _fetch(self) -> None:
        self._wanted.wait()
        self._wanted.clear()
        if self._over.is_set():
            return
        with fetch(self._opener, self._where) as response:
            body = _body(response)
        if not body.startswith(BEGIN):
            raise Lost("no_picture")
        self._show(body)


class Mjpeg(Pictures):
    """multipart/x-mixed-replace."""

    def _fetch(self) -> None:
        with fetch(self._opener, self._where) as response:
            for jpeg in pictures(response):
                self._show(jpeg)
                if self._over.is_set():
                    return
        raise Lost("no_frames")


def boot_time() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _body(response: http.client.HTTPResponse) -> bytes:
    """Raises Lost."""
    heard, end = bytearray(), boot_time() + SLOWEST
    try:
        while piece := response.read1(PIECE):
            heard += piece
            if len(heard) > LONGEST or boot_time() > end:
                raise Lost("no_frames")
    except (OSError, ValueError, http.client.HTTPException):
        raise Lost("no_frames") from None
    if response.length:
        raise Lost("no_frames")  # cut short
    return bytes(heard)


def pictures(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Each whole picture behind which nothing waits to be read: older ones are passed over. Ends
    when the stream does, or stands still for `TIMEOUT`."""
    parts = Parts()
    while True:
        try:
            piece = response.read1(PIECE)
        except (OSError, ValueError, http.client.HTTPException):
            return
        if not piece:
            return
        jpeg = parts.feed(piece)
        if jpeg is not None and not _more(response):
            yield jpeg
        if parts.waiting > LONGEST:
            return


def _more(response: http.client.HTTPResponse) -> bool:
    try:
        return bool(select.select([response.fileno()], [], [], 0)[0])
    except (OSError, ValueError):
        return False
