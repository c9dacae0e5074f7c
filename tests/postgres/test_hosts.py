"""Of several hosts the one is asked first that answered last: another may be gone for good."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest
from psycopg.conninfo import make_conninfo

from postgres.cuts import CuttingProxy
from rollbook_server.storage.postgres.hosts import Hosts
from rollbook_server.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postgres_server import PostgresServer

READERS = 6
HANG_SECONDS = 60


class Gone:
    """A host that takes connections, counts them, and ends each without a word."""

    def __init__(self) -> None:
        self.asked = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listening.accept()
                self.asked += 1
                client.close()


@pytest.fixture
def gone() -> Iterator[Gone]:
    with closing(Gone()) as gone:
        yield gone


def read_together(store: PostgresStore, count: int) -> None:
    """Read on so many connections at the same time."""
    together = threading.Barrier(count, timeout=HANG_SECONDS)
    with ThreadPoolExecutor(count) as pool:
        for each in [pool.submit(store.read, lambda _: together.wait()) for _ in range(count)]:
            each.result()


def test_a_host_that_is_gone_is_asked_once_by_writer_and_readers(
    gone: Gone, proxy: CuttingProxy, name: str
) -> None:
    url = f"postgresql://rollbook@127.0.0.1:{gone.port},127.0.0.1:{proxy.port}/{name}"
    with closing(PostgresStore(f"{url}?sslmode=disable")) as store:
        read_together(store, READERS)
        assert gone.asked == 2


def test_where_the_last_one_is_gone_the_others_are_asked(
    postgres: PostgresServer, proxy: CuttingProxy, name: str
) -> None:
    with CuttingProxy(postgres.folder / ".s.PGSQL.5432") as first:
        url = f"postgresql://rollbook@127.0.0.1:{first.port},127.0.0.1:{proxy.port}/{name}"
        store = PostgresStore(f"{url}?sslmode=disable")
        read_together(store, 1)
    with closing(store):
        read_together(store, READERS)


@pytest.mark.parametrize(
    ("said", "answered", "then"),
    [
        ({"host": "a,b,c", "port": "1,2,3"}, ("b", 2), {"host": "b,c,a", "port": "2,3,1"}),
        ({"host": "a,a", "port": "1,"}, ("a", 5432), {"host": "a,a", "port": ",1"}),
        ({"host": "a,b", "port": "7"}, ("b", 7), {"host": "b,a"}),
        ({"hostaddr": "10.0.0.1,10.0.0.2"}, ("10.0.0.2", 5432), {"hostaddr": "10.0.0.2,10.0.0.1"}),
        ({"host": "a,b"}, ("unheard", 5432), {"host": "a,b"}),
        ({"host": "a", "port": "1"}, ("a", 1), {}),
        ({}, ("/run/postgresql", 5432), {}),
    ],
)
def test_the_order_begins_with_who_answered(
    said: dict[str, str], answered: tuple[str, int], then: dict[str, str]
) -> None:
    hosts = Hosts(make_conninfo("", **said))
    hosts.note(*answered)
    assert hosts.parameters() == then
