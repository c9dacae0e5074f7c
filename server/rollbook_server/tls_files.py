"""Certificate and key files of a server that speaks TLS: read, and refused if they cannot serve.

What gRPC cannot load it says nothing of: it goes on with what it has. So what is read here is
written anew for it, without byte order marks or text between, and what it would not take is
refused by name.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import PublicKeyAlgorithmOID

from rollbook_server.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    from rollbook_server.config import Config

_SIZE_LIMIT = 1 << 20  # bytes; a hundred certificates fit, a wrong file is not read whole
_OPEN = stat.S_IWGRP | stat.S_IRWXO  # a group may read: that is how secrets are mounted
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)  # what gRPC can serve with
# gRPC takes shorter ones, but with those many clients end the handshake.
_RSA_BITS = range(2048, 16_384 + 1)
_RSA_EXPONENT_BITS = 33  # a longer one gRPC does not take

_Usable = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

Stamp = tuple[tuple[int, ...] | None, ...]


class Material(NamedTuple):
    """What TLS is served with, in PEM as gRPC takes it; the chain's first one ends at `until`."""

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
        chain, key = _certificates("--tls-cert", self.certificate), _private_key(self.key)
        _check_key(self.certificate, chain, self.key, key)
        _check_kind(self.certificate, chain[0])
        _check_order(self.certificate, chain)
        _check_time(self.certificate, chain[0], now)
        plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Material(pem(chain), plain, self._authorities(), chain[0].not_valid_after_utc)

    def _authorities(self) -> bytes | None:
        if self.client_ca is None:
            return None
        return pem(_certificates("--tls-client-ca", self.client_ca))


def pem(certificates: Iterable[x509.Certificate]) -> bytes:
    """Write certificates as gRPC takes them, whatever stood around them in their file."""
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


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
            content = file.read(_SIZE_LIMIT + 1)
    except OSError as error:
        raise ConfigError(f"{option} {path}: cannot be read: {error.strerror}.") from error
    if len(content) > _SIZE_LIMIT:  # cut off, it would be served without what is behind
        raise ConfigError(
            f"{option} {path}: is larger than {_SIZE_LIMIT:,} bytes; leave in it only the "
            "certificates that are needed."
        )
    return content


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


def _certificates(option: str, path: Path) -> list[x509.Certificate]:
    content = _read(option, path)
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError:
        raise ConfigError(
            f"{option} {path}: holds no certificate in PEM, or a damaged one; it must have lines "
            "-----BEGIN CERTIFICATE-----."
        ) from None


def _check_key(
    path: Path, certificates: Sequence[x509.Certificate], key_path: Path, key: _Usable
) -> None:
    """Compare the key with the certificate that it must belong to, the first."""
    public = key.public_key()
    places = [place for place, one in enumerate(certificates) if _key_in(one) == public]
    if not places:
        raise ConfigError(
            f"--tls-cert {path} and --tls-key {key_path} do not belong together: the key is of "
            "another certificate."
        )
    if places[0] != 0:
        raise _wrong_order(path)


def _key_in(certificate: x509.Certificate) -> object:
    """Give the public key, or None for one of a kind that no key here is of."""
    try:
        return certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None


def _private_key(path: Path) -> _Usable:
    key = _loaded_key(path, _read_key(path))
    if not isinstance(key, _Usable):
        raise ConfigError(f"--tls-key {path}: only RSA and EC keys can be served with.")
    fault = _fault_of(key)
    if fault:
        raise ConfigError(f"--tls-key {path}: {fault}")
    return key


def _loaded_key(path: Path, content: bytes) -> object:
    try:
        return load_pem_private_key(content, password=None)
    except TypeError:
        raise ConfigError(
            f"--tls-key {path}: has a password; take it away with `openssl pkey`, and keep the "
            "file private."
        ) from None
    except UnsupportedAlgorithm:
        return None
    except ValueError:  # without the cause, which may show the key
        raise ConfigError(f"--tls-key {path}: holds no private key in PEM.") from None


def _fault_of(key: _Usable) -> str:
    """Tell why gRPC or its clients would not take the key; empty if they do."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return "" if isinstance(key.curve, _CURVES) else _fault_of_curve(key.curve.name)
    if key.key_size not in _RSA_BITS:
        return (
            f"an RSA key of {key.key_size} bits cannot be served with; make one of "
            f"{_RSA_BITS[0]} to {_RSA_BITS[-1]} bits, and get a certificate for it."
        )
    if key.public_key().public_numbers().e.bit_length() > _RSA_EXPONENT_BITS:
        return "its public exponent is too large; make one with 65537, as is usual."
    return ""


def _fault_of_curve(name: str) -> str:
    return (
        f"a key on the curve {name} cannot be served with; make one on "
        f"{', '.join(curve.name for curve in _CURVES)}, and get a certificate for it."
    )


def _check_kind(path: Path, certificate: x509.Certificate) -> None:
    """Refuse a certificate with which nothing can be signed that gRPC would sign."""
    if certificate.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS:
        raise ConfigError(
            f"--tls-cert {path}: its key is for RSA-PSS only, which cannot be served with; get "
            "one for a plain RSA key."
        )
    if isinstance(_key_in(certificate), ec.EllipticCurvePublicKey) and not _may_sign(certificate):
        raise ConfigError(
            f"--tls-cert {path}: its key usage leaves out digital signatures, without which an "
            "EC key cannot serve; get a certificate for them."
        )


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):  # gRPC does not ask for more than this one
        return True
    return usage.digital_signature


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
