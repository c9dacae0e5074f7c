"""However a command fails, it says why and what to do, and shows no traceback."""

from __future__ import annotations

import shlex
import stat
from typing import TYPE_CHECKING, NoReturn

import pytest

from ports import where_nobody_is
from rollbook.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli.ended import Cli
    from running import Server


@pytest.fixture
def nobody() -> Iterator[str]:
    """Give an address where nobody listens."""
    with where_nobody_is() as address:
        yield address


@pytest.fixture
def bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant a bug in `profile list`."""
    _plant(monkeypatch, ZeroDivisionError("oh"))


def _plant(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: object) -> NoReturn:
        raise error

    monkeypatch.setattr("rollbook.cli.profiles.say", fail)


def test_without_a_key_the_three_ways_are_named(alone: Cli, tmp_path: Path) -> None:
    ended = alone("profile", "list")
    assert ended.code == ExitCode.REFUSED
    for way in ("ROLLBOOK_API_KEY=", "--api-key-file", str(tmp_path / "nothing" / "admin.key")):
        assert way in ended.err


def test_the_key_of_this_machine_is_not_sent_to_another(cli: Cli) -> None:
    ended = cli("--address", "rollbook.example:7443", "profile", "list", "--output", "json")
    assert ended.error["reason"] == "API_KEY_MISSING"


def test_a_key_of_two_lines_is_refused_without_repeating_it(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLLBOOK_API_KEY", "first\nsecond")
    ended = cli("profile", "list")
    assert ended.code == ExitCode.REFUSED
    assert "first" not in ended.err


def test_an_unreachable_server_has_its_own_exit_code(
    alone: Cli, nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLLBOOK_API_KEY", "key")
    ended = alone("--address", nobody, "profile", "list")
    assert ended.code == ExitCode.UNREACHABLE
    assert nobody in ended.err
    assert "Start a server here: rollbook serve" in ended.err


def test_an_unreachable_server_is_told_in_json(alone: Cli, nobody: str) -> None:
    ended = alone("--address", nobody, "--output", "json", "enroll", "--imei", "356938035643809")
    assert ended.code == ExitCode.UNREACHABLE
    assert ended.error["code"] == "UNAVAILABLE"
    assert ended.out == ""


def test_a_host_that_does_not_exist_is_not_here(alone: Cli) -> None:
    ended = alone("--address", "nosuch.invalid", "enroll", "--imei", "1", "--output", "json")
    assert ended.code == ExitCode.UNREACHABLE
    assert "serve" not in ended.error["next_step"]
    assert "--address" in ended.error["next_step"]


def test_a_refusal_names_the_option_of_each_field(cli: Cli) -> None:
    ended = cli("profile", "create", "New", "--description", "x" * 2000)
    assert ended.code == ExitCode.REFUSED
    assert "Error: --description: has more than" in ended.err
    for noun in ("profile", "user"):
        assert "Error: --name: " in cli(noun, "list", "--name", "x\ty").err
    assert "rollbook user list" in cli("profile", "create", "New", "--user", "nobody").err


def test_a_refusal_names_the_next_step(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLBOOK_API_KEY", "rbk_wrong")
    assert "--api-key-file" in cli("profile", "list").err


def test_a_next_step_is_for_the_same_server(cli: Cli, server: Server) -> None:
    ended = cli("--address", server.address, "profile", "show", "nobody")
    assert f"rollbook --address {server.address} profile list" in ended.err


def test_a_name_that_looks_like_an_option_is_none_in_what_is_suggested(
    cli: Cli, server: Server, tmp_path: Path
) -> None:
    made = cli("--address", server.address, "profile", "create", "--", "-it's")
    for ended, named in ((made, "Next: "), (cli("profile", "show", "--", "-it's"), "More time: ")):
        words = shlex.split(ended.err.partition(named)[2].splitlines()[0])
        assert words[-2 if "upload" in words else -1 :][0] == "-it's"
        file = tmp_path / "a.csv"
        file.write_text("IMEI\n356938035643809\n")
        real = [str(file) if word == "FILE.csv" else "9" if word == "N" else word for word in words]
        assert cli(*real[1:]).code == ExitCode.DONE


def test_json_of_a_refusal_has_stable_members(cli: Cli) -> None:
    ended = cli("profile", "show", "nobody", "--output", "json")
    assert ended.error == {
        "reason": "PROFILE_NOT_FOUND",
        "code": "NOT_FOUND",
        "message": "There is no profile with the id or the name 'nobody'.",
        "metadata": ended.error["metadata"],
        "fields": {},
        "next_step": "The profiles of this server: rollbook profile list",
    }


@pytest.mark.usefixtures("bug")
def test_a_bug_keeps_its_traceback_in_a_private_file(cli: Cli, tmp_path: Path) -> None:
    ended = cli("profile", "list")
    (kept,) = tmp_path.glob("rollbook-*.traceback")
    assert ended.code == ExitCode.REFUSED
    assert "this is a bug" in ended.err
    assert str(kept) in ended.err
    assert "Traceback" not in ended.err
    assert "ZeroDivisionError" in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.usefixtures("bug")
def test_who_debugs_sees_the_traceback(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLLBOOK_DEBUG", "1")
    assert "Traceback" in cli("profile", "list").err
    assert not [*tmp_path.glob("rollbook-*.traceback")]


def test_ctrl_c_has_its_own_exit_code(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    _plant(monkeypatch, KeyboardInterrupt())
    assert cli("profile", "list").code == ExitCode.INTERRUPTED


@pytest.mark.parametrize(
    "address",
    [
        " ",
        "http://127.0.0.1:7443",
        "127.0.0.1:abc",
        "a b",
        "a:0",
        "a:65536",
        ":1",
        "a:1/",
        "host:1:2",
    ],
)
def test_what_is_no_address_is_a_mistake_of_usage(alone: Cli, address: str) -> None:
    ended = alone("--address", address, "profile", "list")
    assert ended.code == ExitCode.USAGE
    assert "write HOST:PORT" in ended.err
