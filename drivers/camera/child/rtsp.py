"""Why an RTSP stream does not open: FFmpeg does not say, so the camera is asked once more.

One DESCRIBE over TCP (RFC 2326), with the login when the camera wants one.
"""

import base64
import contextlib
import re
import socket
import time
import urllib.request
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

TIMEOUT = 3.0  # s for the connection, and then for all of the answers
LONGEST = 65536  # bytes of an answer
NO_TEXT = b"\r\n\r\n"
REFUSED = frozenset({401, 403, 407})
BUSY = frozenset({453, 503})  # not enough bandwidth, service unavailable: others watch it


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    heads: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.heads if key == name]


def why(where: str) -> str:
    """The reason, when the stream of this address, which may hold a login, did not open."""
    parts = urlsplit(where)
    url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    address = (parts.hostname or "", parts.port or 554)
    try:
        with socket.create_connection(address, TIMEOUT) as connection:
            return _asked(connection, url, user, password)
    except OSError:
        return "no_connection"


def _asked(connection: socket.socket, url: str, user: str, password: str) -> str:
    end = time.monotonic() + TIMEOUT
    answer = _describe(connection, url, 1, "", end)
    if answer is not None and answer.status == 401 and user:
        login = _login(answer.all("www-authenticate"), url, user, password)
        if login:
            answer = _describe(connection, url, 2, login, end)
    return reason(answer)


def reason(answer: Answer | None) -> str:
    """`answer`: None when it is no RTSP. Pure."""
    if answer is None:
        return "no_stream"
    if answer.status in REFUSED:
        return "refused"
    if answer.status in BUSY:
        return "busy"
    if answer.status != 200 or b"m=video" not in answer.body:
        return "no_stream"
    return "no_frames"


def _describe(
    connection: socket.socket, url: str, number: int, login: str, end: float
) -> Answer | None:
    """Raises OSError when none comes in time."""
    lines = [f"DESCRIBE {url} RTSP/1.0", f"CSeq: {number}", "Accept: application/sdp"]
    lines += [f"Authorization: {login}"] if login else []
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    heard = b""
    while (found := parse(heard)) is None:
        connection.settimeout(max(0.01, end - time.monotonic()))
        piece = connection.recv(4096) if len(heard) < LONGEST and time.monotonic() < end else b""
        if not piece:
            return _cut_short(heard)
        heard += piece
    return found if found.status else None


def _cut_short(heard: bytes) -> Answer | None:
    """None: whoever is there speaks something else. Raises OSError when it said nothing at all."""
    if not heard:
        raise ConnectionError("no answer")
    return None


def parse(heard: bytes) -> Answer | None:
    """None: not whole yet; status 0: no RTSP. Pure."""
    if not b"RTSP/1.0 ".startswith(heard[:9]):
        return Answer(0, (), b"")
    head, found, body = heard.partition(NO_TEXT)
    if not found:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    status = re.match(r"RTSP/1\.0 (\d{3})\b", first)
    if status is None:
        return Answer(0, (), b"")
    pairs = (line.partition(":") for line in lines)
    heads = tuple((key.strip().lower(), value.strip()) for key, _, value in pairs)
    answer = Answer(int(status[1]), heads, body)
    length = (answer.all("content-length") or ["0"])[0]
    whole = len(body) >= (int(length) if re.fullmatch(r"\d{1,6}", length) else 0)
    return answer if whole else None


def _login(challenges: list[str], url: str, user: str, password: str) -> str:
    """The value of Authorization, "" when nothing of what it asks for is spoken here."""
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, url, user, password)
    digest = urllib.request.AbstractDigestAuthHandler(passwords)
    request = urllib.request.Request(url, method="DESCRIBE")  # noqa: S310  it is only signed
    request.selector = url  # RTSP signs the whole address
    for challenge in challenges:
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() != "digest":
            continue
        with contextlib.suppress(ValueError, LookupError):  # nonsense, or an unknown algorithm
            told = urllib.request.parse_keqv_list(urllib.request.parse_http_list(rest))
            if signed := digest.get_authorization(request, told):
                return f"Digest {signed}"
    if any(one.lower().startswith("basic") for one in challenges):
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    return ""
