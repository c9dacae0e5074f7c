"""What cannot be put back is refused with what to do, and changes nothing."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from backup import programs
from backup.conftest import ASIDE, backed_up
from database import later
from rollbook import ResourceExhaustedError
from rollbook.cli.exit_codes import ExitCode
from rollbook_server import sealing_file
from rollbook_server.config import DATABASE_NAME, SEALING_KEY_NAME
from rollbook_server.storage.schema import SCHEMA_VERSION
from rollbook_server.storage.tokens import StoredTokens
from storage.test_upgrade import SCHEMA_1
from tokens.sealed import fill_disk

if TYPE_CHECKING:
    from pathlib import Path

    from cli.ended import Cli
    from rollbook import AdminClient
    from running import Server

pytestmark = pytest.mark.sqlite_only


class TestRefusals:
    """What cannot be put back is refused with what to do, and changes nothing."""

    @pytest.fixture
    def file(self, server: Server, command: Cli, tmp_path: Path) -> Path:
        with server.admin() as admin:
            admin.create_profile("Depot")
        return backed_up(command, server, tmp_path / "b.db")

    def refused(self, command: Cli, *arguments: object) -> str:
        ended = command("restore", *arguments, "--yes")
        assert ended.code == ExitCode.REFUSED, ended.err
        return ended.err

    def test_while_a_server_has_the_database(
        self, server: Server, command: Cli, file: Path
    ) -> None:
        told = self.refused(command, file, "--data-dir", server.data_dir)
        assert "is in use by another server; stop that one" in told
        assert not list(server.data_dir.glob(ASIDE))

    def test_no_database(self, command: Cli, tmp_path: Path) -> None:
        (tmp_path / "text").write_text("no database " * 100)
        (tmp_path / "empty").touch()
        with closing(sqlite3.connect(tmp_path / "other.db")) as database, database:
            database.execute("CREATE TABLE t (a)")
        where = ("--data-dir", tmp_path / "new")
        assert "is no SQLite database" in self.refused(command, tmp_path / "text", *where)
        assert "holds no roll" in self.refused(command, tmp_path / "empty", *where)
        assert "holds no roll" in self.refused(command, tmp_path / "other.db", *where)
        assert "There is no file" in self.refused(command, tmp_path / "nothing", *where)
        assert not (tmp_path / "new" / DATABASE_NAME).exists()

    def test_an_older_schema_and_the_way_to_it(
        self, command: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with closing(sqlite3.connect("old.db")) as database:
            database.executescript(SCHEMA_1.read_text())
        told = self.refused(command, "old.db", "--data-dir", tmp_path / "new")
        assert f"has schema 1, this program serves {SCHEMA_VERSION}" in told
        assert (
            "cp old.db newer.db && rollbook database upgrade --database sqlite:///newer.db" in told
        )
        shutil.copy("old.db", "newer.db")
        assert command("database", "upgrade", "--database", "sqlite:///newer.db").code == 0
        told = self.refused(command, "newer.db", "--data-dir", tmp_path / "new")
        assert "sealing.key is missing" in told

    def test_a_newer_schema(self, command: Cli, file: Path, tmp_path: Path) -> None:
        with later.installed(later.steps(tmp_path)):
            where = f"sqlite:///{file}"
            assert command("database", "upgrade", "--database", where).code == 0
        told = self.refused(command, file, "--data-dir", tmp_path / "new")
        assert "restore it with the newer Rollbook" in told

    def test_other_sealing_keys(
        self, server: Server, command: Cli, file: Path, tmp_path: Path
    ) -> None:
        folder = tmp_path / "new"
        folder.mkdir(mode=0o700)
        assert "sealing.key is missing" in self.refused(command, file, "--data-dir", folder)
        sealing_file.load_or_create(folder / SEALING_KEY_NAME)
        told = self.refused(command, file, "--data-dir", folder)
        assert "its audit log is sealed with another key" in told
        assert not (folder / DATABASE_NAME).exists()
        right = ("--sealing-key-file", server.data_dir / SEALING_KEY_NAME)
        assert command("restore", file, "--data-dir", folder, *right).code == 0

    def test_keys_from_after_a_rotation(
        self, server: Server, command: Cli, file: Path, tmp_path: Path
    ) -> None:
        folder = programs.new_folder(server.data_dir, tmp_path / "new")
        with server.admin() as admin:
            admin.rotate_sealing_key()
        after = ("--sealing-key-file", server.data_dir / SEALING_KEY_NAME)
        told = self.refused(command, file, "--data-dir", folder, *after)
        assert "its tokens are sealed with" in told
        assert command("restore", file, "--data-dir", folder).code == 0

    def test_keys_from_before_and_after_a_rotation_that_was_under_way(
        self, server: Server, command: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Only those of its own time open it: so the backup says to copy them."""
        keys, during = server.data_dir / SEALING_KEY_NAME, tmp_path / "during.key"
        file, new = tmp_path / "half.db", ("--data-dir", tmp_path / "new", "--sealing-key-file")
        with server.admin() as admin:
            for name in ("North", "South"):
                admin.create_profile(name)
            before = shutil.copy(keys, tmp_path / "before.key")
            _break_off_half_way(admin, monkeypatch)
            told = command("backup", file, "--data-dir", server.data_dir).err
            shutil.copy(keys, during)
            admin.rotate_sealing_key()
        assert f"a rotation is under way: copy {keys} now" in told
        for other in (before, keys):
            assert "which is not among the keys" in self.refused(command, file, *new, other)
        assert command("restore", file, *new, during).code == 0
        whole = command("backup", tmp_path / "whole.db", "--data-dir", server.data_dir)
        assert "rotation" not in whole.err

    def test_the_database_itself(self, server: Server, command: Cli) -> None:
        server.stop()
        path = server.data_dir / DATABASE_NAME
        told = self.refused(command, path, "--data-dir", server.data_dir)
        assert "is the database itself" in told
        assert path.exists()

    def test_a_damaged_backup(self, server: Server, command: Cli, file: Path) -> None:
        server.stop()
        content = bytearray(file.read_bytes())
        for page in range(2, len(content) // 16_384):
            content[page * 16_384 : page * 16_384 + 8] = bytes(8)
        file.write_bytes(content)
        told = self.refused(command, file, "--data-dir", server.data_dir)
        assert "is damaged" in told or "cannot be read" in told
        assert not list(server.data_dir.glob(ASIDE))


def _break_off_half_way(admin: AdminClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a rotation find the disk full when one token is sealed anew."""
    reseal, done = StoredTokens.reseal, list[str]()

    def reseal_one(self: StoredTokens, token_id: str, sealed: bytes) -> None:
        if done:
            fill_disk()
        done.append(token_id)
        reseal(self, token_id, sealed)

    with monkeypatch.context() as patched:
        patched.setattr("rollbook_server.domain.resealing.TOKENS_AT_ONCE", 1)
        patched.setattr(StoredTokens, "reseal", reseal_one)
        with pytest.raises(ResourceExhaustedError):
            admin.rotate_sealing_key()
