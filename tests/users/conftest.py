"""Somewhere to sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import argon2
import grpc
import pytest

from users.depot import Depot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook import AdminClient, EnrollmentAgent
    from running import Server


@pytest.fixture
def depot(server: Server, admin: AdminClient, agent: EnrollmentAgent) -> Depot:
    return Depot(server, admin, agent)


@pytest.fixture
def channel(server: Server) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.address) as channel:
        yield channel


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the hashes that passwords were verified against, as it happens."""
    seen: list[str] = []
    real = argon2.PasswordHasher.verify

    def verify(hasher: argon2.PasswordHasher, known: str, password: bytes) -> bool:
        seen.append(known)
        return bool(real(hasher, known, password))

    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)
    return seen
