"""The clients in Go, TypeScript and Java do the main job against a real server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from faults.proxy import Proxy
from rollbook import DeviceState, UploadState
from tls.authority import HERE, Authority, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from languages.programs import Program
    from rollbook import AdminClient
    from running import Server

# To build from nothing takes minutes: the first time every tool is fetched.
pytestmark = pytest.mark.timeout(900)

CSV = "IMEI,depot\n490154203237518,North\n490154203237519,South\n356938035643809,East\n"
IMEI = "490154203237518"
ROWS = 40_000


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    path = tmp_path / "devices.csv"
    path.write_text(CSV)
    return path


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Give a file of several chunks and batches."""
    path = tmp_path / "many.csv"
    lines = (f"R58M{number:06},Samsung,depot {number % 7}\n" for number in range(ROWS))
    path.write_text("Serial Number,Manufacturer,depot\n" + "".join(lines))
    return path


def test_a_file_is_uploaded_and_a_device_enrolls(
    program: Program, server: Server, admin: AdminClient, devices: Path
) -> None:
    ended = program.run("Depot", devices, IMEI, address=server.address, api_key=server.api_key)

    assert (ended.returncode, ended.stderr) == (0, "")
    profile_line, counts, bad_row, outcome = ended.stdout.splitlines()
    assert profile_line == "profile Depot"
    assert counts == "3 rows, 2 created, 1 rejected"
    assert bad_row.startswith("line 3, IMEI: IMEI_CHECK_DIGIT: the check digit is 9")
    assert "REGISTERED" in outcome
    assert "NOT_REGISTERED" not in outcome
    (profile,) = admin.list_profiles()
    (registered,) = admin.list_devices(profile.profile_id, state=DeviceState.REGISTERED)
    assert (registered.imei, registered.attributes) == (IMEI[:14], {"depot": "North"})
    assert registered.device_id in outcome.split()
    assert "North" in outcome
    (upload,) = admin.list_uploads(profile.profile_id)
    assert (upload.state, upload.file_name) == (UploadState.FINISHED, "devices.csv")
    assert (profile.registered_count, profile.pending_count) == (1, 1)


def test_the_server_s_reason_is_told(program: Program, server: Server, devices: Path) -> None:
    with server.admin() as admin:
        admin.create_profile("depot")
    taken = program.run("Depot", devices, IMEI, address=server.address, api_key=server.api_key)
    shut = program.run("Depot", devices, IMEI, address=server.address)

    assert (taken.returncode, shut.returncode) == (1, 1)
    assert taken.stderr.startswith("PROFILE_NAME_TAKEN: A profile named 'Depot' exists already")
    assert shut.stderr.startswith("API_KEY_MISSING: ")


def test_a_key_is_taken_as_a_file_has_it_and_never_repeated(
    program: Program, server: Server, devices: Path
) -> None:
    key = server.api_key
    as_in_a_file = program.run("Depot", devices, IMEI, address=server.address, api_key=f"{key}\n")
    mangled = program.run("Yard", devices, IMEI, address=server.address, api_key=f"{key}\x01\n")

    assert (as_in_a_file.returncode, as_in_a_file.stderr) == (0, "")
    assert mangled.returncode == 1
    assert "the API key holds characters that no API key has" in mangled.stderr
    assert key not in mangled.stdout + mangled.stderr


def test_it_speaks_tls(
    program: Program, serve: Callable[..., Server], tmp_path: Path, devices: Path
) -> None:
    authority, ca = Authority(), tmp_path / "ca.pem"
    replace(ca, authority.certificate)
    server = serve(**authority.issue(*HERE).write(tmp_path, "server"))
    # Node.js complains of TLS to a mere IP address.
    address = server.address.replace("127.0.0.1", "localhost")
    words = ("Depot", devices, IMEI)
    trusting = program.run(*words, address=address, api_key=server.api_key, ca=ca)
    replace(ca, Authority("a stranger").certificate)
    wary = program.run(*words, address=address, api_key=server.api_key, ca=ca)

    assert (trusting.returncode, trusting.stderr) == (0, "")
    assert trusting.stdout.count("REGISTERED") == 1
    assert (wary.returncode, wary.stdout) == (1, "")
    assert "UNAVAILABLE" in wary.stderr.upper()


class Breaking(Proxy):
    """Breaks the connection of an upload once the server holds so many of its rows.

    `meanwhile` is what happens before the client may connect again.
    """

    def __init__(self, server: Server, after: int, rows: int) -> None:
        self._admin, self._after, self._rows = server.admin(), after, rows
        self.meanwhile: Callable[[], object] = lambda: None
        self.sent = 0
        super().__init__(server.address, cut_after=None)

    def _let_through(self, data: bytes) -> bytes:
        self.sent += len(data)
        if self.sent > self._after and not self.cut.is_set():
            self._until_committed()
            self.meanwhile()
            self.cut.set()
            raise ConnectionAbortedError
        return data

    def _until_committed(self) -> None:
        with self._admin as admin:
            (profile,) = admin.list_profiles()
            while _committed(admin, profile.profile_id) < self._rows:
                time.sleep(0.01)


def _committed(admin: AdminClient, profile_id: str) -> int:
    return sum(upload.committed_rows for upload in admin.list_uploads(profile_id))


@pytest.fixture
def breaking(server: Server, many: Path) -> Iterator[Breaking]:
    """Let three quarters of the file pass, of which two are committed before the break."""
    with Breaking(server, many.stat().st_size // 4 * 3, ROWS // 2) as breaking:
        yield breaking


def test_an_upload_goes_on_where_its_connection_broke(
    program: Program, server: Server, breaking: Breaking, admin: AdminClient, many: Path
) -> None:
    ended = program.run("Depot", many, "none", address=breaking.address, api_key=server.api_key)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert f"{ROWS} rows, {ROWS} created, 0 rejected" in ended.stdout
    (profile,) = admin.list_profiles()
    assert profile.device_count == ROWS
    assert breaking.cut.is_set()
    assert breaking.sent < many.stat().st_size * 3 // 2  # what was committed is not sent again


def test_a_file_that_changed_meanwhile_is_not_taken_for_the_same(
    program: Program, server: Server, breaking: Breaking, admin: AdminClient, many: Path
) -> None:
    def change() -> None:
        with many.open("r+b") as file:
            file.seek(40)
            file.write(b"X")

    breaking.meanwhile = change
    ended = program.run("Depot", many, "none", address=breaking.address, api_key=server.api_key)

    assert ended.returncode == 1
    assert "differs" in ended.stderr
    (profile,) = admin.list_profiles()
    (upload,) = admin.list_uploads(profile.profile_id)
    assert upload.state is UploadState.OPEN
