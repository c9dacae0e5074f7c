"""A database that is put back by hand is noticed also where no token was voided since."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from rollbook import Role
from rollbook_server.app import TOKEN_EPOCH_NAME
from rollbook_server.config import DATABASE_NAME
from tokens.test_restored_database import back_up

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rollbook import AdminClient
    from running import Server

pytestmark = pytest.mark.sqlite_only  # a file is put back

WARNED = "THE DATABASE MAY BE AN OLDER ONE"
ADVICE = ("rollbook key revoke", "rollbook user edit")


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    """Give a server with a token, a key and a user."""
    server = serve()
    with server.admin() as admin:
        admin.create_profile("Depot")
        admin.create_api_key("Watcher", role=Role.VIEWER)
        admin.create_user("ann", password="correct horse")
    return server


def revoke_key(admin: AdminClient) -> None:
    (found,) = (each for each in admin.list_api_keys() if each.display_name == "Watcher")
    admin.revoke_api_key(found.api_key_id)


def change_password(admin: AdminClient) -> None:
    admin.update_user(ann(admin), password="battery staple")


def delete_user(admin: AdminClient) -> None:
    admin.delete_user(ann(admin))


def ann(admin: AdminClient) -> str:
    (found,) = admin.list_users()
    return found.user_id


def put_back(server: Server, backup: Path) -> None:
    shutil.copyfile(backup, server.data_dir / DATABASE_NAME)


def note(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((server.data_dir / TOKEN_EPOCH_NAME).read_text())
    return found


def newest(server: Server) -> int:
    with server.admin() as admin:
        return next(iter(admin.list_audit_events())).sequence


@pytest.mark.parametrize("void", [revoke_key, change_password, delete_user])
def test_keys_and_passwords_that_come_back_are_told_until_the_file_is_removed(
    server: Server,
    serve: Callable[..., Server],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    void: Callable[[AdminClient], None],
) -> None:
    backup = back_up(server, tmp_path / "backup.db")
    with server.admin() as admin:
        void(admin)
    server.stop()
    put_back(server, backup)
    for number in range(2):  # at every start, also once the log has gone on
        caplog.clear()
        again = serve()
        assert WARNED in caplog.text
        assert all(each in caplog.text for each in ADVICE)
        assert "revoke-all" not in caplog.text  # no token works again
        with again.admin() as admin:
            for each in range(3):
                admin.create_profile(f"{number} {each}")
        again.stop()
    (server.data_dir / TOKEN_EPOCH_NAME).unlink()
    caplog.clear()
    for _ in range(2):
        serve().stop()
    assert WARNED not in caplog.text


def test_it_is_noted_before_it_is_answered_and_whatever_was_told_at_the_end(
    server: Server, serve: Callable[..., Server]
) -> None:
    for void in (revoke_key, change_password, delete_user):
        with server.admin() as admin:
            void(admin)
        assert note(server)["audit_sequence"] == newest(server)
    with server.admin() as admin:
        admin.create_profile("Later")
    last = newest(server)
    assert note(server)["audit_sequence"] < last
    server.stop()
    assert note(server)["audit_sequence"] == last
    with serve().admin() as admin:
        admin.create_profile("At last")
    assert note(server)["audit_sequence"] == last


def test_a_roll_without_tokens_is_looked_at_too(
    serve: Callable[..., Server], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve()
    with server.admin() as admin:
        admin.create_api_key("Watcher", role=Role.VIEWER)
        backup = back_up(server, tmp_path / "backup.db")
        revoke_key(admin)
    server.stop()
    put_back(server, backup)
    assert serve().address
    assert WARNED in caplog.text


def test_a_file_of_before_is_read(
    server: Server, serve: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    server.stop()
    found = note(server)
    before = {name: found[name] for name in ("epoch", "inode", "doubted")}
    (server.data_dir / TOKEN_EPOCH_NAME).write_text(json.dumps(before))
    serve().stop()
    assert WARNED not in caplog.text
    assert note(server) == found


def test_all_tokens_revoked_settles_it_too(
    server: Server, serve: Callable[..., Server], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    backup = back_up(server, tmp_path / "backup.db")
    with server.admin() as admin:
        revoke_key(admin)
        admin.refresh_token(next(iter(admin.list_profiles())).profile_id)
    server.stop()
    put_back(server, backup)
    again = serve()
    assert "rollbook token revoke-all" in caplog.text
    with again.admin() as admin:
        admin.revoke_all_tokens()
    again.stop()
    caplog.clear()
    serve().stop()
    assert WARNED not in caplog.text
