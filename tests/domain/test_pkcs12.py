"""PKCS#12 files that Android cannot use are told from those that it may be able to."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from rollbook_server.domain import der
from rollbook_server.domain.pkcs12 import fault

DATA, ENCRYPTED_DATA = "2a864886f70d010701", "2a864886f70d010706"
KEY, CERTIFICATE = "2a864886f70d010c0a0102", "2a864886f70d010c0a0103"


def file(encryption: KeySerializationEncryption) -> bytes:
    """Give what stands in the outer sequence of a real file with one key and certificate."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime(2026, 1, 1)  # noqa: DTZ001
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tablet")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    data = pkcs12.serialize_key_and_certificates(b"a", key, certificate, None, encryption)
    return der.values(data)[0].content


def with_password(digest: hashes.HashAlgorithm, rounds: int = 2_048) -> KeySerializationEncryption:
    made = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(rounds).hmac_hash(digest)
    return made.build(b"secret")


def value(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return bytes([tag, 0x82]) + len(content).to_bytes(2, "big") + content


def bags(kind: str, *oids: str) -> bytes:
    """Give a ContentInfo with bags of these kinds and nothing in them."""
    empty = (value(der.SEQUENCE, value(der.OID, bytes.fromhex(oid))) for oid in oids)
    return info(kind, value(der.SEQUENCE, *empty))


def info(kind: str, content: bytes) -> bytes:
    octets = value(0xA0, value(der.OCTETS, content))
    return value(der.SEQUENCE, value(der.OID, bytes.fromhex(kind)), octets)


def without_mac(*infos: bytes) -> bytes:
    return b"\x02\x01\x03" + info(DATA, value(der.SEQUENCE, *infos))


def test_a_file_with_the_empty_password_is_left_in_peace() -> None:
    assert fault(file(NoEncryption())) == ""


@pytest.mark.parametrize(
    "digest", [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()]
)
def test_a_file_with_a_password_is_told(digest: hashes.HashAlgorithm) -> None:
    assert "has a password; export it anew" in fault(file(with_password(digest)))


def test_a_file_that_would_keep_us_busy_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollbook_server.domain.pkcs12._MOST_ROUNDS", 1)
    assert fault(file(with_password(hashes.SHA1()))) == ""


def test_the_empty_password_may_be_written_without_its_final_nul() -> None:
    version, data, mac = der.values(file(NoEncryption()))
    digest_info, salt, rounds = mac.inside()
    content = data.inside()[1].inside()[0].content
    key = b"\3" * 64 + (salt.content * 64)[:64]  # RFC 7292, B.2, with no password at all
    for _ in range(int.from_bytes(rounds.content, "big")):
        key = hashlib.sha256(key).digest()
    before = digest_info.inside()[1].content
    after = hmac.digest(key, content, "sha256")
    whole = value(version.tag, version.content) + value(data.tag, data.content)
    assert fault(whole + value(mac.tag, mac.content.replace(before, after))) == ""
    assert "has a password" in fault(whole + value(mac.tag, mac.content.replace(before, b"x" * 32)))


def test_several_keys_are_told() -> None:
    assert "several keys" in fault(without_mac(bags(DATA, KEY, KEY)))
    assert "several keys" in fault(without_mac(bags(DATA, KEY), bags(DATA, CERTIFICATE, KEY)))
    for one in (bags(DATA, KEY, CERTIFICATE), bags(ENCRYPTED_DATA, KEY, KEY), bags(DATA)):
        assert fault(without_mac(one)) == ""


WHOLE = file(NoEncryption())


@given(st.integers(0, len(WHOLE) - 1), st.binary(max_size=3))
def test_no_bytes_break_it(place: int, new: bytes) -> None:
    for damaged in (WHOLE[:place] + new, WHOLE[:place] + new + WHOLE[place + len(new) :]):
        assert isinstance(fault(damaged), str)
