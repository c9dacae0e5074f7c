"""A server starts with the sealing keys of its database, and with no others."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from databases import DATABASES
from rollbook import AuditFault, FailedPreconditionError
from rollbook_server import sealing_file
from rollbook_server.config import SEALING_KEY_NAME
from rollbook_server.key_files import KeyFileError
from tokens.sealed import key_ids

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from running import Server

pytestmark = pytest.mark.sqlite_only  # servers that share a database compare their keys besides

MISSING = "SEALING KEYS ARE MISSING"


@pytest.fixture
def filled(server: Server) -> Server:
    """Give a server with a token, stopped."""
    with server.admin() as admin:
        admin.create_profile("Depot")
    server.stop()
    return server


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """Give the key file of another server."""
    sealing_file.load_or_create(tmp_path / "others.key")
    return tmp_path / "others.key"


def exchange(server: Server, path: Path) -> None:
    shutil.copy2(path, server.data_dir / SEALING_KEY_NAME)


def test_with_the_keys_of_another_server_it_does_not_start_and_changes_nothing(
    serve: Callable[..., Server], filled: Server, others: Path, tmp_path: Path
) -> None:
    kept = (filled.data_dir / SEALING_KEY_NAME).rename(tmp_path / "kept.key")
    exchange(filled, others)
    with pytest.raises(KeyFileError, match=r"are not those of this database.*back from its copy"):
        serve()
    exchange(filled, kept)
    with serve().admin() as admin:
        assert admin.verify_audit_log().first_break is None


@pytest.mark.usefixtures("filled")
def test_so_it_is_with_keys_from_the_environment(
    serve: Callable[..., Server], others: Path
) -> None:
    with pytest.raises(KeyFileError, match="keys in ROLLBOOK_SEALING_KEY are not those"):
        serve(sealing_keys=others.read_text())


def test_of_a_roll_without_a_log_its_tokens_show_it(
    serve: Callable[..., Server], filled: Server, others: Path
) -> None:
    exchange(filled, others)
    for table in ("audit_events", "audit_end"):
        DATABASES.change(filled.data_dir, f"DELETE FROM {table}")
    with pytest.raises(KeyFileError, match="are not those of this database"):
        serve()


def test_of_a_roll_without_tokens_the_log_shows_it(
    serve: Callable[..., Server], server: Server, others: Path
) -> None:
    with server.admin() as admin:
        admin.create_profile("Depot", tokenless=True)
    server.stop()
    exchange(server, others)
    with pytest.raises(KeyFileError, match="are not those of this database"):
        serve()


@pytest.mark.parametrize("table", ["audit_end", "audit_events", "tokens"])
def test_what_was_tampered_with_keeps_no_server_with_the_right_keys_from_starting(
    serve: Callable[..., Server], filled: Server, table: str
) -> None:
    column = "sealed_value" if table == "tokens" else "seal"
    DATABASES.change(filled.data_dir, f"UPDATE {table} SET {column} = zeroblob(16)")
    assert serve().address


def test_nor_does_a_number_that_no_event_has(serve: Callable[..., Server], filled: Server) -> None:
    DATABASES.change(filled.data_dir, f"UPDATE audit_end SET sequence = {-(2**63)}")
    assert serve().address


def test_what_was_forged_of_the_log_alone_is_left_to_the_check_of_the_log(
    serve: Callable[..., Server], filled: Server
) -> None:
    for table in ("audit_events", "audit_end"):
        DATABASES.change(filled.data_dir, f"UPDATE {table} SET seal = zeroblob(16)")
    with serve().admin() as admin:
        broken = admin.verify_audit_log().first_break
    assert broken is not None
    assert broken.fault is AuditFault.SEAL_INVALID


def test_where_an_older_key_is_missing_it_warns_loudly_and_starts(
    serve: Callable[..., Server], filled: Server, caplog: pytest.LogCaptureFixture
) -> None:
    path = filled.data_dir / SEALING_KEY_NAME
    (old,) = key_ids(filled.data_dir)
    rotated = sealing_file.load_or_create(path).rotated()
    path.write_text(rotated.rid_of_retiring().text())
    again = serve()
    assert f"{MISSING}: no key in {path} opens tokens that were sealed with the key {old}" in (
        caplog.text
    )
    with again.admin() as admin:
        (profile,) = admin.list_profiles()
        with pytest.raises(FailedPreconditionError, match=old):
            admin.reveal_token(profile.profile_id)
    again.stop()
    caplog.clear()
    path.write_text(rotated.text())  # as the warning says
    with serve().admin() as admin:
        assert admin.reveal_token(profile.profile_id)
    assert MISSING not in caplog.text


@pytest.mark.parametrize("place", ["min(id)", "max(id)", "min(token_id)", "max(token_id)"])
def test_the_token_at_either_end_shows_that_a_key_is_missing(
    serve: Callable[..., Server],
    server: Server,
    caplog: pytest.LogCaptureFixture,
    place: str,
) -> None:
    """Where a rotation was half done, one end is sealed with the old key, one with the new."""
    with server.admin() as admin:
        for number in range(20):
            admin.create_profile(f"Depot {number}")
    server.stop()
    column = place[4:-1]
    DATABASES.change(
        server.data_dir,
        "UPDATE tokens SET sealed_value = CAST(x'01deadbeef' || substr(sealed_value, 6) AS BLOB) "
        f"WHERE {column} = (SELECT {place} FROM tokens)",
    )
    assert serve().address
    assert f"{MISSING}: no key in" in caplog.text
    assert "the key deadbeef. " in caplog.text
