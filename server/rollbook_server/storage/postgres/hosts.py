"""The hosts of a URL, in the order in which to ask them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peewee import PostgresqlDatabase
from psycopg.conninfo import conninfo_to_dict

if TYPE_CHECKING:
    import psycopg

_LISTS = ("host", "hostaddr", "port")
_DEFAULT_PORT = 5432


class HostsAdapter(PostgresqlDatabase.psycopg3_adapter):  # type: ignore[misc]
    """How peewee connects through psycopg, for one database and its hosts."""

    _hosts: Hosts | None = None

    def connect(self, db: PostgresqlDatabase, **params: Any) -> psycopg.Connection[Any]:
        """Connect; raises what the driver raises for the host that was asked last."""
        self._hosts = self._hosts or Hosts(db.database)
        connection: psycopg.Connection[Any] = super().connect(
            db, **params | self._hosts.parameters()
        )
        self._hosts.note(connection.info.host, connection.info.port)
        return connection


class Hosts:
    """Asks the one first that answered last.

    A machine that is gone says nothing, and would be waited for at each connection before
    the one that took its place is asked.
    """

    def __init__(self, url: str) -> None:
        said = conninfo_to_dict(url)
        lists = {name: str(said[name]).split(",") for name in _LISTS if said.get(name)}
        count = max(map(len, lists.values()), default=1)
        # A port may be said once for all hosts.
        self._lists = {name: each for name, each in lists.items() if len(each) == count > 1}

    def parameters(self) -> dict[str, str]:
        """Give what goes before the URL; nothing where that has but one host."""
        return {name: ",".join(each) for name, each in self._lists.items()}

    def note(self, host: str, port: int) -> None:
        """Remember who answered."""
        names = self._lists.get("host") or self._lists.get("hostaddr") or []
        ports = [int(each or _DEFAULT_PORT) for each in self._lists.get("port", [])]
        answered = list(zip(names, ports or [port] * len(names), strict=True))
        if (host, port) in answered:
            place = answered.index((host, port))
            self._lists = {word: each[place:] + each[:place] for word, each in self._lists.items()}
