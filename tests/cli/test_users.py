"""`rollbook user`, and every command that takes a user."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from cli.terminal import Terminal, pipe
from rollbook import AdminClient, EnrollmentAgent, EnrollOutcome
from rollbook.cli.exit_codes import ExitCode
from rollbook.cli.user_names import find_user

if TYPE_CHECKING:
    from cli.ended import Cli
    from running import Server

PASSWORD = "correct horse"
IMEI = "356938035643809"


def opens(server: Server, name: str, password: str) -> bool:
    """Tell whether the password is the user's, by a device of a profile of its own."""
    with server.admin() as admin, server.agent() as agent:
        if not list(admin.list_profiles(name_contains="Opens")):
            profile = admin.create_profile("Opens")
            admin.upload_devices(profile.profile_id, lambda: io.BytesIO(f"IMEI\n{IMEI}\n".encode()))
        answer = agent.sign_in_device(user_name=name, password=password, imeis=[IMEI])
    return answer.outcome is EnrollOutcome.REGISTERED


def test_a_user_is_created_with_a_password_from_stdin(
    cli: Cli, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(monkeypatch, f"{PASSWORD}\n".encode())
    options = ("--display-name", "Ada L.", "--email", "ada@example.com", "--password-stdin")
    ended = cli("user", "create", "ada", *options, "--output", "json")
    assert (ended.code, ended.document["can_sign_in"]) == (ExitCode.DONE, True)
    assert ended.document["display_name"] == "Ada L."
    assert PASSWORD not in ended.out + ended.err
    assert opens(server, "ada", PASSWORD)


@pytest.mark.parametrize("options", [(), ("--no-password",)])
def test_without_a_terminal_a_user_gets_no_password(cli: Cli, options: tuple[str, ...]) -> None:
    ended = cli("user", "create", "ada", *options, "--output", "json")
    assert (ended.code, ended.document["can_sign_in"]) == (ExitCode.DONE, False)


@pytest.mark.parametrize(
    ("data", "complaint"), [(b"", "is empty"), (b"\n", "is empty"), (b"\xff secret\n", "not UTF-8")]
)
def test_a_password_that_stdin_does_not_have_is_a_mistake_of_usage(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, data: bytes, complaint: str
) -> None:
    pipe(monkeypatch, data)
    ended = cli("user", "create", "ada", "--password-stdin")
    assert ended.code == ExitCode.USAGE
    assert complaint in ended.err
    assert "secret" not in ended.err


def test_a_password_too_short_is_refused_without_showing_it(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(monkeypatch, b"tooshrt\n")
    ended = cli("user", "create", "ada", "--password-stdin")
    assert ended.code == ExitCode.REFUSED
    assert "8 to 256 characters" in ended.err
    assert "tooshrt" not in ended.err


def test_the_password_is_asked_for_twice_and_never_shown(cli: Cli, server: Server) -> None:
    assert cli("user", "list").code == ExitCode.DONE  # the environment is set
    with Terminal("user", "create", "ada") as terminal:
        terminal.answer("Password: ", PASSWORD)
        terminal.answer("Repeat for confirmation: ", "something else")
        terminal.answer("Password: ", PASSWORD)
        terminal.answer("Repeat for confirmation: ", PASSWORD)
        assert terminal.end() == ExitCode.DONE
    assert PASSWORD not in terminal.shown
    assert "something else" not in terminal.shown
    assert opens(server, "ada", PASSWORD)


def test_a_password_too_short_is_asked_for_again(cli: Cli, server: Server) -> None:
    assert cli("user", "list").code == ExitCode.DONE  # the environment is set
    for command in (("create", "ada"), ("edit", "ada", "--password")):
        with Terminal("user", *command) as terminal:
            terminal.answer("Password: ", "short")
            terminal.answer("Repeat for confirmation: ", "short")
            terminal.answer("8 to 256 characters; choose another one.\r\nPassword: ", PASSWORD)
            terminal.answer("Repeat for confirmation: ", PASSWORD)
            assert terminal.end() == ExitCode.DONE
        assert opens(server, "ada", PASSWORD)


def test_an_edit_of_a_disabled_user_names_what_enables(cli: Cli, admin: AdminClient) -> None:
    admin.create_user("ada")
    assert "--enable" not in cli("user", "edit", "ada", "--disable").err
    said = cli("user", "edit", "ada", "--email", "a@b.example").err
    assert "rollbook user edit ada --enable" in said
    assert "--enable" not in cli("user", "edit", "ada", "--enable").err


def test_a_list_has_a_line_for_each_user(cli: Cli, admin: AdminClient) -> None:
    assert "user create NAME" in cli("user", "list").err
    for name in ("bob", "Ada"):
        admin.create_user(name, display_name=f"{name}!", password=PASSWORD)
    head, _, *rows = cli("user", "list").out.splitlines()
    for title in ("User Name", "Display Name", "Email", "May sign in", "User ID"):
        assert title in head
    assert [row.split()[0] for row in rows] == ["Ada", "bob"]
    found = cli("user", "list", "--contains", "B", "--output", "json").document
    assert [one["user_name"] for one in found] == ["bob"]
    assert cli("user", "list", "--output", "json", "--contains", "x").document == []


@pytest.mark.parametrize("meant", ["ada", " ADA ", "id"])
def test_a_user_is_edited_by_id_or_name(cli: Cli, admin: AdminClient, meant: str) -> None:
    made = admin.create_user("Ada", email="ada@example.com", password=PASSWORD)
    admin.create_user("Ada Lovelace")
    wanted = made.user_id if meant == "id" else meant
    options = ("--name", "countess", "--display-name", "Ada L.", "--email", "", "--disable")
    changed = cli("user", "edit", wanted, *options, "--output", "json").document
    assert changed["user_id"] == made.user_id
    assert [changed[name] for name in ("user_name", "display_name", "email", "disabled")] == [
        "countess", "Ada L.", "", True,
    ]  # fmt: skip
    shown = cli("user", "edit", "countess", "--enable").out
    assert "May sign in" in shown


def test_a_new_password_is_set_from_stdin_or_a_terminal(
    cli: Cli, server: Server, admin: AdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin.create_user("ada")
    pipe(monkeypatch, PASSWORD.encode())
    assert cli("user", "edit", "ada", "--password-stdin").code == ExitCode.DONE
    assert opens(server, "ada", PASSWORD)
    with Terminal("user", "edit", "ada", "--password") as terminal:
        terminal.answer("Password: ", "battery staple")
        terminal.answer("Repeat for confirmation: ", "battery staple")
        assert terminal.end() == ExitCode.DONE
    assert opens(server, "ada", "battery staple")
    ended = cli("user", "edit", "ada", "--password")
    assert ended.code == ExitCode.USAGE
    assert "--password-stdin" in ended.err


def test_a_change_of_nothing_is_a_mistake_of_usage(cli: Cli) -> None:
    ended = cli("user", "edit", "ada")
    assert ended.code == ExitCode.USAGE
    assert "Nothing to change" in ended.err


def test_a_bad_address_is_named_by_its_option(cli: Cli) -> None:
    ended = cli("user", "create", "ada", "--email", "ada")
    assert ended.code == ExitCode.REFUSED
    assert "Error: --email: is no address" in ended.err


@pytest.mark.parametrize("command", [("edit", "--enable"), ("delete", "--yes")])
@pytest.mark.parametrize("meant", ["nobody", "Ad", "usr-0000000000000000", "x" * 300, ""])
def test_an_unknown_user_is_not_found(
    cli: Cli, admin: AdminClient, command: tuple[str, str], meant: str
) -> None:
    admin.create_user("Ada")
    name, option = command
    ended = cli("user", name, meant, option, "--output", "json")
    assert (ended.code, ended.error["reason"]) == (ExitCode.REFUSED, "USER_NOT_FOUND")
    assert "user list" in ended.error["next_step"]


def test_deleting_asks_first(cli: Cli, admin: AdminClient) -> None:
    admin.create_user("ada")
    ended = cli("user", "delete", "ada")
    assert ended.code == ExitCode.USAGE
    assert "--yes" in ended.err
    with Terminal("user", "delete", "ada") as terminal:
        terminal.answer("[y/N]: ", "n")
        assert terminal.end() == ExitCode.REFUSED
    assert len(list(admin.list_users())) == 1
    with Terminal("user", "delete", "ada") as terminal:
        terminal.answer("User 'ada' goes", "y")
        assert terminal.end() == ExitCode.DONE
    assert list(admin.list_users()) == []


def test_deleting_can_be_told_beforehand(cli: Cli, admin: AdminClient) -> None:
    made = admin.create_user("ada")
    ended = cli("user", "delete", "ada", "--yes", "--output", "json")
    assert (ended.code, ended.document) == (ExitCode.DONE, {"user_id": made.user_id})


def test_a_name_like_an_id_is_found_as_well(admin: AdminClient) -> None:
    first = admin.create_user("usr-like")
    second = admin.create_user(first.user_id)
    assert find_user(admin, "usr-like") == first
    assert find_user(admin, first.user_id) == first
    assert find_user(admin, second.user_id) == second


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_profile_is_created_for_a_user_by_id_or_name(
    cli: Cli, admin: AdminClient, by: str
) -> None:
    made = admin.create_user("Ada")
    wanted = "ADA" if by == "name" else made.user_id
    shown = cli("profile", "create", "Depot", "--user", wanted, "--output", "json").document
    assert (shown["user_id"], shown["user_name"]) == (made.user_id, "Ada")
    ended = cli("profile", "create", "Other", "--user", "nobody", "--output", "json")
    assert (ended.code, ended.error["reason"]) == (ExitCode.REFUSED, "USER_NOT_FOUND")


def test_the_agent_needs_no_key(server: Server) -> None:
    with EnrollmentAgent(server.address) as agent:
        answer = agent.sign_in_device(user_name="ada", password=PASSWORD, imeis=[IMEI])
    assert answer.outcome is EnrollOutcome.NOT_REGISTERED


@pytest.mark.parametrize("command", [("user", "create"), ("user", "delete", "--yes")])
def test_a_name_that_is_not_utf_8_is_a_mistake_of_usage(cli: Cli, command: tuple[str]) -> None:
    ended = cli(*command, "a\udcff", "--output", "json")
    assert (ended.code, ended.error["reason"]) == (ExitCode.USAGE, "COMMAND_LINE_INVALID")
