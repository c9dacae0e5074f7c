"""Why no TLS came about with a server, as far as gRPC's own words tell.

They differ between its versions, and the server does not say why it refused a client's
certificate: it just closes the connection.
"""

from __future__ import annotations

import re
from enum import StrEnum


class HandshakeFault(StrEnum):
    """What went wrong; the value completes "no TLS with the server: "."""

    EXPIRED = "its certificate has expired, or is not good yet"
    UNKNOWN_AUTHORITY = "its certificate is of an authority that is not known here"
    OTHER_NAME = "its certificate is for another host name"
    SPEAKS_PLAINTEXT = "what listens there does not speak TLS"
    OWN_CERTIFICATE = "the client certificate cannot be used with its key"
    CLIENT_REFUSED = (
        "it closed the connection; it may ask for a client certificate, or not accept this one"
    )
    SPEAKS_TLS = "it closed the connection; it may speak TLS, and this call was plaintext"


_WORDS = (
    (r"certificate (has expired|is not yet valid)", HandshakeFault.EXPIRED),
    (r"CERTIFICATE_VERIFY_FAILED", HandshakeFault.UNKNOWN_AUTHORITY),
    (r"Hostname Verification|not in peer certificate", HandshakeFault.OTHER_NAME),
    (r"WRONG_VERSION_NUMBER|HTTP_REQUEST", HandshakeFault.SPEAKS_PLAINTEXT),
    (r"create security handshaker", HandshakeFault.OWN_CERTIFICATE),
)
_FAULTS = tuple((re.compile(words, re.IGNORECASE), fault) for words, fault in _WORDS)
# Only while it connects: in the middle of a call a server may have been stopped.
_CLOSED = re.compile(r"failed to connect.*(Socket closed|Connection reset)", re.IGNORECASE)


def handshake_fault(details: str, *, plaintext: bool) -> HandshakeFault | None:
    """Tell what went wrong from gRPC's words; None if it was no handshake."""
    for words, fault in _FAULTS:
        if words.search(details) and not plaintext:
            return fault
    if not _CLOSED.search(details):
        return None
    return HandshakeFault.SPEAKS_TLS if plaintext else HandshakeFault.CLIENT_REFUSED
