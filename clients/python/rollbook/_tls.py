"""What a client trusts and shows when it speaks TLS."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import grpc

Pem = bytes | str | os.PathLike[str]
"""PEM itself as bytes, or the path of a file of it."""

_CERTIFICATE, _KEY = b"-----BEGIN CERTIFICATE-----", b"PRIVATE KEY-----"


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM of the authorities to trust, and of the client's own certificate and key.

    Without authorities those count that gRPC brings along. `server_name` is what the
    server's certificate must be for, where that is not the host of the address.
    """

    root_certificates: bytes | None = None
    client_certificate: bytes | None = None
    client_key: bytes | None = field(default=None, repr=False)
    server_name: str = ""

    def __bool__(self) -> bool:
        return self != NO_FILES

    def credentials(self) -> grpc.ChannelCredentials:
        """Give what a channel is opened with."""
        return grpc.ssl_channel_credentials(
            self.root_certificates, self.client_key, self.client_certificate
        )

    def options(self) -> list[tuple[str, str | int]]:
        """Give the options of a channel that go with it."""
        if not self.server_name:
            return []
        return [("grpc.ssl_target_name_override", self.server_name)]


NO_FILES = Tls()
"""What is trusted and shown if nothing is said."""


def tls(
    root_certificates: Pem | None, client_certificate: Pem | None, client_key: Pem | None, name: str
) -> Tls:
    """Read the files.

    Raises OSError where one cannot be read, and ValueError where it holds something
    else, or of certificate and key one is missing: gRPC would find it at the first call
    only, and not say which.
    """
    if (client_certificate is None) != (client_key is None):
        raise ValueError("client_certificate and client_key are given together or not at all")
    return Tls(
        _read("root_certificates", root_certificates, _CERTIFICATE),
        _read("client_certificate", client_certificate, _CERTIFICATE),
        _read("client_key", client_key, _KEY),
        name,
    )


def _read(what: str, given: Pem | None, holds: bytes) -> bytes | None:
    if given is None:
        return None
    pem = given if isinstance(given, bytes) else Path(given).read_bytes()
    if holds not in pem:  # without what it is: it may be the key in the certificate's place
        kind = "private key" if holds is _KEY else "certificate"
        place = "" if isinstance(given, bytes) else f": {os.fspath(given)}"
        raise ValueError(f"{what} holds no {kind} in PEM{place}")
    return pem
