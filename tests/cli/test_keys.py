"""`rollbook key`, and what commands say to somebody whose key does not open them."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from cli.terminal import Terminal
from rollbook import AdminClient, Right, Role
from rollbook.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from cli.ended import Cli
    from running import Server


def keys(admin: AdminClient) -> list[str]:
    return [key.display_name for key in admin.list_api_keys()]


def test_a_new_key_is_shown_alone_and_opens_what_its_role_opens(
    cli: Cli, depot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = cli("key", "create", "Nightly", "--role", "viewer")
    assert ended.code == ExitCode.DONE
    assert ended.out.startswith("rbk_")
    assert ended.out.strip() not in ended.err
    assert "the only time" in ended.err

    monkeypatch.setenv("ROLLBOOK_API_KEY", ended.out.strip())
    assert depot in cli("profile", "list", "--output", "json").out
    refused = cli("profile", "create", "Other")
    assert refused.code == ExitCode.REFUSED
    assert "needs the right CREATE" in refused.err
    assert "rollbook key create NAME --right create" in refused.err


def test_a_key_in_a_file_is_its_owners_alone_and_is_not_shown(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "nightly.key"
    ended = cli("key", "create", "Nightly", "--role", "operator", "--out", file)
    assert ended.code == ExitCode.DONE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().strip() not in ended.out + ended.err
    assert "operator" in ended.out
    assert cli("--api-key-file", file, "profile", "list").code == ExitCode.DONE
    assert cli("--api-key-file", file, "key", "list").code == ExitCode.REFUSED


def test_a_file_that_cannot_be_written_makes_no_key(
    cli: Cli, admin: AdminClient, tmp_path: Path
) -> None:
    (tmp_path / "taken").touch()
    for out in (tmp_path / "taken", tmp_path / "no" / "such"):
        ended = cli("key", "create", "Nightly", "--role", "viewer", "--out", out)
        assert ended.code == ExitCode.REFUSED
    assert keys(admin) == ["admin.key"]


def test_a_key_that_is_refused_leaves_no_file(cli: Cli, tmp_path: Path) -> None:
    ended = cli("key", "create", " ", "--role", "viewer", "--out", tmp_path / "a.key")
    assert ended.code == ExitCode.REFUSED
    assert "NAME: is empty" in ended.err
    assert [path.name for path in tmp_path.glob("*.key")] == []


def test_json_has_the_value_or_the_file(cli: Cli, tmp_path: Path) -> None:
    make = ("key", "create", "Nightly", "--right", "view", "--right", "create", "--output", "json")
    shown = cli(*make).document
    assert shown["value"].startswith("rbk_")
    assert shown["api_key"]["rights"] == ["CREATE", "VIEW"]
    assert shown["api_key"]["role"] == "UNSPECIFIED"
    kept = cli(*make, "--out", tmp_path / "a.key").document
    assert [*kept] == ["api_key", "file"]


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--role", "viewer", "--right", "view"),
        ("--role", "king"),
        ("--right", "unspecified"),
        ("--role", "viewer", "--expires-in", "0"),
        ("--role", "viewer", "--expires-in", "99999999999"),
        ("--role", "viewer", "--expires", "soon"),
        ("--role", "viewer", "--expires", "0001-01-01"),
        ("--role", "viewer", "--expires-in", "1", "--expires", "2099-01-01"),
    ],
)
def test_options_that_cannot_be_meant_make_no_key(
    cli: Cli, admin: AdminClient, options: tuple[str, ...]
) -> None:
    assert cli("key", "create", "Nightly", *options).code == ExitCode.USAGE
    assert keys(admin) == ["admin.key"]


def test_an_expiry_is_a_number_of_days_or_a_date(cli: Cli, admin: AdminClient) -> None:
    expiries = ("--expires-in 30", "--expires 2099-01-02", "--expires 2099-01-02T03:04+02:00")
    before = datetime.now(UTC)
    for expiry in expiries:
        created = cli("key", "create", f"Key {expiry}", "--role", "viewer", *expiry.split())
        assert created.code == ExitCode.DONE
    found = {key.display_name: key.expire_time for key in admin.list_api_keys()}
    in_days, on_day, at_time = (found[f"Key {expiry}"] for expiry in expiries)
    assert in_days is not None
    assert before <= in_days - timedelta(days=30) <= datetime.now(UTC)
    assert on_day == datetime(2099, 1, 2).astimezone()  # as the day begins here
    assert at_time == datetime(2099, 1, 2, 1, 4, tzinfo=UTC)


def test_a_date_that_has_passed_is_told_with_its_option(cli: Cli) -> None:
    ended = cli("key", "create", "Key", "--role", "viewer", "--expires", "2020-01-01")
    assert (ended.code, ended.out) == (ExitCode.REFUSED, "")
    assert "--expires: has passed already" in ended.err


def test_a_list_tells_what_every_key_may_do_and_whether_it_works(
    cli: Cli, admin: AdminClient, server: Server
) -> None:
    server.clock.turn(seconds=1)
    gone = admin.create_api_key("Gone", role=Role.OPERATOR)
    admin.revoke_api_key(gone.api_key.api_key_id)
    server.clock.turn(seconds=1)
    soon = server.clock() + timedelta(hours=1)  # which has passed where the command runs
    admin.create_api_key("Late", rights=[Right.VIEW, Right.REVEAL_TOKEN], expire_time=soon)
    lines = cli("key", "list").out.splitlines()[2:]
    assert [line.split()[0] for line in lines] == ["admin.key", "Gone", "Late"]
    for line, told in zip(
        lines,
        ["administrator  Active   never", "operator ", "view, reveal-token  Expired"],
        strict=True,
    ):
        assert " ".join(told.split()) in " ".join(line.split())
    assert "Revoked" in lines[1]
    assert lines[0].endswith(" admin")


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_key_is_revoked_by_its_name_or_id(cli: Cli, admin: AdminClient, by: str) -> None:
    made = admin.create_api_key("Nightly", role=Role.VIEWER).api_key
    named = made.api_key_id if by == "id" else "nightly"
    asked = cli("key", "revoke", named)
    assert asked.code == ExitCode.USAGE
    assert "API key Nightly (never used) is refused from now on." in asked.err

    ended = cli("key", "revoke", named, "--yes", "--output", "json")
    assert (ended.code, ended.document["api_key_id"]) == (ExitCode.DONE, made.api_key_id)
    assert list(admin.list_api_keys())[1].revoke_time is not None
    assert cli("key", "revoke", named, "--yes").code == ExitCode.DONE  # which changes nothing


def test_a_person_may_think_better_of_it(cli: Cli, admin: AdminClient) -> None:
    admin.create_api_key("Nightly", role=Role.VIEWER)
    assert cli("key", "list").code == ExitCode.DONE  # the environment is set
    with Terminal("key", "revoke", "Nightly") as terminal:
        terminal.answer("Go on?", "n")
        assert terminal.end() == ExitCode.REFUSED
    assert list(admin.list_api_keys())[1].revoke_time is None


def test_of_several_keys_with_a_name_the_one_that_works_is_meant(
    cli: Cli, admin: AdminClient
) -> None:
    first, second = (admin.create_api_key("Nightly", role=Role.VIEWER).api_key for _ in "12")
    ended = cli("key", "revoke", "Nightly", "--yes", "--output", "json")
    assert (ended.code, ended.error["reason"]) == (ExitCode.REFUSED, "API_KEY_AMBIGUOUS")
    for key in (first, second):
        assert key.api_key_id in ended.error["message"]
    cli("key", "revoke", first.api_key_id, "--yes")
    revoked = cli("key", "revoke", "Nightly", "--yes", "--output", "json").document
    assert revoked["api_key_id"] == second.api_key_id


def test_a_key_that_is_not_there_leads_to_the_list(cli: Cli) -> None:
    ended = cli("key", "revoke", "Nobody", "--yes")
    assert ended.code == ExitCode.REFUSED
    assert "The API keys of this server: rollbook key list" in ended.err


def test_the_key_of_the_server_says_how_it_is_replaced(cli: Cli) -> None:
    ended = cli("key", "revoke", "admin", "--yes")
    assert ended.code == ExitCode.REFUSED
    assert "remove that file" in ended.err


@pytest.mark.parametrize("how", ["expired", "revoked"])
def test_a_key_that_ended_is_told_as_such(
    cli: Cli, admin: AdminClient, server: Server, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    end = server.clock() + timedelta(days=1)
    made = admin.create_api_key("Key", role=Role.VIEWER, expire_time=end)
    if how == "expired":
        server.clock.now = end
    else:
        admin.revoke_api_key(made.api_key.api_key_id)
    monkeypatch.setenv("ROLLBOOK_API_KEY", made.value)
    ended = cli("profile", "list")
    assert ended.code == ExitCode.REFUSED
    assert how in ended.err
    assert "--api-key-file" in ended.err


@pytest.mark.usefixtures("depot")
def test_qr_codes_are_a_next_step_for_whom_they_are(
    cli: Cli, admin: AdminClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "devices.csv"
    file.write_text("IMEI\n356938035643809\n")
    commands = (
        ("upload", "Depot", file),
        ("token", "refresh", "Depot", "--yes"),
        ("profile", "configure", "Depot", "--set", "vendor_keys.site=1"),
    )
    rights = [Right.CREATE, Right.UPDATE, Right.VIEW]
    for held, leads_on in ((rights, False), ([*rights, Right.REVEAL_TOKEN], True)):
        monkeypatch.setenv("ROLLBOOK_API_KEY", admin.create_api_key("Key", rights=held).value)
        for command in commands:
            ended = cli(*command)
            assert ended.code == ExitCode.DONE, ended.err
            assert ("rollbook qr Depot" in ended.err) == leads_on, command
    told = [event.reason for event in admin.list_audit_events()]
    assert "RIGHT_MISSING" not in told, "nothing was tried that is refused"


def test_who_lacks_a_right_is_told_a_command_without_the_own_key(
    cli: Cli, admin: AdminClient, tmp_path: Path
) -> None:
    file = tmp_path / "viewer.key"
    file.write_text(admin.create_api_key("Viewer", rights=[Right.VIEW]).value)
    ended = cli("--api-key-file", file, "profile", "create", "Depot")
    assert ended.code == ExitCode.REFUSED
    assert "makes one: rollbook key create NAME --right create\n" in ended.err


def test_who_may_not_view_is_told_what_names_the_new_thing(
    cli: Cli, admin: AdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = cli("key", "create", "Importer", "--right", "create").out.strip()
    monkeypatch.setenv("ROLLBOOK_API_KEY", made)
    ended = cli("profile", "create", "Depot", "--tokenless")
    (profile,) = admin.list_profiles()
    assert ended.code == ExitCode.DONE
    assert [line.split("  ")[0] for line in ended.out.splitlines()] == ["Profile ID", "Created"]
    assert profile.profile_id in ended.out
    assert "Next:" not in ended.err

    ended = cli("user", "create", "ada", "--no-password")
    (user,) = admin.list_users()
    assert ended.code == ExitCode.DONE
    assert user.user_id in ended.out
    told = cli("profile", "create", "Other", "--output", "json").document
    assert (told["name"], told["origin"], bool(told["profile_id"])) == ("", "UNSPECIFIED", True)
