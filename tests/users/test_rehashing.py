"""Hashes follow the parameters of Argon2, without anybody noticing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import argon2
import pytest

from rollbook import EnrollOutcome
from rollbook_server import passwords
from users.depot import IMEI, OTHER_IMEI, PASSWORD, UNKNOWN_IMEI, Depot

if TYPE_CHECKING:
    from rollbook import User

REGISTERED = EnrollOutcome.REGISTERED


@pytest.fixture
def newer(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> argon2.PasswordHasher:
    """Give a way of hashing that came after the users did."""
    assert stored(depot)
    newer = argon2.PasswordHasher(time_cost=3, memory_cost=19 * 1024, parallelism=1)
    monkeypatch.setattr(passwords, "_ARGON2", newer)
    return newer


def stored(depot: Depot) -> str:
    ((found,),) = depot.server.query("SELECT password_hash FROM users WHERE user_name = 'Ada'")
    return str(found)


def ada(depot: Depot) -> User:
    return next(user for user in depot.admin.list_users() if user.user_name == "Ada")


def test_a_sign_in_renews_the_hash_and_changes_nothing_of_the_user(
    depot: Depot, newer: argon2.PasswordHasher
) -> None:
    before = ada(depot)
    assert newer.check_needs_rehash(stored(depot))
    assert depot.sign_in().outcome is REGISTERED
    renewed = stored(depot)
    assert not newer.check_needs_rehash(renewed)
    assert ada(depot) == before
    assert depot.sign_in(imei=OTHER_IMEI).outcome is REGISTERED
    assert stored(depot) == renewed


@pytest.mark.parametrize(("password", "imei"), [("wrong password", IMEI), (PASSWORD, UNKNOWN_IMEI)])
def test_who_is_refused_renews_nothing(
    depot: Depot, newer: argon2.PasswordHasher, password: str, imei: str
) -> None:
    before = stored(depot)
    assert depot.sign_in(password=password, imei=imei).outcome is EnrollOutcome.NOT_REGISTERED
    assert stored(depot) == before
    assert newer.check_needs_rehash(before)


def test_a_hash_that_is_renewed_meanwhile_keeps_nobody_out(
    depot: Depot, newer: argon2.PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, others = argon2.PasswordHasher.verify, [OTHER_IMEI]

    def verify(hasher: argon2.PasswordHasher, known: str, password: bytes) -> bool:
        if others:
            assert depot.sign_in(imei=others.pop()).outcome is REGISTERED
        return bool(real(hasher, known, password))

    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)
    assert depot.sign_in().outcome is REGISTERED
    assert not newer.check_needs_rehash(stored(depot))


def test_a_password_that_was_changed_meanwhile_is_not_put_back(
    depot: Depot, newer: argon2.PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, new = argon2.PasswordHasher.hash, ["another password"]

    def hash_(hasher: argon2.PasswordHasher, password: bytes) -> str:
        if new:
            depot.admin.update_user(depot.user_ids["Ada"], password=new.pop())
        return real(hasher, password)

    monkeypatch.setattr(argon2.PasswordHasher, "hash", hash_)
    assert depot.sign_in().outcome is REGISTERED
    assert newer.verify(stored(depot), b"another password")
