"""Whether a database, and the role that we are in it, can hold a roll at all.

What is wrong with them would show later, in the middle of calls, as bugs of ours: it is
told before, with the statement that mends it.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, NamedTuple

from rollbook_server.storage.roll_store import StoreError
from rollbook_server.storage.schema import TABLES

if TYPE_CHECKING:
    from rollbook_server.storage.postgres.roll import PostgresRoll

_log = logging.getLogger(__name__)

_OURS = ("writers", *(table._meta.table_name for table in TABLES))  # noqa: SLF001 - peewee's reflection

# Our tables are asked for as every statement finds them, through the search_path. Names are
# quoted where SQL needs it, as the statements that we propose have to write them.
_FOUND = """
SELECT quote_ident(current_user), quote_ident(current_database()), pg_encoding_to_char(encoding),
    quote_ident(current_schema()),
    (SELECT quote_ident(nspname) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
        WHERE pg_class.oid = to_regclass('counters')),
    coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
    has_database_privilege(current_database(), 'TEMPORARY'),
    current_setting('synchronous_commit')
FROM pg_database WHERE datname = current_database()
"""
# ALTER TABLE is its owner's, and of those whose role has that of the owner.
_OTHER_OWNER = """
SELECT quote_ident(current_user), quote_ident(current_database()),
    quote_ident(pg_get_userbyid(relowner))
FROM pg_class WHERE oid = to_regclass('counters') AND NOT pg_has_role(relowner, 'USAGE')
"""
_LACKED = """
SELECT name FROM (SELECT value AS name, to_regclass(value) AS oid FROM ($TEXTS) ours) found
WHERE oid IS NOT NULL AND NOT (has_table_privilege(oid, 'SELECT')
    AND has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE')
    AND has_table_privilege(oid, 'DELETE'))
ORDER BY name
"""


class _Found(NamedTuple):
    """What we are, where we are, and what we may there; `kept_in` is the schema of our tables.

    Names are as SQL writes them.
    """

    role: str
    database: str
    encoding: str
    schema: str | None
    kept_in: str | None
    may_create: bool
    may_make_temporary: bool
    synchronous_commit: str


def check(database: PostgresRoll) -> None:
    """Raise StoreError for what keeps a roll out, with what is to be done; warn of a risk."""
    found = _Found(*database.execute_sql(_FOUND).fetchone())
    problem = _problem(found) or _lack(database, found)
    if problem:
        raise StoreError(f"The PostgreSQL database {found.database} cannot be used: {problem}")
    if found.synchronous_commit == "off":
        _log.warning(
            "synchronous_commit is off for the role %s: PostgreSQL says of changes that they are "
            "kept before they are, and what was answered last is lost if its machine fails",
            found.role,
        )


def check_owner(database: PostgresRoll) -> None:
    """Raise StoreError if there are tables, and another role alone may change them."""
    found = database.execute_sql(_OTHER_OWNER).fetchone()
    if found is not None:
        role, name, owner = found
        raise StoreError(
            f"The PostgreSQL database {name} cannot be used: its schema is an older one, and the "
            f"role {role} does not own the tables. Let their owner {owner} run `rollbook database "
            "upgrade --database ...`, and start the server again."
        )


def _problem(found: _Found) -> str:
    if found.encoding != "UTF8":
        return (
            f"its encoding is {found.encoding}, which has not the letters of all languages. Make "
            "another one: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0."
        )
    if found.schema is None:
        return (
            f"no schema of the search_path of the role {found.role} is there, or none that it may "
            f"use: GRANT USAGE, or ALTER ROLE {found.role} SET search_path."
        )
    return _problem_of_schema(found) or _problem_of_temporary(found)


def _problem_of_schema(found: _Found) -> str:
    if found.kept_in not in (None, found.schema):
        return (
            f"the roll is in the schema {found.kept_in}, and the search_path of the role "
            f"{found.role} begins with {found.schema}, where there is none. ALTER ROLE "
            f"{found.role} SET search_path = {found.kept_in}, or {found.schema} for a new one."
        )
    if found.kept_in is None and not found.may_create:
        return (
            f"it has no tables yet, and the role {found.role} may make none: GRANT CREATE ON "
            f"SCHEMA {found.schema} TO {found.role}, or let another role run `rollbook database "
            "upgrade`."
        )
    return ""


def _problem_of_temporary(found: _Found) -> str:
    """Tell of the right without which an upload fails once a row is on the roll already."""
    if found.may_make_temporary:
        return ""
    return (
        f"the role {found.role} may make no temporary tables: GRANT TEMPORARY ON DATABASE "
        f"{found.database} TO {found.role}."
    )


def _lack(database: PostgresRoll, found: _Found) -> str:
    """Tell of tables that another role made, and did not give us."""
    rows = database.execute_sql(_LACKED, (json.dumps(_OURS),)).fetchall()
    names = [name for (name,) in rows]
    if not names:
        return ""
    return (
        f"the role {found.role} may not read and write all of {', '.join(names)}: GRANT SELECT, "
        f"INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {found.schema} TO {found.role}."
    )
