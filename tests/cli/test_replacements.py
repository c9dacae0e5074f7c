"""`rollbook upload --replace`: nothing is discarded for a file that will not do."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from cli.terminal import pipe
from rollbook import AdminClient, UnavailableError, UploadIncompleteError, UploadState
from rollbook.cli.exit_codes import ExitCode
from uploads.wire import imei

if TYPE_CHECKING:
    from pathlib import Path

    from cli.ended import Cli

OLD = f"IMEI,Site\n{imei(1)},North\n{imei(2)},North\n"
NEW = f"IMEI,Site\n{imei(2)},South\n{imei(3)},South\n"
BAD_ROW = f"{NEW}12,South\n"

REFUSED = {
    "empty": ("", ()),
    "a header": ("IMEI,Site\n", ()),
    "no identifiers": ("Colour\nred\n", ()),
    "an encoding in the middle": (f"{NEW}{imei(4)},\xe4\n", ()),
    "a column that is not there": (NEW, ("--map", "Nope=imei")),
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "devices.csv"


@pytest.fixture
def replaced(cli: Cli, depot: str, file: Path) -> str:
    """Give the id of an upload that another file is to take the place of."""
    file.write_text(OLD)
    upload_id: str = cli("upload", depot, file, "--output", "json").document["upload_id"]
    return upload_id


def sites(admin: AdminClient, profile_id: str) -> dict[str, str]:
    return {one.imei: one.attributes["Site"] for one in admin.list_devices(profile_id)}


@pytest.mark.parametrize("case", REFUSED)
def test_an_upload_stays_if_the_file_is_refused(
    cli: Cli, admin: AdminClient, depot: str, file: Path, replaced: str, case: str
) -> None:
    text, options = REFUSED[case]
    file.write_bytes(text.encode("latin-1"))
    ended = cli("upload", "Depot", file.name, "--replace", replaced, "--yes", *options)
    assert (ended.code, "Nothing was discarded." in ended.err) == (ExitCode.REFUSED, True)
    assert admin.get_upload(replaced).state is UploadState.FINISHED
    assert set(sites(admin, depot).values()) == {"North"}
    assert UploadState.OPEN not in [one.state for one in admin.list_uploads(depot)]


def test_an_upload_stays_if_a_row_lets_the_strict_one_fail_and_goes_once_it_is_mended(
    cli: Cli, admin: AdminClient, depot: str, file: Path, replaced: str
) -> None:
    file.write_text(BAD_ROW)
    options = ("--strict", "--replace", replaced)
    ended = cli("upload", "Depot", file.name, *options, "--yes", "--output", "json")
    assert (ended.code, ended.error["reason"]) == (
        ExitCode.ROWS_REJECTED,
        "UPLOAD_HAS_INVALID_ROWS",
    )
    assert "1 row of devices.csv would be rejected" in ended.error["message"]
    assert "line 4, column IMEI" in ended.error["message"]
    assert admin.get_upload(replaced).state is UploadState.FINISHED
    file.write_text(NEW)
    words = shlex.split(ended.error["next_step"].partition("run: ")[2])
    assert cli(*words[1:], "--yes").code == ExitCode.DONE
    assert sites(admin, depot) == {imei(2)[:14]: "South", imei(3)[:14]: "South"}


def test_rows_that_are_rejected_alone_keep_no_file_back(
    cli: Cli, admin: AdminClient, depot: str, file: Path, replaced: str
) -> None:
    file.write_text(BAD_ROW)
    ended = cli("upload", "Depot", file.name, "--replace", replaced, "--yes")
    assert (ended.code, "--replace" in ended.err) == (ExitCode.ROWS_REJECTED, False)
    assert admin.get_upload(replaced).state is UploadState.DISCARDED
    assert set(sites(admin, depot).values()) == {"South"}


def test_what_stdin_gives_is_checked_and_uploaded(
    cli: Cli,
    admin: AdminClient,
    depot: str,
    replaced: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for given, code, site in (
        (b"", ExitCode.REFUSED, "North"),
        (NEW.encode(), ExitCode.DONE, "South"),
    ):
        pipe(monkeypatch, given)
        assert cli("upload", "Depot", "-", "--replace", replaced, "--yes").code == code
        assert set(sites(admin, depot).values()) == {site}


def test_an_upload_stays_if_the_check_breaks_off(
    cli: Cli, admin: AdminClient, replaced: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_: object, **options: object) -> object:
        upload_id = str(options["upload_id"])
        raise UploadIncompleteError(
            "broken", upload_id=upload_id, upload=None, cause=UnavailableError("gone")
        )

    monkeypatch.setattr(AdminClient, "upload_devices", break_off)
    ended = cli("upload", "Depot", "devices.csv", "--replace", replaced, "--yes")
    assert ended.code == ExitCode.UNREACHABLE
    assert "Nothing was discarded." in ended.err
    again = f"rollbook upload Depot devices.csv --replace {replaced}"
    assert f"Try again: {again}\n" in ended.err
    assert admin.get_upload(replaced).state is UploadState.FINISHED
