"""Certificates and keys that cannot serve are named at the start."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from rollbook import AdminClient, EnrollmentAgent
from rollbook_server import tls_files
from rollbook_server.config import ConfigError
from tls.authority import HERE, Authority, Issued, pem_of, replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from running import Server

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)  # as the clock of a server in tests has it
HOUR = timedelta(hours=1)

# The kind of a public key in a certificate, with its parameters: none, and the usual ones.
RSA, RSA_PSS = (bytes.fromhex(f"06092a864886f70d0101{end}") for end in ("010500", "0a3000"))

# Primes: any RSA key may have them.
LONGEST_EXPONENT, TOO_LONG_EXPONENT = (1 << 33) - 9, (1 << 34) + 25


def locked(issued: Issued) -> bytes:
    key = load_pem_private_key(issued.key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return pem_of(key, b"secret")


def edwards() -> bytes:
    return ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def of_exponent(exponent: int) -> rsa.RSAPrivateKey:
    numbers = rsa.generate_private_key(65_537, 2048).private_numbers()
    p, q = numbers.p, numbers.q
    d = rsa.rsa_recover_private_exponent(exponent, p, q)
    of_p, of_q, inverse = d % (p - 1), d % (q - 1), rsa.rsa_crt_iqmp(p, q)
    public = rsa.RSAPublicNumbers(exponent, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, of_p, of_q, inverse, public).private_key()


def for_pss_only(authority: Authority) -> Issued:
    """Give a certificate that says of its RSA key that it is for RSA-PSS."""
    issued = authority.issue(*HERE, key=rsa.generate_private_key(65_537, 2048))
    plain = x509.load_pem_x509_certificate(issued.certificate)
    der = plain.public_bytes(serialization.Encoding.DER).replace(RSA, RSA_PSS)
    said = x509.load_der_x509_certificate(der)
    return Issued(said.public_bytes(serialization.Encoding.PEM), issued.key)


def not_to_sign() -> x509.KeyUsage:
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_cert_sign")
    never = dict.fromkeys((*others, "crl_sign", "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(digital_signature=False, key_agreement=True, **never)


def refused(serve: Callable[..., Server], paths: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        serve(**paths)
    return str(caught.value)


def test_each_fault_of_the_files_is_told_with_the_option_and_the_file(
    serve: Callable[..., Server], authority: Authority, issued: Issued, tmp_path: Path
) -> None:
    ca, other = authority.certificate, authority.issue("other")
    faults = {
        "is of another certificate": (issued.certificate, other.key),
        "a wrong order": (ca + issued.certificate, issued.key),
        "in a wrong order": (issued.certificate + other.certificate, issued.key),
        "--tls-cert .* holds no certificate": (issued.key, issued.key),
        "--tls-key .* holds no private key": (issued.certificate, issued.certificate),
        "has a password": (issued.certificate, locked(issued)),
        "only RSA and EC": (issued.certificate, edwards()),
    }
    for told, content in faults.items():
        assert re.search(told, refused(serve, Issued(*content).write(tmp_path, "server"))), told


def test_what_grpc_or_its_clients_do_not_take_is_refused_by_name(
    serve: Callable[..., Server], authority: Authority, tmp_path: Path
) -> None:
    faults = {
        "curve secp256k1 ": authority.issue(*HERE, key=ec.generate_private_key(ec.SECP256K1())),
        "curve secp224r1 ": authority.issue(*HERE, key=ec.generate_private_key(ec.SECP224R1())),
        "of 1024 bits": authority.issue(*HERE, key=rsa.generate_private_key(65_537, 1024)),
        "public exponent": authority.issue(*HERE, key=of_exponent(TOO_LONG_EXPONENT)),
        "for RSA-PSS only": for_pss_only(authority),
        "leaves out digital signatures": authority.issue(*HERE, usage=not_to_sign()),
    }
    for told, issued in faults.items():
        said = refused(serve, issued.write(tmp_path, "server"))
        assert re.match(f"--tls-(cert|key) {tmp_path}.*{told}", said), told


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
        rsa.generate_private_key(65_537, 2048),
        of_exponent(LONGEST_EXPONENT),
    ],
    ids=["P-384", "P-521", "RSA", "exponent"],
)
def test_other_usual_keys_are_served(
    serve: Callable[..., Server], authority: Authority, tmp_path: Path, key: Any
) -> None:
    assert serve(**authority.issue(*HERE, key=key).write(tmp_path, "server")).address


def test_what_grpc_alone_does_not_take_is_not_blamed_on_the_address(
    serve: Callable[..., Server],
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tls_files, "_CURVES", (ec.SECP256K1,))
    issued = authority.issue(*HERE, key=ec.generate_private_key(ec.SECP256K1()))
    said = refused(serve, issued.write(tmp_path, "server"))
    assert said.startswith(f"--tls-cert {tmp_path / 'server.pem'}: gRPC does not take")


@pytest.mark.parametrize("option", ["tls_cert", "tls_key", "tls_client_ca"])
def test_a_file_that_would_be_cut_off_is_refused(
    serve: Callable[..., Server], issued: Issued, ca: Path, tmp_path: Path, option: str
) -> None:
    paths = issued.write(tmp_path, "server") | {"tls_client_ca": ca}
    content = paths[option].read_bytes()
    replace(paths[option], content * ((1 << 20) // len(content) + 1))
    said = refused(serve, paths)
    assert said.startswith(
        f"--{option.replace('_', '-')} {paths[option]}: is larger than 1,048,576"
    )


def test_a_chain_in_its_order_is_served(
    serve: Callable[..., Server], authority: Authority, issued: Issued, tmp_path: Path
) -> None:
    chain = Issued(issued.certificate + authority.certificate, issued.key)
    assert serve(**chain.write(tmp_path, "server")).address


def test_a_certificate_out_of_its_time_is_refused(
    serve: Callable[..., Server], authority: Authority, tmp_path: Path
) -> None:
    late = authority.issue(*HERE, until=NOW - HOUR).write(tmp_path, "late")
    early = authority.issue(*HERE, since=NOW + HOUR).write(tmp_path, "early")

    assert "expired on 2026-11-23 08:00:00" in refused(serve, late)
    assert "is the clock of this machine right" in refused(serve, early)


def test_files_that_are_not_there_are_named(
    serve: Callable[..., Server], issued: Issued, tmp_path: Path
) -> None:
    paths = issued.write(tmp_path, "server")
    for option, name in (("--tls-cert", "tls_cert"), ("--tls-key", "tls_key")):
        missing = tmp_path / "missing"
        told = refused(serve, paths | {name: missing})
        assert told == f"{option} {missing}: cannot be read: No such file or directory."
    assert refused(serve, {**paths, "tls_client_ca": tmp_path}).startswith("--tls-client-ca ")


@pytest.mark.parametrize("mode", [0o604, 0o660, 0o644])
def test_a_key_that_others_can_read_is_refused(
    serve: Callable[..., Server], issued: Issued, tmp_path: Path, mode: int
) -> None:
    paths = issued.write(tmp_path, "server")
    paths["tls_key"].chmod(mode)

    told = refused(serve, paths)
    assert f"(mode {mode:04o})" in told
    assert f"chmod 600 {paths['tls_key']}" in told


def test_a_group_may_read_the_key_as_secrets_are_mounted(
    serve: Callable[..., Server], issued: Issued, tmp_path: Path
) -> None:
    paths = issued.write(tmp_path, "server")
    paths["tls_key"].chmod(0o640)
    assert serve(**paths).address


@pytest.mark.parametrize("half", ["tls_cert", "tls_key", "tls_client_ca"])
def test_half_of_the_options_is_refused(
    serve: Callable[..., Server], tmp_path: Path, half: str
) -> None:
    assert "--tls-cert and --tls-key" in refused(serve, {half: tmp_path / "one.pem"})


def test_a_client_refuses_what_is_no_pem_before_it_calls(issued: Issued, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    replace(path, issued.key)
    bad: list[dict[str, Any]] = [
        {"root_certificates": b"junk"},
        {"root_certificates": path},
        {"client_certificate": path, "client_key": path},
        {"client_certificate": issued.certificate, "client_key": issued.certificate},
        {"client_certificate": issued.certificate},
        {"client_key": issued.key},
    ]
    for settings in bad:
        with pytest.raises(ValueError, match=r"client_|root_certificates") as caught:
            AdminClient("enroll.example.com", api_key="k", **settings)
        assert "PRIVATE" not in str(caught.value)
    with pytest.raises(FileNotFoundError):
        EnrollmentAgent("enroll.example.com", root_certificates=tmp_path / "missing")
