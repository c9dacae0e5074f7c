"""Hashing of passwords by itself."""

from __future__ import annotations

import argon2

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
