"""Whom a camera's certificate may be signed by: the machine's CAs, or those in its `ca_file:`."""

import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from agent.contract import Host, Misconfigured

# Where systems keep all of their CAs in one file. One file is read at once; a folder would be read
# when a certificate comes, and then nothing can be opened any more.
BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)

PEM = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")


@dataclass(frozen=True, slots=True)
class Trust:
    """`named`: the certificate must be signed, and for the name. `own`: certificates (DER) that are
    trusted as they are, whatever name is in them: many cameras make one for no name at all."""

    named: ssl.SSLContext
    signed: ssl.SSLContext
    own: frozenset[bytes] = frozenset()


def trusted(certificates: str = "") -> Trust:
    """`certificates`: PEM; "" for the machine's CAs. Raises ssl.SSLError."""
    named = _context(certificates)
    if not certificates:
        return Trust(named, named)
    signed = _context(certificates)
    signed.check_hostname = False
    return Trust(named, signed, frozenset(map(ssl.PEM_cert_to_DER_cert, PEM.findall(certificates))))


def _context(certificates: str) -> ssl.SSLContext:
    if certificates:
        context = ssl.create_default_context(cadata=certificates)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # cameras' certificates are seldom tidy
        return context
    context = ssl.create_default_context()
    for bundle in BUNDLES:
        if not context.get_ca_certs() and Path(bundle).is_file():
            context.load_verify_locations(bundle)
    return context


def certificates(device: str, host: Host, file: Path | None) -> str:
    """What is in `ca_file:`, as PEM. Raises Misconfigured."""
    if file is None:
        return ""
    text = host.secret(file).decode("ascii", "replace")
    try:
        trusted(text)
    except (ssl.SSLError, ValueError) as error:
        raise Misconfigured(
            "{device}: {file} holds no certificate",
            hint="export the camera's certificate, or that of its CA, as PEM",
            device=device,
            file=file,
        ) from error
    return text
