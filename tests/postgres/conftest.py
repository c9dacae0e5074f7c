"""Fixtures: a PostgreSQL database and the store on it, reached in whatever way a test wants."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from databases import DATABASES
from postgres.cuts import CuttingProxy
from rollbook_server.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postgres_server import PostgresServer


@pytest.fixture
def postgres() -> PostgresServer:
    return DATABASES.server


@pytest.fixture
def name(postgres: PostgresServer) -> Iterator[str]:
    """Give the name of a new database."""
    name = postgres.create()
    yield name
    postgres.drop(name)


@pytest.fixture
def proxy(postgres: PostgresServer) -> Iterator[CuttingProxy]:
    with CuttingProxy(postgres.folder / ".s.PGSQL.5432") as proxy:
        yield proxy


@pytest.fixture
def url(proxy: CuttingProxy, name: str) -> str:
    """Give the URL of the database through the proxy."""
    return f"postgresql://rollbook@127.0.0.1:{proxy.port}/{name}?sslmode=disable"


@pytest.fixture
def store(url: str) -> Iterator[PostgresStore]:
    with closing(PostgresStore(url, str.encode)) as store:
        yield store
