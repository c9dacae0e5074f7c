"""What an upload says of a file that is refused, and what it leaves on the server."""

from __future__ import annotations

import io
import shlex
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from rollbook import AdminClient, UploadState
from rollbook.cli.exit_codes import ExitCode
from rollbook_server.domain.upload_limits import UploadLimits
from uploads.wire import imei, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cli.ended import Cli
    from running import Server

REFUSED = {
    "empty": (b"", "Put devices into it; how a file looks: rollbook template"),
    "a header": (b"IMEI,Site\n", "Put devices into it; how a file looks: rollbook template"),
    "an encoding": (b"IMEI\n\xe4\n", "Nothing of it was kept. Mend devices.csv and run: "),
    "no identifiers": (b"Colour\nred\n", "Name your columns with --map COLUMN=FIELD"),
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "devices.csv"


def states(admin: AdminClient, profile_id: str) -> list[UploadState]:
    return [upload.state for upload in admin.list_uploads(profile_id)]


@pytest.mark.parametrize("case", REFUSED)
def test_nothing_stays_open_of_a_file_without_a_good_row(
    cli: Cli, admin: AdminClient, depot: str, file: Path, case: str
) -> None:
    data, next_step = REFUSED[case]
    file.write_bytes(data)
    ended = cli("upload", "Depot", file.name)
    assert (ended.code, next_step in ended.err) == (ExitCode.REFUSED, True)
    assert UploadState.OPEN not in states(admin, depot)


def test_nothing_stays_open_of_a_column_that_is_not_there(
    cli: Cli, admin: AdminClient, depot: str, file: Path
) -> None:
    file.write_text(f"IMEI\n{imei(1)}\n")
    ended = cli("upload", "Depot", file, "--map", "Nope=imei")
    assert (ended.code, "--map: the file has no column" in ended.err) == (ExitCode.REFUSED, True)
    assert UploadState.OPEN not in states(admin, depot)


def test_an_upload_that_is_resumed_is_left_to_be_resumed_again(
    cli: Cli, admin: AdminClient, depot: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_bytes(b"IMEI\n\xe4\n")
    with monkeypatch.context() as at_first:
        at_first.setattr("rollbook.cli.uploads.tidy", lambda *_: None)
        cli("upload", "Depot", file)
    (upload,) = admin.list_uploads(depot)
    ended = cli("upload", "Depot", file, "--resume", upload.upload_id)
    assert f"--resume {upload.upload_id}" in ended.err
    assert states(admin, depot) == [UploadState.OPEN]


def test_more_rows_are_a_matter_of_the_server_and_not_of_who_calls(
    alone: Cli, serve: Callable[..., Server], file: Path
) -> None:
    server = serve(upload_limits=UploadLimits(max_rows=2))
    to_it = ("--address", server.address, "--api-key-file", server.data_dir / "admin.key")
    file.write_text("".join(f"{cell}\n" for cell in ("IMEI", *map(imei, range(3)))))
    assert alone(*to_it, "profile", "create", "Depot").code == ExitCode.DONE
    ended = alone(*to_it, "upload", "Depot", file.name)
    assert (ended.code, "more than 2 rows" in ended.err) == (ExitCode.REFUSED, True)
    assert "take more rows: rollbook serve --max-rows N\n" in ended.err


class Torn(io.BytesIO):
    """A file whose disk fails after so many bytes, once that has come which is waited for."""

    def __init__(self, path: Path, after: int, has_come: Callable[[], bool]) -> None:
        super().__init__(path.read_bytes())
        self._after, self._has_come = after, has_come

    def read(self, _size: int | None = -1, /) -> bytes:
        if self.tell() >= self._after:
            until(self._has_come)
            raise OSError(5, "Input/output error")
        return super().read(self._after)


@contextmanager
def torn(after: int, has_come: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Let the files of uploads be torn; a first batch is of 1,500 rows."""
    upload = AdminClient.upload_devices

    def upload_torn(client: AdminClient, profile: str, path: Path, **options: Any) -> object:
        return upload(client, profile, lambda: Torn(path, after, has_come), **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AdminClient, "upload_devices", upload_torn)
        yield


@pytest.fixture
def long(file: Path) -> Path:
    """Fill a file with 4,000 devices."""
    file.write_text("".join(f"{cell}\n" for cell in ("IMEI", *map(imei, range(4000)))))
    return file


def test_a_file_that_cannot_be_read_on_names_how_to_go_on(
    cli: Cli, admin: AdminClient, depot: str, long: Path
) -> None:
    with torn(40_000, lambda: any(each.committed_rows for each in admin.list_uploads(depot))):
        ended = cli("upload", "Depot", long.name)
    assert ended.code == ExitCode.INCOMPLETE
    assert "devices.csv could not be read to its end: Input/output error" in ended.err
    words = shlex.split(ended.err.partition("Go on with it: ")[2].splitlines()[0])
    assert cli(*words[1:]).code == ExitCode.DONE
    assert admin.get_profile(depot).device_count == 4000


def test_a_file_of_which_nothing_could_be_read_names_how_to_begin_anew(
    cli: Cli, admin: AdminClient, depot: str, long: Path
) -> None:
    with torn(0):
        ended = cli("upload", "Depot", long.name)
    assert ended.code == ExitCode.REFUSED
    assert UploadState.OPEN not in states(admin, depot)
    assert "devices.csv could not be read to its end: Input/output error" in ended.err
    words = shlex.split(ended.err.partition("begin anew: ")[2].splitlines()[0])
    assert cli(*words[1:]).code == ExitCode.DONE
