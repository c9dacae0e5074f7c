"""An authority of our own, which issues certificates for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

HERE = ("127.0.0.1", "localhost")
LONG = timedelta(days=30)

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Issued(NamedTuple):
    """A certificate and its key, in PEM."""

    certificate: bytes
    key: bytes

    def write(self, folder: Path, name: str) -> dict[str, Path]:
        """Put them into files as an operator does; gives the settings of a server."""
        paths = {"tls_cert": folder / f"{name}.pem", "tls_key": folder / f"{name}.key"}
        replace(paths["tls_cert"], self.certificate)
        replace(paths["tls_key"], self.key)
        return paths


def replace(path: Path, content: bytes) -> None:
    """Put a new file in the place of an old one, for its owner alone."""
    aside = path.with_suffix(".new")
    aside.touch(0o600)
    aside.write_bytes(content)
    aside.replace(path)


class Authority:
    """Issues certificates; `serial` tells them apart."""

    def __init__(self, name: str = "Rollbook tests") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        built = _built(self._name, self._name, self._key, datetime.now(UTC) + LONG)
        built = built.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.certificate = _pem(built.sign(self._key, hashes.SHA256()))

    def issue(
        self,
        *hosts: str,
        until: datetime | None = None,
        since: datetime | None = None,
        key: Key | None = None,
        usage: x509.KeyUsage | None = None,
    ) -> Issued:
        """Issue a certificate for the hosts, of whom the first is its subject."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([_general(host) for host in hosts])
        end = until or datetime.now(UTC) + LONG
        built = _built(_named(hosts[0]), self._name, key, end, since)
        built = built.add_extension(names, critical=False)
        built = built.add_extension(usage, critical=True) if usage else built
        signed = built.sign(self._key, hashes.SHA256())
        return Issued(_pem(signed), pem_of(key))


def pem_of(key: Key, password: bytes = b"") -> bytes:
    sealed = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed)


def _built(
    subject: x509.Name,
    issuer: x509.Name,
    key: Key,
    end: datetime,
    since: datetime | None = None,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since or end - 3 * LONG)
        .not_valid_after(end)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
