"""`rollbook sign-in`, and `rollbook enroll` that goes on to it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from cli.terminal import Terminal, pipe
from rollbook import DeviceRow
from rollbook.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from cli.ended import Cli
    from rollbook import AdminClient

PASSWORD = "correct horse"
IMEI, UNKNOWN_IMEI = "356938035643809", "353918052355563"
WRONG_TOKEN = "7K3M-Q9XT-2AV4"


@pytest.fixture
def there(cli: Cli, admin: AdminClient, depot: str) -> Cli:
    """Give the command where a device is on the roll, and a user who may sign in."""
    admin.upload_rows(depot, [DeviceRow(imei=IMEI, attributes={"Hall": "3"})])
    admin.create_user("ada", display_name="Ada L.", password=PASSWORD)
    return cli


def test_a_script_signs_in_with_a_password_from_stdin(
    there: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLLBOOK_API_KEY", "rbk_wrong")  # needs none
    command = ("sign-in", "--imei", IMEI, "--user", "ADA", "--password-stdin")
    for data in (f"{PASSWORD}\n", f"{PASSWORD}\r\n", PASSWORD):
        pipe(monkeypatch, data.encode())
        ended = there(*command, "--output", "json")
        assert (ended.code, ended.document["outcome"]) == (ExitCode.DONE, "REGISTERED")
        assert ended.document["user"]["display_name"] == "Ada L."
    pipe(monkeypatch, PASSWORD.encode())
    shown = there(*command).out
    assert "Ada L." in shown
    assert "Hall" in shown


@pytest.mark.parametrize(
    ("imei", "user", "password"),
    [
        (UNKNOWN_IMEI, "ada", PASSWORD),
        (IMEI, "eve", PASSWORD),
        (IMEI, "ada", "battery staple"),
    ],
)
def test_a_refused_sign_in_tells_no_cause(
    there: Cli, monkeypatch: pytest.MonkeyPatch, imei: str, user: str, password: str
) -> None:
    pipe(monkeypatch, password.encode())
    ended = there("sign-in", "--imei", imei, "--user", user, "--password-stdin")
    assert ended.code == ExitCode.NOT_REGISTERED
    assert "does not tell which" in ended.err
    assert password not in ended.out + ended.err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--imei", IMEI), "--user NAME"),
        (("--imei", IMEI, "--user", "ada"), "--password-stdin"),
        (("--serial", "S1", "--user", "ada"), "--serial and --manufacturer"),
    ],
)
def test_without_a_terminal_what_is_missing_is_named(
    there: Cli, options: tuple[str, ...], complaint: str
) -> None:
    ended = there("sign-in", *options)
    assert ended.code == ExitCode.USAGE
    assert complaint in ended.err


@pytest.mark.usefixtures("there")
def test_on_a_terminal_user_and_password_are_asked_for() -> None:
    with Terminal("sign-in", "--imei", IMEI) as terminal:
        terminal.answer("User: ", "ada")
        terminal.answer("Password: ", PASSWORD)
        assert terminal.end() == ExitCode.DONE
    assert "Ada L." in terminal.shown
    assert PASSWORD not in terminal.shown


@pytest.mark.usefixtures("there")
def test_enroll_with_a_wrong_token_goes_on_to_user_and_password() -> None:
    with Terminal("enroll", "--token", WRONG_TOKEN, "--imei", IMEI) as terminal:
        terminal.answer("User: ", "ada")
        terminal.answer("Password: ", PASSWORD)
        assert terminal.end() == ExitCode.DONE
    assert "The token does not open a profile" in terminal.shown
    assert "REGISTERED" in terminal.shown
    assert PASSWORD not in terminal.shown
    with Terminal("enroll", "--token", WRONG_TOKEN, "--imei", IMEI) as terminal:
        terminal.answer("User: ", "ada")
        terminal.answer("Password: ", "battery staple")
        assert terminal.end() == ExitCode.NOT_REGISTERED


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize("option", ["--no-sign-in", "--output=json"])
def test_enroll_asks_nobody_who_does_not_want_it(option: str) -> None:
    with Terminal("enroll", "--token", WRONG_TOKEN, "--imei", IMEI, option) as terminal:
        assert terminal.end() == ExitCode.SIGN_IN_REQUIRED
    assert "User: " not in terminal.shown


@pytest.mark.usefixtures("there")
def test_enroll_with_the_right_token_asks_nothing(admin: AdminClient, depot: str) -> None:
    token = admin.reveal_token(depot)
    with Terminal("enroll", "--token", token, "--imei", IMEI) as terminal:
        assert terminal.end() == ExitCode.DONE
    assert "User: " not in terminal.shown


def test_without_a_terminal_the_next_step_is_the_sign_in(
    there: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = there("enroll", "--token", WRONG_TOKEN, "--imei", IMEI, "--serial", "a b")
    assert ended.code == ExitCode.SIGN_IN_REQUIRED
    suggested = shlex.split(ended.err.partition("Sign in instead: ")[2])
    assert suggested[:2] == ["rollbook", "sign-in"]
    pipe(monkeypatch, PASSWORD.encode())
    words = [word.replace("NAME", "ada") for word in suggested[1:]]
    assert there(*words, "--password-stdin").code == ExitCode.DONE
