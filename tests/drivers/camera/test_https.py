"""Cameras behind TLS: believed by their name though reached by number, or by their certificate."""

import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from drivers.camera.child.http import Page, Still
from drivers.camera.child.lost import Lost
from drivers.camera.trust import trusted
from tests.support_rtsp import now

PICTURE = b"\xff\xd8\xff" + b"picture" + b"\xff\xd9"


class Camera:
    """Serves one picture over TLS at 127.0.0.1, and notes what it was asked."""

    def __init__(
        self, context: ssl.SSLContext | None, status: str = "200 OK", head: str = ""
    ) -> None:
        self.heard: list[str] = []
        self.names: list[str | None] = []
        self._context, self._status, self._more = context, status, head
        if context is not None:
            context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._server.accept()
            except OSError:
                return
            with contextlib.suppress(OSError):
                self._answer(plain)

    def _answer(self, plain: socket.socket) -> None:
        with plain:
            plain.settimeout(5)
            spoken = self._context.wrap_socket(plain, server_side=True) if self._context else plain
            with spoken:
                if not (heard := spoken.recv(4096)):
                    return
                self.heard.append(heard.decode("latin-1"))
                head = f"HTTP/1.1 {self._status}\r\nContent-Length: {len(PICTURE)}\r\n"
                head += f"{self._more}\r\n"
                spoken.sendall(head.encode() + PICTURE)


Serve = Callable[..., Camera]


@pytest.fixture
def serve() -> Iterator[Serve]:
    made: list[Camera] = []

    def begin(context: ssl.SSLContext | None, status: str = "200 OK", head: str = "") -> Camera:
        made.append(Camera(context, status, head))
        return made[-1]

    yield begin
    for camera in made:
        camera.close()


def fetched(camera: Camera, name: str, ca: str = "", scheme: str = "https") -> bytes:
    """The picture, from https://name at 127.0.0.1. Raises Lost."""
    where = f"{scheme}://{name}:{camera.port}/still.jpg"
    page = Page(where, "viewer", "secret", number="127.0.0.1", trust=trusted(ca))
    source = Still(page)
    try:
        end = now() + 20
        while now() < end:
            try:
                if taken := source.newest(0.5):
                    return taken[0]
            except Lost as error:
                if str(error) != "connecting":
                    raise
        raise AssertionError("nothing came, and nobody said why")
    finally:
        source.close()


def signed(*names: str) -> tuple[ssl.SSLContext, str]:
    """A server's context with a certificate for these names, and the CA that signed it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context, authority.cert_pem.bytes().decode()


def self_signed(
    folder: Path, subject: str, names: list[x509.GeneralName]
) -> tuple[ssl.SSLContext, str]:
    """As cameras make them by themselves: no CA, an old date, mostly no name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    began = datetime.now(UTC) - timedelta(days=900)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(began)
        .not_valid_after(began + timedelta(days=3650))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (folder / "cert.pem").write_bytes(pem)
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context, pem.decode()


def test_the_name_is_what_is_verified_and_asked_for(serve: Serve) -> None:
    context, ca = signed("gate.example")
    camera = serve(context)
    assert fetched(camera, "gate.example", ca) == PICTURE
    assert camera.names == ["gate.example"]
    assert f"Host: gate.example:{camera.port}\r\n" in camera.heard[0]


def test_a_camera_by_number_is_verified_by_number(serve: Serve) -> None:
    context, ca = signed("127.0.0.1")
    assert fetched(serve(context), "127.0.0.1", ca) == PICTURE


def test_a_certificate_for_another_name_is_not_believed(serve: Serve) -> None:
    context, ca = signed("other.example")
    camera = serve(context)
    with pytest.raises(Lost, match="untrusted"):
        fetched(camera, "gate.example", ca)
    assert camera.heard == []


def test_another_ca_is_not_believed(serve: Serve) -> None:
    context, _ = signed("gate.example")
    _, other = signed("gate.example")
    with pytest.raises(Lost, match="untrusted"):
        fetched(serve(context), "gate.example", other)


def test_without_a_file_only_the_machines_cas_are_believed(serve: Serve) -> None:
    context, _ = signed("gate.example")
    with pytest.raises(Lost, match="untrusted"):
        fetched(serve(context), "gate.example")


def test_a_cameras_own_certificate_needs_no_name(serve: Serve, tmp_path: Path) -> None:
    context, own = self_signed(tmp_path, "IPC", [])
    assert fetched(serve(context), "gate.example", own) == PICTURE


def test_a_cameras_own_certificate_with_its_number(serve: Serve, tmp_path: Path) -> None:
    names: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    context, own = self_signed(tmp_path, "IPC", names)
    assert fetched(serve(context), "127.0.0.1", own) == PICTURE


def test_the_certificate_of_a_like_camera_is_not_believed(serve: Serve, tmp_path: Path) -> None:
    context, _ = self_signed(tmp_path, "IPC", [])
    (tmp_path / "other").mkdir()
    _, other = self_signed(tmp_path / "other", "IPC", [])
    camera = serve(context)
    with pytest.raises(Lost, match="untrusted"):
        fetched(camera, "gate.example", other)
    assert camera.heard == []


def test_a_port_without_tls_is_told(serve: Serve) -> None:
    with pytest.raises(Lost, match="no_tls"):
        fetched(serve(None), "gate.example")


def test_a_plain_camera_is_spoken_to_by_name_too(serve: Serve) -> None:
    camera = serve(None)
    assert fetched(camera, "gate.example", scheme="http") == PICTURE
    assert f"Host: gate.example:{camera.port}\r\n" in camera.heard[0]


@pytest.mark.parametrize(
    ("status", "reason"),
    [("404 Not Found", "no_stream"), ("403 Forbidden", "refused"), ("503 Busy", "busy"),
     ("302 Found", "no_stream"), ("401 Unauthorized", "refused")],
)  # fmt: skip
def test_a_refusal_becomes_a_reason(serve: Serve, status: str, reason: str) -> None:
    with pytest.raises(Lost, match=reason):
        fetched(serve(None, status), "gate.example", scheme="http")


@pytest.mark.parametrize(
    "scheme", ['Digest realm="cam", nonce="1", qop="auth"', 'Basic realm="cam"']
)
def test_a_wrong_password_is_tried_once(serve: Serve, scheme: str) -> None:
    """Cameras lock who tries one too often."""
    camera = serve(None, "401 Unauthorized", f"WWW-Authenticate: {scheme}\r\n")
    with pytest.raises(Lost, match="refused"):
        fetched(camera, "gate.example", scheme="http")
    assert ["Authorization" in heard for heard in camera.heard] == [False, True]


def test_a_login_that_is_not_spoken_here_is_refused(serve: Serve) -> None:
    camera = serve(None, "401 Unauthorized", "WWW-Authenticate: Negotiate\r\n")
    with pytest.raises(Lost, match="refused"):
        fetched(camera, "gate.example", scheme="http")
