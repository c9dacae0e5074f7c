"""A backup that is put back is served as it was; what was there before is kept."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from backup import programs
from backup.conftest import ASIDE, backed_up
from cli.terminal import Terminal
from database import full_roll
from database.conftest import rows, url
from databases import SQLITE
from rollbook import DeviceRow, EnrollOutcome
from rollbook.cli.exit_codes import ExitCode
from rollbook_server import key_files
from rollbook_server.app import TOKEN_EPOCH_NAME
from rollbook_server.backup.putting_back import PuttingBack
from rollbook_server.config import DATABASE_NAME, SEALING_KEY_NAME
from rollbook_server.key_files import KeyFileError
from rollbook_server.storage.faults import disk_full
from uploads.wire import Wire, csv, finish, imei, opening, reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.ended import Cli
    from running import Server, ServerProcess

pytestmark = pytest.mark.sqlite_only


def devices(path: Path) -> int:
    with closing(reading(path)) as database:
        return int(database.execute("SELECT count(*) FROM devices").fetchone()[0])


def test_a_restored_roll_answers_as_the_one_that_was_backed_up(
    server: Server, serve: Callable[..., Server], command: Cli, tmp_path: Path
) -> None:
    full = full_roll.fill(server)
    file = backed_up(command, server, tmp_path / "roll.db")
    folder = programs.new_folder(server.data_dir, tmp_path / "elsewhere")
    before = rows(f"sqlite:///{file}")
    assert command("restore", file, "--data-dir", folder).code == 0
    after = rows(url(folder, SQLITE))
    may_differ = {"audit_events", "audit_end"}  # in which the restore itself is told
    assert [name for name in before if before[name] != after[name]] == sorted(may_differ)[::-1]

    restored = serve(data_dir=folder)
    assert full_roll.answers(restored) == full_roll.answers(server)
    assert full_roll.create_once(restored) == full_roll.create_once(server)
    with restored.admin() as admin, restored.agent() as agent, Wire(restored) as wire:
        assert admin.verify_audit_log().first_break is None
        told = [event.action for event in admin.list_audit_events()]
        assert told.count("RestoreDatabase") == 1
        assert admin.reveal_token(full.profile_ids[0]) == full.tokens[1]
        for token in full.tokens:
            enrolled = agent.enroll_device(token=token, imeis=[imei(2)])
            assert enrolled.outcome is EnrollOutcome.REGISTERED
        sent = opening(full.profile_ids[0], "half"), csv(full_roll.CSV)
        assert wire.send(*sent, finish(total_bytes=len(full_roll.CSV))).created_count == 40


def test_what_was_there_is_set_aside_with_what_its_log_held(
    process: ServerProcess, command: Cli, tmp_path: Path
) -> None:
    with process.admin() as admin:
        depot = admin.create_profile("Depot", tokenless=True).profile_id
        programs.back_up(process.data_dir, tmp_path / "b.db")
        admin.create_devices(depot, [DeviceRow(imei(each)) for each in range(50)])
    process.kill()  # the devices are in the log alone
    assert (process.data_dir / f"{DATABASE_NAME}-wal").stat().st_size > 0
    arguments = ("restore", tmp_path / "b.db", "--data-dir", process.data_dir)
    ended = command(*arguments, "--yes", "--output", "json")
    assert ended.code == 0, ended.err
    (aside,) = process.data_dir.glob(ASIDE)
    assert ended.document["set_aside"] == str(aside)
    assert (devices(aside), devices(process.data_dir / DATABASE_NAME)) == (50, 0)
    assert not list(process.data_dir.glob("*.part*"))
    # And back again: a database that was set aside is a backup like any other.
    assert command("restore", aside, "--data-dir", process.data_dir, "--yes").code == 0
    assert devices(process.data_dir / DATABASE_NAME) == 50
    process.start()
    with process.admin() as admin:
        assert admin.get_profile(depot).device_count == 50
        assert admin.verify_audit_log().first_break is None


def test_a_log_whose_database_is_gone_is_set_aside(
    process: ServerProcess, command: Cli, tmp_path: Path
) -> None:
    with process.admin() as admin:
        depot = admin.create_profile("Depot", tokenless=True).profile_id
        programs.back_up(process.data_dir, tmp_path / "b.db")
        admin.create_devices(depot, [DeviceRow(imei(each)) for each in range(50)])
    process.kill()
    path = process.data_dir / DATABASE_NAME
    path.rename(tmp_path / "found.db")
    ends = ("-wal", "-shm")
    before = {end: path.with_name(path.name + end).read_bytes() for end in ends}
    ended = command("restore", tmp_path / "b.db", "--data-dir", process.data_dir)
    assert ended.code == 0, ended.err
    (log,) = process.data_dir.glob(f"{ASIDE}-wal")
    assert f"What was there before is kept as {log}." in ended.err
    aside = str(log).removesuffix("-wal")
    assert {end: Path(aside + end).read_bytes() for end in ends} == before
    assert devices(path) == 0
    # With its database, once that is found, it has all that it held.
    (tmp_path / "found.db").rename(aside)
    assert devices(Path(aside)) == 50


def test_files_that_were_copied_by_hand_are_put_back_with_their_log(
    process: ServerProcess, command: Cli, tmp_path: Path
) -> None:
    with process.admin() as admin:
        depot = admin.create_profile("Depot", tokenless=True).profile_id
        admin.create_devices(depot, [DeviceRow(imei(each)) for each in range(50)])
    process.kill()
    for name in (DATABASE_NAME, f"{DATABASE_NAME}-wal"):
        shutil.copy(process.data_dir / name, tmp_path)
    folder = programs.new_folder(process.data_dir, tmp_path / "new")
    ended = command("restore", tmp_path / DATABASE_NAME, "--data-dir", folder)
    assert ended.code == 0, ended.err
    assert devices(folder / DATABASE_NAME) == 50


def test_ids_of_devices_that_came_since_are_not_given_again(
    server: Server, serve: Callable[..., Server], command: Cli, tmp_path: Path
) -> None:
    with server.admin() as admin:
        depot = admin.create_profile("Depot", tokenless=True).profile_id
        file = backed_up(command, server, tmp_path / "b.db")
        (before,) = admin.create_devices(depot, [DeviceRow(imei(1))])
    server.stop()
    assert command("restore", file, "--data-dir", server.data_dir, "--yes").code == 0
    with serve().admin() as admin:
        (after,) = admin.create_devices(depot, [DeviceRow(imei(2))])
    assert after.device_id != before.device_id


def test_a_damaged_database_is_set_aside_as_it_is(
    process: ServerProcess, command: Cli, tmp_path: Path
) -> None:
    with process.admin() as admin:
        depot = admin.create_profile("Depot").profile_id
        programs.back_up(process.data_dir, tmp_path / "b.db")
    process.kill()
    path = process.data_dir / DATABASE_NAME
    log = path.with_name(f"{DATABASE_NAME}-wal")
    garbage = b"garbage" * 10_000
    path.write_bytes(garbage)
    log.write_bytes(garbage)
    arguments = ("restore", tmp_path / "b.db", "--data-dir", process.data_dir)
    ended = command(*arguments, "--yes")
    assert ended.code == 0, ended.err
    assert "tokens that were voided since the backup may work again" in ended.err
    assert "the database in its place cannot be read" in ended.err
    (aside,) = process.data_dir.glob(f"{ASIDE}Z")
    assert aside.read_bytes() == aside.with_name(f"{aside.name}-wal").read_bytes() == garbage
    process.start()
    with process.admin() as admin:
        assert admin.get_profile(depot).name == "Depot"
    assert "THE DATABASE MAY BE AN OLDER ONE" in process.log.read_text()


def test_a_dry_run_changes_nothing(server: Server, command: Cli, tmp_path: Path) -> None:
    with server.admin() as admin:
        depot = admin.create_profile("Depot").profile_id
        file = backed_up(command, server, tmp_path / "b.db")
        admin.revoke_token(depot)
    server.stop()

    def everything(folder: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}

    before = everything(server.data_dir), everything(tmp_path)
    ended = command("restore", file, "--data-dir", server.data_dir, "--dry-run")
    assert ended.code == 0
    assert "Voided since the backup, and would stay void: 1 token ('Depot')." in ended.err
    ended = command("restore", file, "--data-dir", tmp_path / "none", "--dry-run")
    assert (ended.code, (tmp_path / "none").exists()) == (ExitCode.REFUSED, False)
    where = ("--data-dir", server.data_dir, "--dry-run", "--output", "json")
    assert len(command("restore", file, *where).document["voided_since"]["tokens"]) == 1
    assert (everything(server.data_dir), everything(tmp_path)) == before


def test_it_asks_before_it_replaces_a_database(
    server: Server, command: Cli, tmp_path: Path
) -> None:
    file = backed_up(command, server, tmp_path / "b.db")
    server.stop()
    ended = command("restore", file, "--data-dir", server.data_dir)
    assert (ended.code, "add --yes" in ended.err) == (ExitCode.USAGE, True)
    with Terminal("restore", str(file), "--data-dir", str(server.data_dir)) as terminal:
        terminal.answer("Go on?", "n")
        assert terminal.end() == ExitCode.REFUSED
    assert not list(server.data_dir.glob(ASIDE))


@pytest.mark.parametrize(
    ("moment", "passes", "is_new"),
    [
        ("copying", 2, False),
        ("copied", 1, False),
        ("setting aside", 1, False),
        ("replacing", 1, True),
        ("noting", 1, True),
    ],
)
def test_a_killed_restore_leaves_the_one_or_the_other(
    process: ServerProcess, command: Cli, tmp_path: Path, moment: str, passes: int, *, is_new: bool
) -> None:
    with process.admin() as admin:
        depot = admin.create_profile("Depot").profile_id
        programs.back_up(process.data_dir, tmp_path / "b.db")
        admin.create_devices(depot, [DeviceRow(imei(1))])
        admin.revoke_token(depot)
    process.terminate()
    arguments = ("restore", tmp_path / "b.db", "--data-dir", process.data_dir, "--yes")
    assert programs.dying(moment, passes, *arguments) == -signal.SIGKILL
    process.start()
    with process.admin() as admin:
        assert admin.get_profile(depot).device_count == (0 if is_new else 1)
        assert admin.get_token(depot).state == "REVOKED"
        assert admin.verify_audit_log().first_break is None
    process.terminate()
    assert command(*arguments).code == 0  # nothing is in its way
    assert devices(process.data_dir / DATABASE_NAME) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can work on what is another user's")
def test_what_root_puts_back_is_of_the_owner_of_the_folder(
    server: Server, command: Cli, tmp_path: Path
) -> None:
    with server.admin() as admin:
        admin.create_profile("Depot")
    file = backed_up(command, server, tmp_path / "b.db")
    folder = programs.new_folder(server.data_dir, tmp_path / "new")
    for path in (folder, *folder.iterdir()):
        os.chown(path, 65534, 65534)
    assert command("restore", file, "--data-dir", folder).code == 0
    assert {(path.name, path.stat().st_uid) for path in folder.iterdir()} == {
        (name, 65534)
        for name in (DATABASE_NAME, f"{DATABASE_NAME}.lock", SEALING_KEY_NAME, TOKEN_EPOCH_NAME)
    }


def test_a_note_that_cannot_be_written_is_told(
    server: Server, command: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.admin() as admin:
        admin.create_profile("Depot")
    file = backed_up(command, server, tmp_path / "b.db")
    server.stop()

    def fail(*_: object) -> None:
        raise KeyFileError("No space left on device.")

    monkeypatch.setattr(key_files, "replace", fail)
    ended = command("restore", file, "--data-dir", server.data_dir, "--yes")
    assert (ended.code, "is put back, but" in ended.err) == (ExitCode.REFUSED, True)


def test_a_disk_that_is_full_at_the_end_changes_nothing(
    server: Server, command: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = backed_up(command, server, tmp_path / "b.db")
    server.stop()

    def no_room(*_: object) -> None:
        raise disk_full()

    monkeypatch.setattr(PuttingBack, "_write", no_room)
    ended = command("restore", file, "--data-dir", server.data_dir, "--yes")
    assert (ended.code, "The database is as it was." in ended.err) == (ExitCode.REFUSED, True)
    assert not list(server.data_dir.glob(ASIDE))
    assert not list(server.data_dir.glob(".rollbook-*"))


def test_a_restore_that_finds_no_room_changes_nothing(
    server: Server, command: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = backed_up(command, server, tmp_path / "b.db")
    server.stop()

    def no_room(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("rollbook_server.storage.sqlite.backups._copy_pages", no_room)
    before = (server.data_dir / DATABASE_NAME).read_bytes()
    ended = command("restore", file, "--data-dir", server.data_dir, "--yes")
    assert (ended.code, "is full: the copy takes" in ended.err) == (ExitCode.REFUSED, True)
    assert (server.data_dir / DATABASE_NAME).read_bytes() == before
    assert not list(server.data_dir.glob(".rollbook-*"))
