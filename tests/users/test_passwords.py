"""Hashing of passwords by itself."""

from __future__ import annotations

import argon2
import pytest

from rollbook_server.passwords import Argon2Passwords


def test_a_password_fits_its_own_hash_alone() -> None:
    hasher = Argon2Passwords()
    known = hasher.hash("correct horse")
    assert hasher.verify("correct horse", known)
    assert not hasher.verify("correct horse ", known)
    assert not hasher.verify("", known)


def test_an_empty_hash_fits_no_password() -> None:
    hasher = Argon2Passwords()
    for password in ("", "correct horse", "\0"):
        assert not hasher.verify(password, "")


def test_the_same_password_is_hashed_to_another_text_each_time() -> None:
    hasher = Argon2Passwords()
    assert hasher.hash("correct horse") != hasher.hash("correct horse")


def test_hashes_are_argon2id_with_what_owasp_asks_for() -> None:
    known = argon2.extract_parameters(Argon2Passwords().hash("correct horse"))
    assert known.type is argon2.Type.ID
    assert (known.memory_cost, known.time_cost) >= (19 * 1024, 2)


@pytest.mark.parametrize(
    "damaged",
    [
        "plaintext",
        "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$broken",
        "$argon2id$v=19$m=19456,t=2,p=1$",
        "$argon2id$\u00e9",
    ],
)
def test_a_damaged_hash_fits_no_password_and_is_told(
    damaged: str, caplog: pytest.LogCaptureFixture
) -> None:
    hasher = Argon2Passwords()
    for password in ("", "correct horse", damaged):
        assert not hasher.verify(password, damaged)
    assert "the stored hash of a password is damaged" in caplog.text
    assert damaged not in caplog.text
