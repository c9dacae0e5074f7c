"""A line for each call: what stands in it, and how much of it is told."""

from __future__ import annotations

import json
import logging
import re
import signal
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rollbook import NotFoundError
from rollbook.v1 import (
    enrollment_service_pb2,
    enrollment_service_pb2_grpc,
    profile_service_pb2,
    profile_service_pb2_grpc,
)
from rollbook_server import logs
from rollbook_server.domain import tracks
from rollbook_server.domain.tracks import Track
from rollbook_server.observing.access_log import AccessLog
from rollbook_server.transport.watch import REQUEST_ID, SeenCall
from running import ServerProcess
from uploads.wire import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rollbook import AdminClient
    from running import Server

IMEI = "490154203237518"
WATCH = "/grpc.health.v1.Health/Watch"
GET_UPLOAD = "/rollbook.v1.DeviceService/GetUpload"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """Give a way to see the lines of calls so far."""
    return lambda: [vars(each)["call"] for each in caplog.records if each.name == logs.ACCESS]


def named(server: Server, *names: str) -> list[str]:
    """Enroll a device for each name, and give the names under which the calls were served."""
    with grpc.insecure_channel(server.address) as channel:
        stub = enrollment_service_pb2_grpc.EnrollmentServiceStub(channel)
        request = enrollment_service_pb2.EnrollDeviceRequest(imeis=[IMEI])
        calls = [stub.EnrollDevice.with_call(request, metadata=((REQUEST_ID, n),)) for n in names]
    return [str(dict(call.trailing_metadata())[REQUEST_ID]) for _, call in calls]


def test_a_line_tells_who_did_what_and_how_it_went(
    admin: AdminClient, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    with pytest.raises(NotFoundError):
        admin.get_profile("prf-1")
    (line,) = lines()
    assert line.pop("milliseconds") > 0
    assert re.fullmatch("[0-9a-f]{20}", line.pop("request_id"))
    assert line == {
        "service": "rollbook.v1.ProfileService",
        "method": "GetProfile",
        "code": "NOT_FOUND",
        "reason": "PROFILE_NOT_FOUND",
        "received": 1,
        "sent": 0,
        "network": "127.0.0.0/24",  # no more of the address: that is in the audit log
        "api_key_id": "admin",
    }


def test_a_caller_may_name_its_call(
    server: Server, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    names = ["order-17", "a1b2c3d4-0000-4000-8000-00000000000a", "x" * 64]
    assert named(server, *names) == names
    assert [line["request_id"] for line in lines()] == names


def test_a_name_that_may_stand_in_no_log_is_replaced(server: Server) -> None:
    token = "2QQMR-N59B1-SP8W7-HCA4C-C8VV3-F6G8G"
    grouped = [token, token.replace("-", "_"), f"t-{token}", f"{token}-1", token.replace("-", ":")]
    imeis = [IMEI, f"enroll-{IMEI}", f"imei.{IMEI}", f"{IMEI}_retry2", "35-693803-564380-9"]
    unsound = [*grouped, *imeis, "rbk_secret", "", "a b", "x" * 65, '"', "-"]
    given = named(server, *unsound)
    assert not set(given) & set(unsound)
    assert all(re.fullmatch("[0-9a-f]{20}", name) for name in given)


def test_the_name_comes_back_with_an_error_as_well(server: Server) -> None:
    request = profile_service_pb2.GetProfileRequest(profile_id="prf-1")
    with grpc.insecure_channel(server.address) as channel:
        stub = profile_service_pb2_grpc.ProfileServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.GetProfile(request, metadata=((REQUEST_ID, "order-18"),))
    error: Any = caught.value
    metadata = dict(error.trailing_metadata())
    assert metadata[REQUEST_ID] == "order-18"
    assert "grpc-status-details-bin" in metadata


def test_a_caller_who_leaves_is_told_of_as_such(
    server: Server, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    with grpc.insecure_channel(server.address) as channel:
        watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        next(watching)
        watching.cancel()
        until(lambda: bool(lines()))
    (line,) = lines()
    assert (line["method"], line["code"], line["sent"]) == ("Watch", "CANCELLED", 1)


def test_watchers_of_health_end_without_a_failure(
    server: Server, lines: Callable[[], list[dict[str, Any]]], caplog: pytest.LogCaptureFixture
) -> None:
    with grpc.insecure_channel(server.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        leaving, staying = (stub.Watch(health_pb2.HealthCheckRequest()) for _ in range(2))
        assert next(leaving).status == next(staying).status
        leaving.cancel()
        until(lambda: bool(lines()))
        server.stop()
        with pytest.raises(grpc.RpcError, match="shutting down"):
            list(staying)
    levels = {each.message: each.levelname for each in caplog.records if each.name == logs.ACCESS}
    assert levels == {"Watch CANCELLED": "INFO", "Watch UNAVAILABLE": "INFO"}


@pytest.mark.parametrize(
    ("path", "code", "reason", "level"),
    [
        (GET_UPLOAD, "CANCELLED", "", "INFO"),
        (GET_UPLOAD, "NOT_FOUND", "UPLOAD_NOT_FOUND", "INFO"),
        ("/rollbook.v1.DeviceService/DiscardUpload", "NOT_FOUND", "UPLOAD_NOT_FOUND", "WARNING"),
        (GET_UPLOAD, "UNAVAILABLE", "STORE_UNAVAILABLE", "WARNING"),
        (GET_UPLOAD, "INTERNAL", "INTERNAL_ERROR", "ERROR"),
        (WATCH, "UNAVAILABLE", "SERVER_BUSY", "WARNING"),
        ("/rollbook.v1.DeviceService/UploadDevices", "CANCELLED", "", "WARNING"),
        ("/rollbook.v1.ProfileService/GetProfile", "UNAVAILABLE", "", "WARNING"),
    ],
)
def test_what_ends_as_such_calls_do_is_no_failure(
    caplog: pytest.LogCaptureFixture, path: str, code: str, reason: str, level: str
) -> None:
    caplog.set_level(logging.INFO, logs.ACCESS)
    call = SeenCall("order-20", "", path, code=grpc.StatusCode[code], reason=reason)
    AccessLog().ended(call)
    assert [each.levelname for each in caplog.records] == [level]


@pytest.mark.parametrize(("chosen", "methods"), [("off", 0), ("failures", 1), ("all", 2)])
def test_it_is_chosen_which_calls_leave_a_line(
    admin: AdminClient,
    lines: Callable[[], list[dict[str, Any]]],
    caplog: pytest.LogCaptureFixture,
    chosen: str,
    methods: int,
) -> None:
    caplog.set_level(logs.ACCESS_LEVELS[chosen], logs.ACCESS)
    admin.create_profile("Depot")
    with pytest.raises(NotFoundError):
        admin.get_profile("prf-1")
    assert [each["code"] for each in lines()] == ["OK", "NOT_FOUND"][2 - methods :]


@pytest.fixture
def log_of(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[logs.LogSettings], Any]]:
    """Give a way to begin the log as a process of its own does; gives what it wrote."""
    names = ("", "rollbook_server", logs.ACCESS)
    before = [(logging.getLogger(name), logging.getLogger(name).level) for name in names]
    root = logging.getLogger()
    handlers = root.handlers[:]

    def begin(settings: logs.LogSettings) -> Callable[[], str]:
        root.handlers.clear()
        logs.begin(settings)
        return lambda: capfd.readouterr().err

    yield begin
    root.handlers[:] = handlers
    for logger, level in before:
        logger.setLevel(level)


def test_lines_of_json_hold_what_lines_of_text_do(log_of: Any) -> None:
    told = log_of(logs.LogSettings(format="json"))
    logging.getLogger("other").error("no %s", IMEI, exc_info=RuntimeError(f"of {IMEI}"))
    line = json.loads(told())
    assert line["message"] == "no *************18"
    assert line["traceback"].endswith("RuntimeError: of *************18")
    assert (line["level"], line["logger"]) == ("ERROR", "other")
    assert line["time"].endswith("+00:00")


@pytest.mark.parametrize("form", logs.FORMATS)
def test_what_is_logged_for_a_call_names_it(log_of: Any, form: str) -> None:
    told = log_of(logs.LogSettings(format=form))
    token = tracks._current.set(Track("order-19", "key-1"))
    logging.getLogger("rollbook_server.app").warning("slow")
    tracks._current.reset(token)
    line = told()
    assert "order-19" in line
    if form == "json":
        assert json.loads(line)["api_key_id"] == "key-1"


def test_other_libraries_tell_no_more_at_debug(log_of: Any) -> None:
    told = log_of(logs.LogSettings(level="debug"))
    logging.getLogger("peewee").debug("SELECT values")
    logging.getLogger("rollbook_server.app").debug("ours")
    assert "SELECT" not in (text := told())
    assert "ours" in text


def test_signals_change_how_much_is_told_while_the_server_runs(tmp_path: Path) -> None:
    process = ServerProcess(tmp_path / "data", "--log-format", "json").start()
    try:
        with process.admin() as admin:
            admin.create_profile("Unseen")
            switch(process, signal.SIGUSR1, "logging all there is")
            admin.create_profile("Seen")
            switch(process, signal.SIGUSR2, "at level info again")
            admin.create_profile("Unseen again")
        assert process.terminate() == 0
    finally:
        process.kill()
    calls = [line for line in written(process.log) if line["logger"] == logs.ACCESS]
    assert [(call["method"], call["code"]) for call in calls] == [("CreateProfile", "OK")]


def switch(process: ServerProcess, name: signal.Signals, expected: str) -> None:
    """Send a signal and wait until the server tells that it has come."""
    process.send(name)
    while expected not in process.log.read_text():
        pass


def written(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
