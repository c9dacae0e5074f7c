"""`rollbook profile delete`, `uploads`, `discard`, `upload --replace`: what they ask and say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli.terminal import Terminal
from rollbook import DeviceRow, UploadState
from rollbook.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from cli.ended import Cli
    from rollbook import AdminClient
    from running import Server

IMEIS = ("356938035643809", "490154203237518")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "devices.csv"
    path.write_text("imei\n" + "\n".join(IMEIS) + "\n")
    return path


@pytest.fixture
def uploaded(cli: Cli, depot: str, file: Path) -> str:
    """Give the id of an upload of the file into Depot."""
    upload_id: str = cli("upload", depot, file, "--output", "json").document["upload_id"]
    return upload_id


@pytest.mark.usefixtures("uploaded")
def test_a_profile_is_deleted_with_yes(cli: Cli, admin: AdminClient) -> None:
    ended = cli("profile", "delete", "depot", "--yes")
    assert (ended.code, ended.err) == (ExitCode.DONE, "Deleted Depot with 2 devices.\n")
    assert list(admin.list_profiles()) == []


def test_a_deletion_in_json_says_what_went(cli: Cli, depot: str, uploaded: str) -> None:
    assert uploaded
    ended = cli("profile", "delete", depot, "--yes", "--output", "json")
    assert ended.document == {"profile_id": depot, "deleted_device_count": 2}


@pytest.mark.parametrize("command", ["profile delete {depot}", "discard {uploaded}"])
def test_where_nobody_can_be_asked_nothing_is_lost(
    cli: Cli, admin: AdminClient, depot: str, uploaded: str, command: str
) -> None:
    ended = cli(*command.format(depot=depot, uploaded=uploaded).split())
    assert ended.code == ExitCode.USAGE
    assert "add --yes" in " ".join(ended.err.split())
    assert admin.get_profile(depot).device_count == 2


@pytest.mark.parametrize(("typed", "code", "left"), [("y", 0, 0), ("n", 1, 2), ("", 1, 2)])
def test_on_a_terminal_the_user_decides(
    admin: AdminClient, depot: str, uploaded: str, typed: str, code: int, left: int
) -> None:
    with Terminal("discard", uploaded) as terminal:
        terminal.answer("2 devices that devices.csv put on the roll", typed)
        assert terminal.end() == code
    assert admin.get_profile(depot).device_count == left


def test_uploads_are_listed_with_what_became_of_them(
    cli: Cli, server: Server, depot: str, uploaded: str, file: Path
) -> None:
    server.clock.turn(seconds=1)
    cli("upload", depot, file, "--dry-run")
    ended = cli("uploads", "Depot")
    head, _, dry, first = ended.out.splitlines()
    assert head.split()[:3] == ["Upload", "File", "State"]
    assert "Finished, dry run" in dry
    assert first.split()[:3] == [uploaded, "devices.csv", "Finished"]
    assert "rollbook discard UPLOAD" in ended.err
    listed = cli("uploads", depot, "--output", "json").document
    assert [one["validate_only"] for one in listed] == [True, False]


def test_a_profile_without_uploads_says_how_to_begin(cli: Cli, depot: str) -> None:
    assert depot
    assert "rollbook upload Depot FILE.csv" in cli("uploads", "Depot").err


def test_discard_says_what_went_and_what_stays(
    cli: Cli, admin: AdminClient, depot: str, uploaded: str
) -> None:
    assert cli("enroll", "--token", admin.reveal_token(depot), "--imei", IMEIS[0]).code == 0
    ended = cli("discard", uploaded, "--yes", "--output", "json")
    assert ended.document["upload"]["state"] == UploadState.DISCARDED
    assert (ended.document["removed_count"], ended.document["kept_count"]) == (1, 1)
    assert cli("discard", "nothing", "--yes").code == ExitCode.REFUSED


def test_another_file_takes_the_place_of_an_upload(
    cli: Cli, server: Server, admin: AdminClient, depot: str, uploaded: str, tmp_path: Path
) -> None:
    server.clock.turn(seconds=1)
    other = tmp_path / "other.csv"
    other.write_text(f"imei,depot\n{IMEIS[1]},South\n")
    ended = cli("upload", depot, other, "--replace", uploaded, "--yes")
    assert ended.code == ExitCode.DONE
    assert f"Discarded {uploaded}: 2 devices removed." in ended.err
    assert admin.get_profile(depot).device_count == 1
    newest, before = (one for one in admin.list_uploads(depot) if not one.validate_only)
    assert (newest.created_count, before.state) == (1, UploadState.DISCARDED)


@pytest.mark.parametrize("options", [["--dry-run"], ["--resume", "u"]])
def test_replace_goes_with_neither_a_dry_run_nor_a_resume(
    cli: Cli, admin: AdminClient, depot: str, uploaded: str, file: Path, options: list[str]
) -> None:
    ended = cli("upload", depot, file, "--replace", uploaded, "--yes", *options)
    assert ended.code == ExitCode.USAGE
    assert admin.get_upload(uploaded).state is UploadState.FINISHED


def test_an_upload_of_another_profile_is_not_replaced(
    cli: Cli, admin: AdminClient, depot: str, file: Path
) -> None:
    other = admin.create_profile("Other").profile_id
    theirs = admin.upload_rows(other, [DeviceRow(imei=IMEIS[0])]).upload_id
    ended = cli("upload", depot, file, "--replace", theirs, "--yes")
    assert ended.code == ExitCode.USAGE
    assert "another profile" in ended.err
    assert admin.get_upload(theirs).state is UploadState.FINISHED
