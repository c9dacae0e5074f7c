"""What keeps a roll out of a database is told before it is served, with what mends it."""

from __future__ import annotations

import itertools
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from peewee import ProgrammingError

from database import later
from rollbook_server.domain.profiles import Profile
from rollbook_server.storage.opening import place
from rollbook_server.storage.postgres.store import PostgresStore, unusable
from rollbook_server.storage.roll_store import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postgres_server import PostgresServer

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
PROVIDERS_SINCE = 150_000  # of locales, for a whole database
_numbers = itertools.count()


@pytest.fixture
def role(postgres: PostgresServer, name: str) -> Iterator[str]:
    """Give a role that owns nothing, and may do what PostgreSQL lets anybody do."""
    role = f"guest_{next(_numbers)}"
    postgres.execute(f"CREATE ROLE {role} LOGIN")
    yield role
    postgres.change(name, f"DROP OWNED BY {role}")
    postgres.execute(f"DROP ROLE {role}")


@pytest.fixture
def quoted_role(postgres: PostgresServer, name: str, role: str) -> Iterator[str]:
    """Give such a role with a name that SQL takes in quotes alone."""
    quoted = f"Guest-{role}"
    postgres.execute(f'CREATE ROLE "{quoted}" LOGIN')
    yield quoted
    postgres.change(name, f'DROP OWNED BY "{quoted}"')
    postgres.execute(f'DROP ROLE "{quoted}"')


def url(postgres: PostgresServer, name: str, role: str) -> str:
    return postgres.url(name).replace("rollbook@", f"{role}@")


def refusal(database_url: str) -> str:
    """Give why a server is refused, which `rollbook database upgrade` has to say, too."""
    with pytest.raises(StoreError) as refused:
        PostgresStore(database_url)
    with pytest.raises(StoreError) as also:
        place(database_url, Path()).upgraded()
    assert str(refused.value) == str(also.value)
    return str(refused.value)


def upgrade(postgres: PostgresServer, name: str) -> None:
    """Make the tables, as a role that may."""
    place(postgres.url(name), Path()).upgraded()


def give(postgres: PostgresServer, name: str, role: str, rights: str) -> None:
    postgres.change(name, f"GRANT {rights} ON ALL TABLES IN SCHEMA public TO {role}")


def add(store: PostgresStore) -> bool:
    return store.write(lambda roll: roll.profiles.add(Profile("prf-a", "仓库", NOW, NOW)))


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_an_encoding_without_most_letters_is_refused(
    postgres: PostgresServer, encoding: str
) -> None:
    name = f"narrow_{encoding.lower()}"
    [(version,)] = postgres.query("postgres", "SHOW server_version_num")
    provider = "LOCALE_PROVIDER libc" if int(version) >= PROVIDERS_SINCE else ""
    how = f"TEMPLATE template0 {provider} LC_COLLATE 'C' LC_CTYPE 'C'"
    postgres.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' {how}")
    try:
        told = refusal(postgres.url(name))
    finally:
        postgres.drop(name)
    assert f"its encoding is {encoding}" in told
    assert "ENCODING 'UTF8'" in told


def test_an_encoding_that_somebody_set_for_other_programs_is_passed_over(
    postgres: PostgresServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    with closing(PostgresStore(postgres.url(name), str.encode)) as store:
        assert add(store)
        [profile] = [store.read(lambda roll: roll.profiles.get("prf-a"))]
        assert profile is not None
        assert profile.name == "仓库"


def test_who_may_make_no_tables_is_told_so(postgres: PostgresServer, name: str, role: str) -> None:
    told = refusal(url(postgres, name, role))
    assert f"the role {role} may make none: GRANT CREATE ON SCHEMA public" in told


def test_who_may_make_no_tables_can_serve_those_of_another(
    postgres: PostgresServer, name: str, role: str
) -> None:
    upgrade(postgres, name)
    give(postgres, name, role, "SELECT, INSERT, UPDATE, DELETE")
    mine = url(postgres, name, role)
    with closing(PostgresStore(mine, str.encode, may_upgrade=False)) as store:
        assert add(store)


def test_who_does_not_own_the_tables_is_told_who_has_to_upgrade_them(
    postgres: PostgresServer, name: str, role: str, tmp_path: Path
) -> None:
    upgrade(postgres, name)
    give(postgres, name, role, "ALL")
    postgres.change(name, f"GRANT CREATE ON SCHEMA public TO {role}")
    mine = url(postgres, name, role)
    with later.installed(later.steps(tmp_path)):
        told = refusal(mine)
        assert f"the role {role} does not own the tables. Let their owner rollbook run" in told
        upgrade(postgres, name)
        PostgresStore(mine).close()


def test_who_has_the_role_of_the_owner_may_upgrade(
    postgres: PostgresServer, name: str, role: str, tmp_path: Path
) -> None:
    owner = f"owner_of_{role}"
    postgres.execute(f"CREATE ROLE {owner} LOGIN")
    postgres.change(name, f"GRANT CREATE ON SCHEMA public TO {owner}")
    place(url(postgres, name, owner), Path()).upgraded()
    postgres.execute(f"GRANT {owner} TO {role}")
    try:
        with later.installed(later.steps(tmp_path)):
            assert place(url(postgres, name, role), Path()).upgraded() == [later.NAME]
    finally:
        postgres.change(name, f"DROP OWNED BY {owner}")
        postgres.execute(f"DROP ROLE {owner}")


def test_whoever_asks_there_is_nothing_to_upgrade_in_a_current_schema(
    postgres: PostgresServer, name: str, role: str
) -> None:
    upgrade(postgres, name)
    give(postgres, name, role, "SELECT, INSERT, UPDATE, DELETE")
    assert place(url(postgres, name, role), Path()).upgraded() == ()


def test_a_right_that_lacks_is_no_database_that_does_not_run() -> None:
    try:
        try:
            raise psycopg.errors.InsufficientPrivilege("permission denied for schema public")
        except psycopg.Error as cause:
            raise ProgrammingError(str(cause)) from cause
    except ProgrammingError as error:
        told = str(unusable(error))
    assert "permission denied for schema public. Give its role that right" in told


def test_rights_that_lack_are_told(postgres: PostgresServer, name: str, role: str) -> None:
    upgrade(postgres, name)
    give(postgres, name, role, "SELECT, INSERT, UPDATE, DELETE")
    postgres.change(name, f"REVOKE UPDATE ON tokens FROM {role}")
    postgres.change(name, f"REVOKE ALL ON writers FROM {role}")
    told = refusal(url(postgres, name, role))
    assert f"the role {role} may not read and write all of tokens, writers: GRANT" in told


def test_who_may_make_no_temporary_tables_is_told_before_an_upload_fails(
    postgres: PostgresServer, name: str, role: str
) -> None:
    upgrade(postgres, name)
    give(postgres, name, role, "ALL")
    postgres.execute(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC")
    assert f"GRANT TEMPORARY ON DATABASE {name} TO {role}" in refusal(url(postgres, name, role))


def test_a_roll_is_not_lost_behind_a_schema_that_comes_first(
    postgres: PostgresServer, name: str, role: str
) -> None:
    """Where there is a schema of the role's name, PostgreSQL looks there first."""
    upgrade(postgres, name)
    give(postgres, name, role, "ALL")
    postgres.change(name, f"CREATE SCHEMA {role} AUTHORIZATION {role}")
    told = refusal(url(postgres, name, role))
    assert f"the roll is in the schema public, and the search_path of the role {role}" in told


def test_a_roll_may_have_a_schema_of_its_own(
    postgres: PostgresServer, name: str, role: str
) -> None:
    postgres.change(name, f"CREATE SCHEMA roll AUTHORIZATION {role}")
    postgres.execute(f"ALTER ROLE {role} SET search_path = roll")
    for is_new in (True, False):
        with closing(PostgresStore(url(postgres, name, role), str.encode)) as store:
            assert add(store) is is_new
    assert postgres.query(name, "SELECT count(*) FROM roll.profiles") == [(1,)]


def test_names_that_need_quotes_are_names_like_others(
    postgres: PostgresServer, name: str, quoted_role: str
) -> None:
    mine = url(postgres, name, quoted_role)
    postgres.change(name, f'CREATE SCHEMA "{quoted_role}" AUTHORIZATION "{quoted_role}"')
    for is_new in (True, False):
        with closing(PostgresStore(mine, str.encode)) as store:
            assert add(store) is is_new


def test_what_is_proposed_can_be_run_as_it_is(
    postgres: PostgresServer, name: str, quoted_role: str
) -> None:
    upgrade(postgres, name)
    told = refusal(url(postgres, name, quoted_role))
    rights, _, to_whom = told.partition("GRANT ")[2].partition(" ON ALL TABLES")
    postgres.change(name, f"GRANT {rights} ON ALL TABLES{to_whom.removesuffix('.')}")
    PostgresStore(url(postgres, name, quoted_role)).close()


def test_a_schema_that_is_not_there_is_told(postgres: PostgresServer, name: str, role: str) -> None:
    postgres.execute(f"ALTER ROLE {role} SET search_path = gone")
    assert "no schema of the search_path" in refusal(url(postgres, name, role))


def test_what_is_not_kept_when_it_is_answered_is_warned_of(
    postgres: PostgresServer, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    PostgresStore(postgres.url(name)).close()
    assert "synchronous_commit" not in caplog.text
    postgres.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    PostgresStore(postgres.url(name)).close()
    assert "synchronous_commit is off for the role rollbook" in caplog.text
