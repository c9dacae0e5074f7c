"""The contract by hand: grpcurl and buf, tools that know nothing of our libraries."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sysconfig
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rollbook_server.health import SERVICES

if TYPE_CHECKING:
    from running import Server

GRPCURL = shutil.which("grpcurl")
BUF = shutil.which("buf", path=sysconfig.get_path("scripts"))
PROTO = Path(__file__).parents[1] / "proto"
HOW_TO_GET_IT = (
    "grpcurl is not on PATH; get it with "
    "`go install github.com/fullstorydev/grpcurl/cmd/grpcurl@latest`"
)
needs_grpcurl = pytest.mark.skipif(
    GRPCURL is None and os.environ.get("CI") != "true", reason=HOW_TO_GET_IT
)
Answer = dict[str, Any]


def run(*command: str, sent: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, input=sent, capture_output=True, text=True, timeout=60, check=False
    )


class Grpcurl:
    """Runs grpcurl against a server, with its key or without."""

    def __init__(self, server: Server) -> None:
        assert GRPCURL is not None, HOW_TO_GET_IT
        self._command, self._address = [GRPCURL, "-plaintext"], server.address
        self._key = ["-H", f"authorization: Bearer {server.api_key}"]

    def run(
        self, *words: str, options: tuple[str, ...] = (), key: bool = True, sent: str = ""
    ) -> subprocess.CompletedProcess[str]:
        head = self._key if key else []
        return run(*self._command, *head, *options, self._address, *words, sent=sent)

    def call(self, method: str, *messages: Answer) -> Answer:
        """Call with messages from standard input, as `-d @` takes them."""
        sent = "\n".join(json.dumps(message) for message in messages)
        ended = self.run(f"rollbook.v1.{method}", options=("-d", "@"), sent=sent)
        assert ended.returncode == 0, ended.stderr
        answer: Answer = json.loads(ended.stdout)
        return answer

    def error(self, method: str, message: Answer, *, key: bool = True) -> Answer:
        """Call what must fail, and give the google.rpc.Status as JSON."""
        options: tuple[str, ...] = ("-format-error", "-d", json.dumps(message))
        if not key:  # reflection needs one too
            options = ("-import-path", str(PROTO), "-proto", _file(method), *options)
        ended = self.run(f"rollbook.v1.{method}", options=options, key=key)
        assert ended.returncode != 0, ended.stdout
        answer: Answer = json.loads(ended.stderr[ended.stderr.index("{") :])
        return answer


def _file(method: str) -> str:
    noun = method.partition("Service")[0].lower()
    return f"rollbook/v1/{noun}_service.proto"


@pytest.fixture
def grpcurl(server: Server) -> Grpcurl:
    return Grpcurl(server)


@pytest.fixture
def profile_id(grpcurl: Grpcurl) -> str:
    created = grpcurl.call("ProfileService/CreateProfile", {"name": "Depot"})
    found: str = created["profile"]["profile_id"]
    return found


@needs_grpcurl
def test_the_services_are_listed_and_described_without_files(grpcurl: Grpcurl) -> None:
    listed, described = grpcurl.run("list"), grpcurl.run("describe")

    assert set(SERVICES) < set(listed.stdout.split())
    assert described.returncode == 0, described.stderr
    assert "rpc UploadDevices ( stream .rollbook.v1.UploadDevicesRequest )" in described.stdout


@needs_grpcurl
def test_nothing_is_listed_without_the_key(grpcurl: Grpcurl) -> None:
    ended = grpcurl.run("list", key=False)

    assert ended.returncode != 0
    assert "authorization: Bearer KEY" in ended.stderr


@needs_grpcurl
def test_typed_rows_are_uploaded_and_a_device_enrolls(grpcurl: Grpcurl, profile_id: str) -> None:
    upload = grpcurl.call(
        "DeviceService/UploadDevices",
        {"open": {"upload_id": "by-hand", "profile_id": profile_id}},
        {"rows": {"first_row": 0, "rows": [{"imei": "356938035643809"}]}},
        {"rows": {"first_row": 1, "rows": [
            {"serial_number": "R58M", "manufacturer": "Samsung", "attributes": {"depot": "Süd"}},
            {"imei": "356938035643808"},
        ]}},
        {"finish": {"total_rows": 3}},
    )["upload"]  # fmt: skip
    assert upload["state"] == "UPLOAD_STATE_FINISHED"
    assert (upload["created_count"], upload["rejected_count"]) == (2, 1)
    assert upload["errors"][0]["reason"] == "IMEI_CHECK_DIGIT"

    assert grpcurl.call("DeviceService/GetUpload", {"upload_id": "by-hand"})["upload"] == upload
    value = grpcurl.call("TokenService/RevealToken", {"profile_id": profile_id})["value"]
    device = {"token": value, "serial_number": "R58M", "manufacturer": "SAMSUNG"}
    enrolled = grpcurl.call("EnrollmentService/EnrollDevice", device)
    assert enrolled["outcome"] == "ENROLL_OUTCOME_REGISTERED"
    assert enrolled["attributes"] == {"depot": "Süd"}
    counted = grpcurl.call("ProfileService/GetProfile", {"profile_id": profile_id})["profile"]
    assert (counted["registered_count"], counted["pending_count"]) == (1, 1)


@needs_grpcurl
def test_a_csv_file_is_uploaded_in_pieces(grpcurl: Grpcurl, profile_id: str) -> None:
    data = "IMEI,Größe\r\n356938035643809,L\r\n490154203237518,XL\r\n".encode()
    pieces = [(0, data[:8]), (8, data[8:30]), (30, data[30:])]  # the first ends inside the ö
    upload = grpcurl.call(
        "DeviceService/UploadDevices",
        {"open": {"upload_id": "csv", "profile_id": profile_id, "file_name": "depot.csv"}},
        *({"csv": {"offset": at, "data": base64.b64encode(d).decode()}} for at, d in pieces),
        {"finish": {"total_bytes": len(data), "crc32": zlib.crc32(data)}},
    )["upload"]

    assert upload["state"] == "UPLOAD_STATE_FINISHED"
    assert upload["created_count"] == 2
    assert upload["committed_offset"] == str(len(data))
    assert upload["columns"][1] == {"column": "Größe", "field": "attribute"}


@needs_grpcurl
def test_a_device_that_is_not_on_the_roll_needs_no_key_to_hear_it(grpcurl: Grpcurl) -> None:
    options = ("-import-path", str(PROTO), "-proto", _file("EnrollmentService"))
    method = "rollbook.v1.EnrollmentService/EnrollDevice"
    ended = grpcurl.run(method, options=(*options, "-d", '{"token": "wrong"}'), key=False)

    assert json.loads(ended.stdout) == {
        "outcome": "ENROLL_OUTCOME_SIGN_IN_REQUIRED",
        "signInAvailable": True,
    }


@needs_grpcurl
def test_an_error_comes_with_its_details(grpcurl: Grpcurl, profile_id: str) -> None:
    taken = grpcurl.error("ProfileService/CreateProfile", {"name": "DEPOT"})
    wrong = grpcurl.error("ProfileService/ListProfiles", {"page_size": -1})
    shut = grpcurl.error("ProfileService/GetProfile", {"profile_id": profile_id}, key=False)

    assert (taken["code"], taken["details"][0]["reason"]) == (6, "PROFILE_NAME_TAKEN")
    assert taken["details"][0]["domain"] == "rollbook"
    assert (wrong["code"], wrong["details"][0]["reason"]) == (3, "FIELD_INVALID")
    assert '"page_size"' in json.dumps(wrong["details"][1])
    assert shut["code"] == 16


def buf_curl(server: Server, method: str, message: Answer) -> subprocess.CompletedProcess[str]:
    assert BUF is not None, "buf comes with the extra `dev`"
    url = f"http://{server.address}/rollbook.v1.{method}"
    key = f"authorization: Bearer {server.api_key}"
    flags = ("--protocol", "grpc", "--http2-prior-knowledge", "--schema", str(PROTO), "-H", key)
    return run(BUF, "curl", *flags, "-d", json.dumps(message), url)


def test_buf_reads_profiles_and_errors(server: Server) -> None:
    with server.admin() as admin:
        profile = admin.create_profile("Depot")
    got = buf_curl(server, "ProfileService/GetProfile", {"profileId": profile.profile_id})
    listed = buf_curl(server, "ProfileService/ListProfiles", {"pageSize": 1})
    missing = buf_curl(server, "ProfileService/GetProfile", {"profileId": "prf-0"})

    assert got.returncode == 0, got.stderr
    assert json.loads(got.stdout)["profile"]["name"] == "Depot"
    assert json.loads(listed.stdout)["profiles"] == [json.loads(got.stdout)["profile"]]
    assert missing.returncode != 0
    error = json.loads(missing.stderr)
    assert (error["code"], error["details"][0]["type"]) == ("not_found", "google.rpc.ErrorInfo")
