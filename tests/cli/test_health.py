"""`rollbook health`: what it says and how it exits."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from rollbook.cli.exit_codes import ExitCode
from rollbook_server.health import SERVICES
from rollbook_server.pulse import Feeling

if TYPE_CHECKING:
    from cli.ended import Cli
    from running import Server


def test_a_server_that_serves_is_told_and_exits_with_0(cli: Cli) -> None:
    ended = cli("health")
    assert (ended.code, ended.out, ended.err) == (0, "SERVING\n", "")


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_asked_by_its_name_with_its_package_or_without(cli: Cli, name: str) -> None:
    short = name.rpartition(".")[2]
    for asked in (name, short):
        ended = cli("health", asked, "--output", "json")
        assert (ended.code, ended.document) == (0, {"service": name, "status": "SERVING"})


def test_no_room_for_uploads_is_told_of_the_devices_alone(cli: Cli, server: Server) -> None:
    server.app.health.tell(Feeling.NEARLY_FULL)
    assert cli("health").code == 0
    ended = cli("health", "DeviceService")
    assert (ended.code, ended.out) == (ExitCode.UNREACHABLE, "NOT_SERVING\n")


def test_a_server_that_stops_is_told(cli: Cli, server: Server) -> None:
    server.app.health.stop()
    ended = cli("health", "--output", "json")
    assert ended.code == ExitCode.UNREACHABLE
    assert ended.document == {"service": "", "status": "NOT_SERVING"}


def test_a_service_that_is_none_is_refused_with_those_there_are(cli: Cli) -> None:
    ended = cli("health", "UploadService")
    assert ended.code == ExitCode.REFUSED
    assert "no service 'UploadService'" in ended.err
    for name in SERVICES:
        assert name.rpartition(".")[2] in ended.err


@pytest.mark.parametrize("words", [("health", "--timeout"), ("watch", "Depot", "--interval")])
@pytest.mark.parametrize("seconds", ["nan", "inf"])
def test_what_is_no_number_of_seconds_is_refused(
    alone: Cli, words: tuple[str, ...], seconds: str
) -> None:
    ended = alone(*words, seconds)
    assert (ended.code, words[-1] in ended.err) == (ExitCode.USAGE, True)


def test_a_server_that_is_not_there_is_told_in_one_line(alone: Cli) -> None:
    ended = alone("--address", "127.0.0.1:1", "health", "--timeout", "60")
    assert ended.code == ExitCode.UNREACHABLE
    assert ended.err.startswith("Error: cannot reach 127.0.0.1:1")


def test_a_server_that_is_silent_is_told_without_words_of_the_library(alone: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        ended = alone("--address", address, "health", "--timeout", "0.2")
    assert ended.code == ExitCode.UNREACHABLE
    assert f"{address} (plaintext) did not answer in time" in ended.err
    assert "timeout_seconds" not in ended.err


def test_it_needs_no_key(alone: Cli, server: Server) -> None:
    assert alone("--address", server.address, "health").code == 0
