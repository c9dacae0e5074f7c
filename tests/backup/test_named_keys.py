"""Keys that are named for a restore are known to the server afterwards."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from backup.conftest import backed_up
from rollbook_server import key_files, sealing_file
from rollbook_server.config import SEALING_KEY_NAME
from rollbook_server.key_files import KeyFileError
from tokens.sealed import document, key_ids, sealed_with

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.ended import Cli, Ended
    from running import Server

pytestmark = pytest.mark.sqlite_only


class Rotated:
    """A server, stopped, with a backup and a key file from before its last rotation."""

    def __init__(self, server: Server, command: Cli, tmp_path: Path) -> None:
        self.folder, self.kept = server.data_dir, server.data_dir / SEALING_KEY_NAME
        with server.admin() as admin:
            self.profile_id = admin.create_profile("Depot").profile_id
            self.token = admin.reveal_token(self.profile_id)
            self.file = backed_up(command, server, tmp_path / "b.db")
            self.named = tmp_path / "old.key"
            shutil.copy2(self.kept, self.named)
            admin.rotate_sealing_key()
        server.stop()
        (self.old,) = [
            each["key_id"] for each in json.loads(self.named.read_text())["sealing_keys"]
        ]
        (self.new,) = key_ids(self.folder)
        self._command = command

    def restore(self, *arguments: object) -> Ended:
        ended = self._command(
            *("restore", self.file, "--data-dir", self.folder, "--yes"),
            *("--sealing-key-file", self.named, *arguments),
        )
        assert ended.code == 0, ended.err
        return ended


@pytest.fixture
def rotated(server: Server, command: Cli, tmp_path: Path) -> Rotated:
    return Rotated(server, command, tmp_path)


def test_the_server_reads_the_tokens_of_the_backup_and_seals_them_with_its_newest_key(
    rotated: Rotated, serve: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    said = rotated.restore().err
    assert f"{rotated.kept} holds the sealing keys {rotated.old} besides" in said
    assert said.endswith("Start the server.\n")
    assert key_ids(rotated.folder) == [rotated.old, rotated.new]
    assert rotated.kept.stat().st_mode & 0o777 == 0o600
    again = serve()
    with again.admin() as admin:
        assert admin.reveal_token(rotated.profile_id) == rotated.token
        rotation = admin.rotate_sealing_key()  # goes on with that one, or follows it
        assert admin.reveal_token(rotated.profile_id) == rotated.token
        assert admin.verify_audit_log().first_break is None
    again.stop()
    assert rotation.unreadable_count == 0
    assert rotated.old not in sealed_with(rotated.folder)
    assert rotated.old not in key_ids(rotated.folder)
    assert "SEALING KEYS ARE MISSING" not in caplog.text


def test_it_is_told_before_and_to_programs(rotated: Rotated) -> None:
    before = document(rotated.folder)
    assert f"{rotated.kept} would get the sealing keys {rotated.old} besides." in (
        rotated.restore("--dry-run").err
    )
    assert document(rotated.folder) == before
    done = rotated.restore("--output", "json").document
    assert (done["sealing_keys_added"], done["sealing_key_advice"]) == ([rotated.old], "")
    again = rotated.restore("--output", "json").document  # it knows them by now
    assert (again["sealing_keys_added"], again["sealing_key_advice"]) == ([], "")
    assert key_ids(rotated.folder) == [rotated.old, rotated.new]


def test_a_key_file_of_another_roll_is_left_alone(
    rotated: Rotated, serve: Callable[..., Server]
) -> None:
    rotated.kept.unlink()
    sealing_file.load_or_create(rotated.kept)
    before = document(rotated.folder)
    warned = rotated.restore().err
    assert f"{rotated.kept} has keys of another roll" in warned
    assert f"Start the server with --sealing-key-file {rotated.named}" in warned
    assert document(rotated.folder) == before
    with pytest.raises(KeyFileError, match="are not those of this database"):
        serve()
    with serve(sealing_key_file=rotated.named).admin() as admin:
        assert admin.reveal_token(rotated.profile_id) == rotated.token


def test_another_key_of_the_same_id_is_not_written_over(rotated: Rotated) -> None:
    keys = document(rotated.folder)
    keys["sealing_keys"][0]["key_id"] = rotated.old
    rotated.kept.write_text(json.dumps(keys))
    assert "has keys of another roll" in rotated.restore().err
    assert document(rotated.folder) == keys


def test_where_there_is_no_key_file_the_way_to_start_is_told(rotated: Rotated) -> None:
    rotated.kept.unlink()
    ended = rotated.restore()
    assert f"There is no {rotated.kept}. Start the server with --sealing-key-file" in ended.err
    assert not rotated.kept.exists()


def test_a_key_file_that_cannot_be_written_is_told_and_the_backup_put_back(
    rotated: Rotated, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = key_files.replace

    def fail(path: Path, content: str) -> None:
        if path == rotated.kept:
            raise KeyFileError(f"Cannot write the file {path}: Read-only file system.")
        replace(path, content)

    monkeypatch.setattr(key_files, "replace", fail)
    done = rotated.restore("--output", "json").document
    assert done["sealing_keys_added"] == []
    assert (
        f"Read-only file system. Add the sealing keys {rotated.old}" in (done["sealing_key_advice"])
    )
    with serve().admin() as admin:
        assert [each.name for each in admin.list_profiles()] == ["Depot"]


def test_keys_from_the_environment_leave_the_file_alone(
    rotated: Rotated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLLBOOK_SEALING_KEY", rotated.named.read_text())
    assert "sealing key" not in rotated.restore().err
    assert key_ids(rotated.folder) == [rotated.new]


def test_where_the_server_has_its_key_file_elsewhere_that_one_gets_them(
    rotated: Rotated, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere = rotated.kept.rename(tmp_path / "elsewhere.key")
    monkeypatch.setenv("ROLLBOOK_SEALING_KEY_FILE", str(elsewhere))
    assert f"{elsewhere} holds the sealing keys {rotated.old} besides" in rotated.restore().err
    assert not rotated.kept.exists()
