"""Three servers on one database are one service: what one of them knows, all know."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import grpc
import pytest

from databases import DATABASES, POSTGRESQL
from rollbook import AdminClient, DeviceRow, EnrollOutcome, Role, RollbookError
from rollbook.v1 import profile_service_pb2, profile_service_pb2_grpc
from rollbook_server import command
from rollbook_server.app import ADMIN_KEY_NAME, TOKEN_EPOCH_NAME
from rollbook_server.config import SEALING_KEY_NAME
from rollbook_server.key_files import KeyFileError
from uploads.wire import Wire, csv, file, imei, opening, refusal, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from running import Server

pytestmark = pytest.mark.parametrize("engine", [POSTGRESQL], indirect=True)

HEADER = "IMEI\n"


@pytest.fixture
def servers(serve: Callable[..., Server], server: Server, tmp_path: Path) -> list[Server]:
    """Give three servers on one database, each with a data directory of its own."""
    others = [tmp_path / f"data{number}" for number in (2, 3)]
    for folder in others:
        shutil.copytree(server.data_dir, folder)
    return [server, *(serve(data_dir=folder, database=server.config.database) for folder in others)]


@pytest.fixture
def profile_id(server: Server) -> str:
    with server.admin() as admin:
        return admin.create_profile("Depot").profile_id


def test_an_upload_begun_on_one_is_resumed_on_another(
    servers: list[Server], profile_id: str
) -> None:
    data = HEADER + "".join(f"{imei(number)}\n" for number in range(3_000))
    half = data.index(f"{imei(2_000)}\n")
    with Wire(servers[0]) as first, Wire(servers[1]) as second, Wire(servers[2]) as third:
        first.send(opening(profile_id), csv(data[:half]))
        stood = second.upload().committed_offset
        assert 0 < stood <= half
        done = third.send(opening(profile_id), file(data, begin=stood))
        assert (done.row_count, done.created_count) == (3_000, 3_000)
        assert len(first.devices()) == 3_000


def test_a_stream_on_another_server_supersedes(servers: list[Server], profile_id: str) -> None:
    data = HEADER + "".join(f"{imei(number)}\n" for number in range(100))
    with Wire(servers[0]) as first, Wire(servers[1]) as second:
        stream = first.stream().send(opening(profile_id))
        until(lambda: bool(first.query("SELECT 1 FROM uploads")))
        second.send(opening(profile_id), file(data))
        assert stream.send(csv(data)).refused().reason == "UPLOAD_SUPERSEDED"
        assert len(first.devices()) == 100


def test_a_token_refreshed_on_one_is_void_on_all_at_once(
    servers: list[Server], profile_id: str
) -> None:
    with servers[0].admin() as admin:
        admin.upload_rows(profile_id, [DeviceRow(imei(1))])
        old = admin.reveal_token(profile_id)
        assert enroll(servers[2], old, 1) is EnrollOutcome.REGISTERED
        with servers[1].admin() as other:
            other.refresh_token(profile_id)
        new = admin.reveal_token(profile_id)
    answers = [(enroll(server, old, 1), enroll(server, new, 1)) for server in servers]
    assert answers == [(EnrollOutcome.SIGN_IN_REQUIRED, EnrollOutcome.REGISTERED)] * 3


def enroll(server: Server, token: str, number: int) -> EnrollOutcome:
    with server.agent() as agent:
        return agent.enroll_device(token=token, imeis=[imei(number)]).outcome


def test_a_device_that_enrolls_on_all_at_once_registers_once(
    servers: list[Server], profile_id: str
) -> None:
    count = 30
    with servers[0].admin() as admin:
        admin.upload_rows(profile_id, [DeviceRow(imei(number)) for number in range(count)])
        token = admin.reveal_token(profile_id)
    calls = [(server, token, number) for number in range(count) for server in servers]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda call: enroll(*call), calls))
    assert answers == [EnrollOutcome.REGISTERED] * 3 * count
    with servers[1].admin() as admin:
        profile = admin.get_profile(profile_id)
        assert (profile.registered_count, profile.pending_count) == (count, 0)
        events = [event.details for event in admin.list_audit_events(action="EnrollDevice")]
        assert sum("again" not in details for details in events) == count
        assert admin.verify_audit_log().first_break is None


def test_a_key_revoked_on_one_opens_nothing_on_any(servers: list[Server]) -> None:
    with servers[0].admin() as admin:
        key = admin.create_api_key("Viewer", role=Role.VIEWER)
        clients = [AdminClient(server.address, api_key=key.value) for server in servers]
        for client in clients:
            list(client.list_profiles())  # each server has seen the key
        admin.revoke_api_key(key.api_key.api_key_id)
    for client in clients:
        with client, pytest.raises(RollbookError) as refused:
            list(client.list_profiles())
        assert refused.value.reason == "API_KEY_REVOKED"


def test_processes_of_one_directory_agree_that_an_older_database_is_no_danger_any_more(
    serve: Callable[..., Server],
    server: Server,
    profile_id: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.stop()
    path = server.data_dir / TOKEN_EPOCH_NAME
    path.write_text(json.dumps({**json.loads(path.read_text()), "epoch": 1}))
    workers = [serve(data_dir=server.data_dir) for _ in range(2)]
    assert "THE DATABASE MAY BE AN OLDER ONE" in caplog.text
    with workers[0].admin() as first, workers[1].admin() as second:
        first.revoke_all_tokens()
        second.refresh_token(profile_id)
    for worker in workers:
        worker.stop()
    caplog.clear()
    assert serve(data_dir=server.data_dir).address
    assert "THE DATABASE MAY BE AN OLDER ONE" not in caplog.text


def test_a_request_id_is_one_request_on_all_of_them(servers: list[Server]) -> None:
    request = profile_service_pb2.CreateProfileRequest(name="Once", request_id=str(uuid4()))
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda server: created(server, request), servers))
    assert len(set(answers)) == 1


def test_a_request_id_is_refused_with_another_body_on_all_of_them(servers: list[Server]) -> None:
    once = profile_service_pb2.CreateProfileRequest(name="Once", request_id=str(uuid4()))
    first = created(servers[0], once)
    other = profile_service_pb2.CreateProfileRequest(name="Twice", request_id=once.request_id)
    for server in servers:
        with pytest.raises(grpc.RpcError) as caught:
            created(server, other)
        refused = refusal(caught.value)
        assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "REQUEST_ID_REUSED")
        assert created(server, once) == first
    with servers[2].admin() as admin:
        assert [profile.name for profile in admin.list_profiles()] == ["Once"]


def created(server: Server, request: Any) -> str:
    with grpc.insecure_channel(server.address) as channel:
        stub = profile_service_pb2_grpc.ProfileServiceStub(channel)
        metadata = (("authorization", f"Bearer {server.api_key}"),)
        return str(stub.CreateProfile(request, metadata=metadata).profile.profile_id)


def test_names_are_taken_on_all_of_them(servers: list[Server]) -> None:
    def create(server: Server) -> str:
        with server.admin() as admin:
            try:
                admin.create_profile("One of a kind")
            except RollbookError as error:
                return error.reason
            return "created"

    with ThreadPoolExecutor(3) as pool:
        answers = sorted(pool.map(create, servers))
    assert answers == ["PROFILE_NAME_TAKEN", "PROFILE_NAME_TAKEN", "created"]


def test_a_server_with_other_sealing_keys_is_refused(
    serve: Callable[..., Server], server: Server, tmp_path: Path
) -> None:
    strange = tmp_path / "strange"
    strange.mkdir()
    serve(data_dir=strange, database=DATABASES.url(tmp_path / "other database")).stop()
    assert (strange / SEALING_KEY_NAME).read_bytes() != (
        server.data_dir / SEALING_KEY_NAME
    ).read_bytes()
    with pytest.raises(KeyFileError, match="not those of the other servers"):
        serve(data_dir=strange, database=server.config.database)


def test_a_sealing_key_is_not_rotated_that_the_others_would_not_know(server: Server) -> None:
    with server.admin() as admin, pytest.raises(RollbookError, match="the key file of each") as no:
        admin.rotate_sealing_key()
    assert no.value.reason == "SEALING_KEYS_FIXED"


def test_a_server_without_the_administrators_file_leaves_that_of_the_first(
    serve: Callable[..., Server], server: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    shutil.copy(server.data_dir / SEALING_KEY_NAME, folder)
    second = serve(data_dir=folder, database=server.config.database)
    assert not (folder / ADMIN_KEY_NAME).exists()
    with AdminClient(second.address, api_key=server.api_key) as admin:
        assert admin.create_profile("Depot").name == "Depot"


def test_a_server_names_no_administrator_key_that_another_one_has(
    server: Server,
    serve: Callable[..., Server],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = tmp_path / "data2"
    other.mkdir()
    shutil.copy(server.data_dir / SEALING_KEY_NAME, other)
    config = serve(data_dir=other, database=server.config.database).config
    command._announce("", config, "")
    command._announce_json("", config, "")
    words, document = capsys.readouterr().out.rsplit("\n", 2)[:2]
    assert "Administrator key: in the data directory of another server\n" in words
    assert json.loads(document)["admin_key_file"] is None


def test_keys_may_be_taken_out_once_all_servers_know(
    server: Server, serve: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    path = server.data_dir / SEALING_KEY_NAME
    server.stop()
    keys = json.loads(path.read_text())
    newest = {**keys["sealing_keys"][0], "key_id": "00000001"}
    path.write_text(json.dumps({**keys, "sealing_keys": [*keys["sealing_keys"], newest]}))
    caplog.set_level("INFO")
    serve(database=server.config.database)
    assert "once every server was started with 00000001 as its last key" in caplog.text
