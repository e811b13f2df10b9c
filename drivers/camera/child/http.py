"""Pictures over HTTP: a stream of JPEGs that never ends, or one picture for each request."""

import http.client
import re
import select
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

from drivers.camera.child.lost import Lost

TIMEOUT = 3.0  # s for the connection, and for each piece of what comes
LONGEST = 16 << 20  # bytes of one picture
PIECE = 65536
RETRY = 1.0  # s between two connections
BEGIN, END = b"\xff\xd8\xff", b"\xff\xd9"
HEADED = re.compile(rb"\r?\n\r?\n\xff\xd8\xff")  # not the small picture within a picture


def opener(where: str, user: str, password: str) -> urllib.request.OpenerDirector:
    """With basic and digest login; follows no redirection, for that would lead elsewhere."""
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    if user:
        passwords.add_password(None, where, user, password)

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    made = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDigestAuthHandler(passwords),
        urllib.request.HTTPBasicAuthHandler(passwords),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        Stay(),
    ):
        made.add_handler(handler)
    return made


def fetch(made: urllib.request.OpenerDirector, where: str) -> http.client.HTTPResponse:
    """Raises Lost."""
    try:
        response = made.open(where, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        raise Lost("refused" if error.code in {401, 403} else f"http_{error.code}") from None
    except (OSError, ValueError, http.client.HTTPException):
        raise Lost("no_connection") from None
    if not isinstance(response, http.client.HTTPResponse):
        raise Lost("no_connection")
    return response


class Still:
    """One picture for each request."""

    def __init__(self, where: str, user: str, password: str) -> None:
        self._where, self._opener = where, opener(where, user, password)

    def newest(self, timeout: float) -> bytes | None:
        del timeout  # that of the connection holds
        with fetch(self._opener, self._where) as response:
            try:
                body = response.read(LONGEST)
            except (OSError, http.client.HTTPException):
                raise Lost("no_frames") from None
        if not body.startswith(BEGIN):
            raise Lost("no_picture")
        return body

    def close(self) -> None:
        """Nothing stays open."""


class Mjpeg:
    """multipart/x-mixed-replace, read in a thread that keeps the newest picture only."""

    def __init__(self, where: str, user: str, password: str) -> None:
        self._where, self._opener = where, opener(where, user, password)
        self._there = threading.Condition()
        self._jpeg: bytes | None = None
        self._lost = "connecting"
        self._over = threading.Event()
        threading.Thread(target=self._work, name="capture", daemon=True).start()

    def newest(self, timeout: float) -> bytes | None:
        with self._there:
            self._jpeg = None  # what lay here is as old as our last look
            self._there.wait_for(lambda: self._jpeg is not None, timeout)
            jpeg, self._jpeg = self._jpeg, None
            if jpeg is None and self._lost:
                raise Lost(self._lost)
            return jpeg

    def close(self) -> None:
        self._over.set()

    def _work(self) -> None:
        while not self._over.is_set():
            try:
                with fetch(self._opener, self._where) as response:
                    for jpeg in pictures(response):
                        self._lost = ""
                        with self._there:
                            self._jpeg = jpeg
                            self._there.notify()
                        if self._over.is_set():
                            return
                    self._lost = "no_frames"
            except Lost as error:
                self._lost = str(error)
            time.sleep(RETRY)


def pictures(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Each whole picture behind which nothing waits to be read: older ones are passed over. Ends
    when the stream does, or stands still for `TIMEOUT`."""
    heard = bytearray()
    while True:
        try:
            piece = response.read1(PIECE)
        except (OSError, ValueError, http.client.HTTPException):
            return
        if not piece:
            return
        heard += piece
        jpeg = _last_whole(heard)
        if jpeg is not None and not _more(response):
            yield jpeg
        if len(heard) > LONGEST:
            return


def _last_whole(heard: bytearray) -> bytes | None:
    """Takes everything up to the end of the last whole picture."""
    end = heard.rfind(END) + len(END)
    begins = [found.end() for found in HEADED.finditer(heard, 0, end)]
    if end < len(END) or not begins:
        return None
    jpeg = bytes(heard[begins[-1] - len(BEGIN) : end])
    del heard[:end]
    return jpeg


def _more(response: http.client.HTTPResponse) -> bool:
    try:
        return bool(select.select([response.fileno()], [], [], 0)[0])
    except (OSError, ValueError):
        return False
