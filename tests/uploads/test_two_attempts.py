"""One upload, two attempts through the client library: one after the other, or at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from rollbook import (
    AbortedError,
    DeviceRow,
    NotFoundError,
    SourceChangedError,
    Upload,
    UploadProgress,
    UploadState,
)
from rollbook_server.domain.upload_limits import UploadLimits
from uploads.wire import core, imei, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rollbook import AdminClient
    from running import Server

ROWS = [DeviceRow(imei=imei(n), attributes={"site": f"s{n}"}) for n in range(3_000)]
TABLE = "imei,site\n" + "".join(f"{imei(n)},{'s' * 200}\n" for n in range(5_000))
WAIT_SECONDS = 60  # bounds a hang


class Left(Exception):  # noqa: N818 - a signal, not an error
    """Whoever uploads walks away."""


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    return serve(upload_limits=UploadLimits(batch_rows=500))


@pytest.fixture
def other(server: Server) -> Iterator[AdminClient]:
    """Give a second client, with a connection of its own."""
    with server.admin() as other:
        yield other


@pytest.fixture
def profile(admin: AdminClient) -> str:
    return admin.create_profile("Depot").profile_id


def check_once(admin: AdminClient, profile: str) -> None:
    found = sorted(device.imei for device in admin.list_devices(profile))
    assert found == [core(n) for n in range(len(ROWS))]
    upload = admin.get_upload("u")
    assert (upload.state, upload.created_count) == (UploadState.FINISHED, len(ROWS))
    assert admin.get_profile(profile).device_count == len(ROWS)


def is_open(admin: AdminClient) -> bool:
    try:
        return admin.get_upload("u").state is UploadState.OPEN
    except NotFoundError:
        return False


def test_a_second_client_that_uploads_all_wins_and_the_first_is_told(
    admin: AdminClient, other: AdminClient, profile: str
) -> None:
    def overtake(progress: UploadProgress) -> None:
        if progress.sent_rows < len(ROWS) / 2:
            until(lambda: is_open(admin))
            other.upload_rows(profile, ROWS, upload_id="u")

    with pytest.raises(AbortedError) as told:
        admin.upload_rows(profile, ROWS, upload_id="u", progress=overtake)
    assert told.value.reason == "UPLOAD_SUPERSEDED"
    check_once(admin, profile)


def test_a_client_overtaken_in_the_middle_ends_and_the_second_goes_on(
    server: Server, admin: AdminClient, other: AdminClient, profile: str
) -> None:
    going = threading.Event()

    def wait_for_the_other(_: UploadProgress) -> None:
        assert going.wait(WAIT_SECONDS)

    with ThreadPoolExecutor() as pool:
        first = pool.submit(
            admin.upload_rows, profile, ROWS, upload_id="u", progress=wait_for_the_other
        )

        def see_the_other_end(progress: UploadProgress) -> None:
            if progress.sent_rows < len(ROWS):
                # Rows of either may be there before the server has heard of the second.
                until(lambda: server.query("SELECT epoch FROM uploads") == [(2,)])
                until(lambda: other.get_upload("u").committed_rows > 0)
                going.set()
                assert isinstance(first.exception(WAIT_SECONDS), AbortedError)

        until(lambda: is_open(other))
        other.upload_rows(profile, ROWS, upload_id="u", progress=see_the_other_end)
    check_once(admin, profile)


@pytest.mark.parametrize("race", range(4))
def test_of_two_clients_at_once_one_has_it_and_no_row_is_there_twice(
    admin: AdminClient, other: AdminClient, profile: str, race: int
) -> None:
    start = threading.Barrier(2)

    def upload(client: AdminClient, head_start: int) -> Upload | AbortedError:
        start.wait()
        for _ in range(head_start):
            client.get_profile(profile)
        try:
            return client.upload_rows(profile, ROWS, upload_id="u")
        except AbortedError as error:
            return error

    with ThreadPoolExecutor() as pool:
        ended = list(pool.map(upload, (admin, other), (0, race * 3)))
    finished = [each for each in ended if isinstance(each, Upload)]
    assert finished
    assert {each.state for each in finished} == {UploadState.FINISHED}
    told = {each.reason for each in ended if isinstance(each, AbortedError)}
    assert told <= {"UPLOAD_SUPERSEDED"}
    check_once(admin, profile)


@pytest.mark.parametrize(
    "edited",
    [TABLE.replace(imei(7), imei(8_000)), TABLE[:100], TABLE.replace("\n", "\r\n"), ""],
    ids=["another row", "cut short", "other line ends", "emptied"],
)
def test_a_file_edited_between_two_attempts_is_refused_and_the_old_one_goes_on(
    admin: AdminClient, profile: str, tmp_path: Path, edited: str
) -> None:
    path = tmp_path / "devices.csv"
    path.write_text(TABLE, newline="")

    def leave(progress: UploadProgress) -> None:
        if progress.sent_bytes > len(TABLE) / 2:
            until(lambda: is_open(admin) and admin.get_upload("u").committed_rows > 1_000)
            raise Left

    with pytest.raises(Left):
        admin.upload_devices(profile, path, upload_id="u", progress=leave)
    path.write_text(edited, newline="")
    with pytest.raises(SourceChangedError) as refused:
        admin.upload_devices(profile, path, upload_id="u")
    assert refused.value.reason == "UPLOAD_SOURCE_CHANGED"
    assert admin.get_upload("u").state is UploadState.OPEN
    path.write_text(TABLE, newline="")
    assert admin.upload_devices(profile, path, upload_id="u").created_count == 5_000
