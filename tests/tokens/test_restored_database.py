"""An older database that is put back does not bring revoked tokens back unnoticed."""

from __future__ import annotations

import json
import shutil
import sqlite3
import uuid
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from grpc_health.v1 import health_pb2

from raw_calls import unary
from rollbook import DeviceRow, EnrollOutcome, TokenState
from rollbook.v1 import token_service_pb2 as messages
from rollbook_server import key_files
from rollbook_server.app import TOKEN_EPOCH_NAME
from rollbook_server.config import DATABASE_NAME
from rollbook_server.key_files import KeyFileError
from test_serve import Health

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rollbook import AdminClient
    from running import Server

pytestmark = pytest.mark.sqlite_only  # a file is put back

IMEI = "356938035643809"
WARNED = "THE DATABASE MAY BE AN OLDER ONE"


@pytest.fixture
def profile_id(server: Server) -> str:
    """Give a profile with a token and a device; there is another one as well."""
    with server.admin() as admin:
        admin.create_profile("Other")
        made = admin.create_profile("Depot")
        admin.create_devices(made.profile_id, [DeviceRow(imei=IMEI)])
    return made.profile_id


def back_up(server: Server, to: Path) -> Path:
    """Copy the database of a server as its operator does."""
    with (
        closing(sqlite3.connect(server.data_dir / DATABASE_NAME)) as database,
        closing(sqlite3.connect(to)) as copy,
    ):
        database.backup(copy)
    return to


def refresh(admin: AdminClient, profile_id: str) -> None:
    admin.refresh_token(profile_id)


def revoke(admin: AdminClient, profile_id: str) -> None:
    admin.revoke_token(profile_id)


def delete(admin: AdminClient, profile_id: str) -> None:
    admin.delete_profile(profile_id, force=True)


def revoke_all_once(admin: AdminClient, request: messages.RevokeAllTokensRequest) -> int:
    return unary(admin, admin._tokens.RevokeAllTokens, request).revoked_count


def written_over(backup: Path, database: Path) -> None:
    shutil.copyfile(backup, database)


def moved_into_place(backup: Path, database: Path) -> None:
    shutil.copyfile(backup, backup.with_name("copy"))
    backup.with_name("copy").replace(database)


@pytest.mark.parametrize("put_back", [written_over, moved_into_place])
@pytest.mark.parametrize("void", [refresh, revoke, delete])
def test_tokens_that_come_back_to_life_are_told_until_all_are_revoked(
    serve: Callable[..., Server],
    server: Server,
    profile_id: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    void: Callable[[AdminClient, str], None],
    put_back: Callable[[Path, Path], None],
) -> None:
    backup = back_up(server, tmp_path / "backup.db")
    with server.admin() as admin:
        value = admin.reveal_token(profile_id)
        void(admin, profile_id)
    server.stop()
    assert WARNED not in caplog.text

    put_back(backup, server.data_dir / DATABASE_NAME)
    for _ in range(2):  # at every start, until something is done about it
        caplog.clear()
        again = serve()
        health = Health(again)
        assert health.check("") == health_pb2.HealthCheckResponse.SERVING
        health.channel.close()
        assert "rollbook token revoke-all" in caplog.text
        assert WARNED in caplog.text
        again.stop()

    last = serve()
    with last.admin() as admin, last.agent() as agent:
        assert agent.enroll_device(token=value, imeis=[IMEI]).outcome is EnrollOutcome.REGISTERED
        assert admin.revoke_all_tokens() == 2
        assert admin.revoke_all_tokens() == 0
        refused = agent.enroll_device(token=value, imeis=[IMEI])
        assert refused.outcome is EnrollOutcome.SIGN_IN_REQUIRED
        assert admin.get_token(profile_id).state is TokenState.REVOKED
        assert admin.refresh_token(profile_id).state is TokenState.ACTIVE
    last.stop()
    caplog.clear()
    assert serve().address
    assert WARNED not in caplog.text


def test_a_stored_answer_settles_nothing(
    serve: Callable[..., Server],
    server: Server,
    profile_id: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    request = messages.RevokeAllTokensRequest(request_id=str(uuid.uuid4()))
    with server.admin() as admin:
        assert revoke_all_once(admin, request) == 2
        admin.refresh_token(profile_id)
        backup = back_up(server, tmp_path / "backup.db")
        admin.revoke_token(profile_id)
    server.stop()
    written_over(backup, server.data_dir / DATABASE_NAME)
    again = serve()
    with again.admin() as admin:
        assert revoke_all_once(admin, request) == 2
    again.stop()
    caplog.clear()
    last = serve()
    assert WARNED in caplog.text
    with last.admin() as admin:
        assert admin.get_token(profile_id).state is TokenState.ACTIVE
        assert admin.revoke_all_tokens() == 1
    last.stop()
    caplog.clear()
    assert serve().address
    assert WARNED not in caplog.text


def test_a_whole_data_directory_that_is_put_back_is_told(
    serve: Callable[..., Server],
    server: Server,
    profile_id: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with server.admin() as admin:
        admin.revoke_token(profile_id)
    server.stop()
    shutil.copytree(server.data_dir, tmp_path / "copy")

    assert serve(data_dir=tmp_path / "copy").address
    assert WARNED in caplog.text
    assert "it is another file than before" in caplog.text


def test_who_knows_that_nothing_was_revoked_removes_the_file(
    serve: Callable[..., Server],
    server: Server,
    profile_id: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with server.admin() as admin:
        assert admin.get_token(profile_id).state is TokenState.ACTIVE
    server.stop()
    shutil.copytree(server.data_dir, tmp_path / "copy")
    (tmp_path / "copy" / TOKEN_EPOCH_NAME).unlink()

    for _ in range(2):
        serve(data_dir=tmp_path / "copy").stop()
    assert WARNED not in caplog.text


@pytest.mark.parametrize("content", ["", "[]", '{"epoch": 1}', "\ud800"])
def test_a_file_that_cannot_be_read_gives_rise_to_doubt(
    serve: Callable[..., Server],
    server: Server,
    profile_id: str,
    caplog: pytest.LogCaptureFixture,
    content: str,
) -> None:
    assert profile_id
    server.stop()
    path = server.data_dir / TOKEN_EPOCH_NAME
    path.write_bytes(content.encode(errors="surrogatepass"))
    assert serve().address
    assert WARNED in caplog.text


def test_a_database_without_tokens_is_not_doubted(
    serve: Callable[..., Server], server: Server, profile_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    with server.admin() as admin:
        admin.revoke_token(profile_id)
    server.stop()
    (server.data_dir / DATABASE_NAME).unlink()
    assert serve().address
    assert WARNED not in caplog.text


def test_a_revocation_is_noted_before_it_is_answered_and_costs_no_answer(
    server: Server,
    profile_id: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = server.data_dir / TOKEN_EPOCH_NAME
    with server.admin() as admin:
        admin.revoke_token(profile_id)
        noted = json.loads(path.read_text())["epoch"]

        def fail(*_: object) -> None:
            raise KeyFileError("no space left on device")

        monkeypatch.setattr(key_files, "replace", fail)
        assert admin.revoke_token(profile_id).state is TokenState.REVOKED
    assert noted == 1
    assert json.loads(path.read_text())["epoch"] == noted
    assert "was not kept: no space left" in caplog.text


def test_no_token_is_in_database_log_backup_or_any_other_file(
    server: Server, profile_id: str, tmp_path: Path
) -> None:
    values = set()
    with server.admin() as admin, server.agent() as agent:
        for _ in range(3):
            values.add(admin.reveal_token(profile_id))
            agent.enroll_device(token=max(values), imeis=[IMEI])
            admin.generate_qr_code(profile_id)
            admin.refresh_token(profile_id)
        values.add(admin.reveal_token(profile_id))
        back_up(server, tmp_path / "backup.db")
        admin.rotate_sealing_key()
        with closing(sqlite3.connect(server.data_dir / DATABASE_NAME)) as database:
            dump = "\n".join(database.iterdump()).encode()
    files = [*server.data_dir.iterdir(), tmp_path / "backup.db"]
    content = b"".join(path.read_bytes() for path in files if path.is_file()) + dump

    assert {f"{DATABASE_NAME}-wal", "backup.db"} <= {path.name for path in files}
    assert content.count(profile_id.encode()) >= 3
    assert len(values) == 4
    for value in values:
        canonical = value.replace("-", "")
        for form in (value, value.lower(), canonical, canonical.lower(), canonical[:10]):
            assert form.encode() not in content
            assert form.encode().hex().encode() not in content.lower()
