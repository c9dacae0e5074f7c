"""However a command fails, it says why and what to do, and shows no traceback."""

from __future__ import annotations

import socket
import stat
from typing import TYPE_CHECKING

import pytest

from rollbook import InvalidArgumentError, UnauthenticatedError, UnavailableError
from rollbook.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.memory_roll import Ended, Roll


@pytest.fixture
def nobody() -> str:
    """Give an address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def test_without_a_key_the_three_ways_are_named(cli: Callable[..., Ended], tmp_path: Path) -> None:
    ended = cli("profile", "list")
    assert ended.code == ExitCode.REFUSED
    for way in ("ROLLBOOK_API_KEY=", "--api-key-file", str(tmp_path / "data" / "admin.key")):
        assert way in ended.err


def test_the_key_of_this_machine_is_not_sent_to_another(
    cli: Callable[..., Ended], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "admin.key").write_text("local-key\n")
    ended = cli("--address", "rollbook.example:7443", "profile", "list", "--output", "json")
    assert ended.error["reason"] == "API_KEY_MISSING"


def test_a_key_of_two_lines_is_refused_without_repeating_it(
    cli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLLBOOK_API_KEY", "first\nsecond")
    ended = cli("profile", "list")
    assert ended.code == ExitCode.REFUSED
    assert "first" not in ended.err


def test_an_unreachable_server_has_its_own_exit_code(
    cli: Callable[..., Ended], nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLLBOOK_API_KEY", "key")
    ended = cli("--address", nobody, "profile", "list")
    assert ended.code == ExitCode.UNREACHABLE
    assert nobody in ended.err
    assert "rollbook serve" in ended.err


def test_an_unreachable_server_is_told_in_json(cli: Callable[..., Ended], nobody: str) -> None:
    ended = cli("--address", nobody, "--output", "json", "enroll", "--imei", "356938035643809")
    assert ended.code == ExitCode.UNREACHABLE
    assert ended.error["code"] == "UNAVAILABLE"
    assert ended.out == ""


def test_a_refusal_is_told_with_its_fields(cli: Callable[..., Ended], roll: Roll) -> None:
    roll.failure = InvalidArgumentError(
        "a field is wrong", reason="FIELD_INVALID", fields={"name": "too long"}
    )
    ended = cli("profile", "list")
    assert ended.code == ExitCode.REFUSED
    assert "name: too long" in ended.err


def test_a_refusal_names_the_next_step(cli: Callable[..., Ended], roll: Roll) -> None:
    roll.failure = UnauthenticatedError("the key is not known", reason="API_KEY_INVALID")
    assert "--api-key-file" in cli("profile", "list").err


def test_json_of_a_refusal_has_stable_members(cli: Callable[..., Ended], roll: Roll) -> None:
    roll.failure = UnavailableError("busy", reason="STORE_UNAVAILABLE", code="UNAVAILABLE")
    ended = cli("profile", "list", "--output", "json")
    assert ended.code == ExitCode.UNREACHABLE
    assert ended.error == {
        "reason": "STORE_UNAVAILABLE",
        "code": "UNAVAILABLE",
        "message": "busy",
        "metadata": {},
        "fields": {},
        "next_step": "",
    }


def test_a_bug_keeps_its_traceback_in_a_private_file(
    cli: Callable[..., Ended], roll: Roll, tmp_path: Path
) -> None:
    roll.failure = ZeroDivisionError("oh")
    ended = cli("profile", "list")
    (kept,) = tmp_path.glob("rollbook-*.traceback")
    assert ended.code == ExitCode.REFUSED
    assert "this is a bug" in ended.err
    assert str(kept) in ended.err
    assert "Traceback" not in ended.err
    assert "ZeroDivisionError" in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_who_debugs_sees_the_traceback(
    cli: Callable[..., Ended], roll: Roll, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLLBOOK_DEBUG", "1")
    roll.failure = ZeroDivisionError("oh")
    assert "Traceback" in cli("profile", "list").err
    assert not [*tmp_path.glob("rollbook-*.traceback")]


def test_a_file_that_cannot_be_used_is_named_with_the_reason(
    cli: Callable[..., Ended], roll: Roll, tmp_path: Path
) -> None:
    assert roll
    taken = tmp_path / "devices.csv"
    taken.write_text("filled in")
    ended = cli("template", "--out", taken)
    assert ended.code == ExitCode.REFUSED
    assert f"{taken}: File exists" in ended.err
    assert taken.read_text() == "filled in"


def test_ctrl_c_has_its_own_exit_code(cli: Callable[..., Ended], roll: Roll) -> None:
    roll.failure = KeyboardInterrupt()
    assert cli("profile", "list").code == ExitCode.INTERRUPTED


def test_an_empty_address_is_a_mistake_of_usage(cli: Callable[..., Ended]) -> None:
    assert cli("--address", " ", "profile", "list").code == ExitCode.USAGE
