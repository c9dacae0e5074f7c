"""Certificate and key files of a server that speaks TLS: read, and refused if they cannot serve."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from rollbook_server.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from rollbook_server.config import Config

_SIZE_LIMIT = 1 << 20  # bytes; a hundred certificates fit, a wrong file is not read whole
_OPEN = stat.S_IWGRP | stat.S_IRWXO  # a group may read: that is how secrets are mounted
_USABLE = (rsa.RSAPublicKey, ec.EllipticCurvePublicKey)  # what gRPC can serve with

Stamp = tuple[tuple[int, ...] | None, ...]


class Material(NamedTuple):
    """What TLS is served with, in PEM; the first certificate of the chain ends at `until`."""

    chain: bytes
    key: bytes
    client_authorities: bytes | None
    until: datetime


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where certificate and key are, and the authorities of client certificates if any."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def stamp(self) -> Stamp:
        """Give what differs once a file was written, replaced or given to others; cheap."""
        return tuple(_stamp(path) for path in (self.certificate, self.key, self.client_ca) if path)

    def read(self, now: datetime) -> Material:
        """Read the files, or raise ConfigError with what is wrong with them."""
        chain, key = _read("--tls-cert", self.certificate), _read_key(self.key)
        certificates = _certificates("--tls-cert", self.certificate, chain)
        _check_key(self.certificate, certificates, self.key, key)
        _check_order(self.certificate, certificates)
        _check_time(self.certificate, certificates[0], now)
        return Material(chain, key, self._authorities(), certificates[0].not_valid_after_utc)

    def _authorities(self) -> bytes | None:
        if self.client_ca is None:
            return None
        content = _read("--tls-client-ca", self.client_ca)
        _certificates("--tls-client-ca", self.client_ca, content)
        return content


def tls_files(config: Config) -> TlsFiles | None:
    """Give the files that a checked configuration names; None without TLS."""
    if config.tls_cert is None or config.tls_key is None:
        return None
    return TlsFiles(config.tls_cert, config.tls_key, config.tls_client_ca)


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    # By st_ctime_ns one sees that the mode was mended, which leaves the other three as they were.
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size


def _read(option: str, path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_SIZE_LIMIT)
    except OSError as error:
        raise ConfigError(f"{option} {path}: cannot be read: {error.strerror}.") from error


def _read_key(path: Path) -> bytes:
    content = _read("--tls-key", path)
    mode = path.stat().st_mode
    if mode & _OPEN:
        raise ConfigError(
            f"--tls-key {path}: other users can open or change it (mode "
            f"{stat.S_IMODE(mode):04o}). If nobody can have read it, run: chmod 600 "
            f"{os.fspath(path)}"
        )
    return content


def _certificates(option: str, path: Path, content: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError:
        raise ConfigError(
            f"{option} {path}: holds no certificate in PEM, or a damaged one; it must have lines "
            "-----BEGIN CERTIFICATE-----."
        ) from None


def _check_key(
    path: Path, certificates: Sequence[x509.Certificate], key_path: Path, key: bytes
) -> None:
    """Compare the key with the certificate that it must belong to, the first."""
    public = _public_key(key_path, key)
    places = [place for place, one in enumerate(certificates) if one.public_key() == public]
    if not places:
        raise ConfigError(
            f"--tls-cert {path} and --tls-key {key_path} do not belong together: the key is of "
            "another certificate."
        )
    if places[0] != 0:
        raise _wrong_order(path)


def _public_key(path: Path, key: bytes) -> object:
    try:
        public = load_pem_private_key(key, password=None).public_key()
    except TypeError:
        raise ConfigError(
            f"--tls-key {path}: has a password; take it away with `openssl pkey`, and keep the "
            "file private."
        ) from None
    except (ValueError, UnsupportedAlgorithm):  # without the cause, which may show the key
        raise ConfigError(f"--tls-key {path}: holds no private key in PEM.") from None
    if not isinstance(public, _USABLE):
        raise ConfigError(f"--tls-key {path}: only RSA and EC keys can be served with.")
    return public


def _check_order(path: Path, certificates: Sequence[x509.Certificate]) -> None:
    if any(one.issuer != after.subject for one, after in pairwise(certificates)):
        raise _wrong_order(path)


def _wrong_order(path: Path) -> ConfigError:
    return ConfigError(
        f"--tls-cert {path}: its certificates stand in a wrong order. The server's own comes "
        "first, then each time the one that issued the one before."
    )


def _check_time(path: Path, certificate: x509.Certificate, now: datetime) -> None:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > end:
        raise ConfigError(f"--tls-cert {path}: the certificate expired on {end}; renew it.")
    if now < begin:
        raise ConfigError(
            f"--tls-cert {path}: the certificate is good from {begin} only; is the clock of this "
            "machine right?"
        )
