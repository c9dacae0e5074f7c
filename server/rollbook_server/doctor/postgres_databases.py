"""A PostgreSQL database: reachable, ours to write, and as durable as an answer promises."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rollbook_server.doctor import rolls
from rollbook_server.doctor.findings import ok, warning, wrong
from rollbook_server.storage import migrating
from rollbook_server.storage.migrating import SchemaState
from rollbook_server.storage.opening import place
from rollbook_server.storage.roll_store import StoreError
from rollbook_server.storage.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rollbook_server.doctor.findings import Finding
    from rollbook_server.doctor.rolls import Roll
    from rollbook_server.storage.engine import RollDatabase

_DATABASE, _RIGHTS, _DURABILITY, _CLOCKS = "database", "rights", "durability", "database's clock"
_CONNECTIONS = "connections"
_SETTINGS = (
    *("server_version", "server_version_num", "server_encoding"),
    *("synchronous_commit", "synchronous_standby_names", "fsync", "full_page_writes"),
    "max_connections",
)
_OLDEST = 130_000  # 13, the oldest that PostgreSQL's makers have kept of late
_STANDBYS = "SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"
_IN_USE = "SELECT count(*) FROM pg_stat_activity"
_SECONDS = "SELECT extract(epoch FROM clock_timestamp())"
_MAY_CREATE = "SELECT has_schema_privilege(current_schema(), 'CREATE')"
_LACKING = """
SELECT tablename FROM pg_catalog.pg_tables
WHERE schemaname = current_schema() AND tablename IN ({}) AND NOT (
    has_table_privilege(quote_ident(tablename), 'SELECT')
    AND has_table_privilege(quote_ident(tablename), 'INSERT')
    AND has_table_privilege(quote_ident(tablename), 'UPDATE')
    AND has_table_privilege(quote_ident(tablename), 'DELETE')
) ORDER BY tablename
"""
_MOST_SECONDS_APART = 5
_FEW_CONNECTIONS = 20  # what one server takes


@dataclass
class PostgresDatabase:
    """The database of a URL; `roll` is known once `look` is through."""

    url: str
    default: Path
    now: Callable[[], datetime]
    thorough: bool = False
    roll: Roll | None = None
    server: int | None = None  # it may be on any machine
    is_shared = True

    def look(self) -> Iterator[Finding]:
        """Look at everything about the database."""
        try:
            found = place(self.url, self.default)
            with found.looked_at() as database:
                yield from self._looked_at(found.name, database)
        except StoreError as error:
            yield wrong(_DATABASE, str(error))

    def _looked_at(self, name: str, database: RollDatabase) -> Iterator[Finding]:
        settings = _settings(database)
        yield _version(name, settings)
        yield _rights(database)
        yield _durability(database, settings)
        yield self._clocks(database)
        yield _connections(database, settings)
        yield rolls.schema(database)
        state = migrating.look(database).state
        if state is SchemaState.EMPTY:
            self.roll = rolls.NONE_YET
        if state is SchemaState.CURRENT:
            self.roll = rolls.read(database)
            if self.thorough:
                yield rolls.counts(database)

    def _clocks(self, database: RollDatabase) -> Finding:
        theirs = datetime.fromtimestamp(float(_one(database, _SECONDS)), UTC)
        apart = (self.now() - theirs).total_seconds()
        if abs(apart) > _MOST_SECONDS_APART:
            return warning(
                _CLOCKS,
                f"{abs(apart):,.0f} s {'behind' if apart > 0 else 'ahead of'} this machine's",
                "Let both machines follow the same time servers (chrony, systemd-timesyncd).",
            )
        return ok(_CLOCKS, f"{abs(apart):.1f} s from this machine's")


def _settings(database: RollDatabase) -> dict[str, str]:
    wanted = ", ".join(f"current_setting('{name}')" for name in _SETTINGS)
    found = database.execute_sql(f"SELECT {wanted}").fetchone()
    return dict(zip(_SETTINGS, map(str, found), strict=True))


def _version(name: str, settings: dict[str, str]) -> Finding:
    told = f"PostgreSQL {settings['server_version']}, {name}"
    if settings["server_encoding"] != "UTF8":
        return wrong(
            _DATABASE,
            f"{told}: its encoding is {settings['server_encoding']}",
            "Make a database with ENCODING 'UTF8', and copy the roll into it.",
        )
    if int(settings["server_version_num"]) < _OLDEST:
        return warning(_DATABASE, told, "Take a version that is still kept: 13 or later.")
    return ok(_DATABASE, told)


def _rights(database: RollDatabase) -> Finding:
    # A standby is no host that we were connected to: see `target_session_attrs`.
    tables = ", ".join(f"'{table._meta.table_name}'" for table in TABLES)  # noqa: SLF001
    lacking = [name for (name,) in database.execute_sql(_LACKING.format(tables)).fetchall()]
    if lacking:
        return wrong(
            _RIGHTS,
            f"no right to read and write {', '.join(lacking)}",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(lacking)} TO the server's role.",
        )
    if not _one(database, _MAY_CREATE):
        return warning(
            _RIGHTS,
            "reads and writes, but may make no tables",
            "Upgrades need a role that may: `rollbook database upgrade`, and `serve --no-upgrade`.",
        )
    return ok(_RIGHTS, "reads, writes and makes tables")


def _durability(database: RollDatabase, settings: dict[str, str]) -> Finding:
    commit, names = settings["synchronous_commit"], settings["synchronous_standby_names"]
    for name in ("fsync", "full_page_writes"):
        if settings[name] != "on":
            return wrong(
                _DURABILITY,
                f"{name} is {settings[name]}: a power loss may destroy the database",
                f"Set {name} = on in postgresql.conf.",
            )
    if commit == "off":
        return wrong(
            _DURABILITY,
            "synchronous_commit is off: what was answered may be lost",
            "Set synchronous_commit = on for the server's role or database.",
        )
    if not names:
        return ok(
            _DURABILITY,
            f"synchronous_commit {commit}, no synchronous standby: a failover may lose what was "
            "answered last",
        )
    return _standby(database, commit, names)


def _standby(database: RollDatabase, commit: str, names: str) -> Finding:
    if commit == "local":
        return warning(
            _DURABILITY,
            f"synchronous_commit is local: no answer waits for the standby ({names})",
            "Set synchronous_commit = on, if a failover is to lose nothing.",
        )
    if not int(_one(database, _STANDBYS)):
        return warning(
            _DURABILITY,
            f"no synchronous standby is seen of {names}: writes may wait for one",
            "See that it runs; a role without pg_monitor does not see it.",
        )
    return ok(_DURABILITY, f"synchronous_commit {commit}, a synchronous standby of {names}")


def _connections(database: RollDatabase, settings: dict[str, str]) -> Finding:
    used, most = int(_one(database, _IN_USE)), int(settings["max_connections"])
    told = f"{used} of {most} in use"
    if most - used < _FEW_CONNECTIONS:
        return warning(
            _CONNECTIONS,
            told,
            f"A server takes up to {_FEW_CONNECTIONS}: raise max_connections, or put PgBouncer "
            "in between.",
        )
    return ok(_CONNECTIONS, told)


def _one(database: RollDatabase, sql: str) -> Any:
    return database.execute_sql(sql).fetchone()[0]
