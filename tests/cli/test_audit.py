"""`rollbook audit`: what was done, and whether the log of it is unbroken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rollbook.cli.exit_codes import ExitCode
from rollbook_server.storage.audit import GatheredAudit

if TYPE_CHECKING:
    from cli.ended import Cli
    from running import Server


def test_without_a_word_it_shows_the_newest(cli: Cli, depot: str) -> None:
    cli("token", "reveal", "Depot")
    ended = cli("audit")
    assert ended.code == 0
    newest, older = (ended.out.index(action) for action in ("RevealToken", "CreateProfile"))
    assert newest < older
    assert depot in ended.out


def test_events_are_looked_for_by_what_they_were_about(cli: Cli, depot: str) -> None:
    cli("token", "reveal", "Depot")
    cli("user", "create", "ada", "--no-password")
    for options, expected in (
        (("--profile", "Depot"), ["RevealToken", "CreateProfile"]),
        (("--profile", depot, "--action", "CreateProfile"), ["CreateProfile"]),
        (("--limit", "1"), ["CreateUser"]),
        (("--all", "--since", "2000-01-01"), ["CreateUser", "RevealToken", "CreateProfile"]),
        (("--until", "2000-01-01T00:00Z"), []),
        (("--reason", "TOKEN_EXPIRED"), []),
    ):
        ended = cli("audit", "list", *options, "--output", "json")
        assert [event["action"] for event in ended.document] == expected, options


def test_a_list_that_may_go_on_says_so_and_an_empty_one_too(cli: Cli, depot: str) -> None:
    assert "--all" in cli("audit", "list", "--limit", "1").err
    assert cli("audit", "list", "--device", depot).err == "No event fits.\n"


def test_a_deleted_profile_is_found_by_its_id(cli: Cli, depot: str) -> None:
    cli("profile", "delete", "Depot", "--yes")
    ended = cli("audit", "list", "--profile", depot, "--output", "json")
    assert ended.document[0]["details"] == {"device_count": "0", "name": "Depot"}
    assert cli("audit", "list", "--profile", "Depot").code == ExitCode.REFUSED


@pytest.mark.parametrize("options", [
    ("list", "--since", "yesterday"), ("list", "--limit", "0"), ("verify", "--anchor", "17"),
    ("verify", "--anchor", "0:" + "1" * 64), ("verify", "--anchor", f"{2**63}:" + "0" * 64),
    ("verify", "--recompute", "--anchor", "1:" + "0" * 64),
])  # fmt: skip
def test_what_cannot_be_meant_is_a_mistake_of_usage(alone: Cli, options: tuple[str, ...]) -> None:
    assert alone("audit", *options).code == ExitCode.USAGE


def test_times_the_wrong_way_round_are_told_as_options(cli: Cli) -> None:
    ended = cli("audit", "list", "--since", "2026-01-02", "--until", "2026-01-01")
    assert ended.code == ExitCode.REFUSED
    assert "--until: is before" in ended.err


@pytest.mark.usefixtures("depot")
def test_an_unbroken_log_gives_an_anchor_that_holds(cli: Cli) -> None:
    ended = cli("audit", "verify")
    assert ended.code == 0
    anchor = ended.out.split()[-1]
    assert anchor.startswith("1:")
    assert cli("audit", "verify", "--output", "json").document["anchor"] == anchor
    cli("profile", "create", "Other")
    assert cli("audit", "verify", "--anchor", anchor).code == 0
    assert cli("audit", "verify", "--recompute").code == 0
    other = cli("audit", "verify", "--anchor", "1:" + "0" * 64)
    assert other.code == ExitCode.BROKEN
    assert "event 1 is not the one that --anchor names, or that the server wrote" in other.err


def test_so_does_a_log_in_which_nothing_is_yet(cli: Cli, server: Server) -> None:
    ended = cli("audit", "verify")
    empty = ended.out.split()[-1]
    assert empty == "0:" + "0" * 64
    cli("profile", "create", "First")
    assert cli("audit", "verify", "--anchor", empty).code == 0
    with server.admin() as admin:
        check = admin.verify_audit_log(anchor_sequence=0, anchor_digest=bytes(32))
    assert (check.checked_count, check.first_break) == (1, None)


def test_a_check_tells_how_far_it_is(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(8):
        cli("profile", "create", f"Depot {number}")
    monkeypatch.setattr("rollbook_server.domain.audit_checks.PIECE", 1)
    assert cli("audit", "verify").err.splitlines() == [
        "Checking the audit log: 25 %, 2 events",
        "Checking the audit log: 50 %, 4 events",
        "Checking the audit log: 75 %, 6 events",
    ]
    assert cli("audit", "verify", "--output", "json").err == ""


@pytest.mark.sqlite_only  # PostgreSQL has nothing but numbers there
@pytest.mark.usefixtures("depot")
def test_a_newest_event_that_no_list_can_have_is_named(cli: Cli, server: Server) -> None:
    (newest, *_) = cli("audit", "list", "--output", "json").document
    change = "UPDATE audit_events SET event_time = 'x' WHERE sequence = ?"

    def tamper(roll: object) -> None:
        log = roll.audit  # type: ignore[attr-defined]
        log._database.execute_sql(change, (newest["sequence"],))

    server.app._store.write(tamper)
    ended = cli("audit", "verify")
    assert ended.code == ExitCode.BROKEN
    assert f"event {newest['sequence']} was changed, moved or put in" in ended.err


@pytest.mark.usefixtures("depot")
def test_a_broken_log_is_told_with_its_first_broken_event(cli: Cli, server: Server) -> None:
    cli("profile", "create", "Other")

    def tamper(roll: object) -> None:
        log = roll.audit  # type: ignore[attr-defined]
        assert isinstance(log, GatheredAudit)
        log._database.execute_sql("UPDATE audit_events SET source = 'x' WHERE sequence = 2")

    server.app._store.write(tamper)
    for options in ((), ("--recompute",)):
        ended = cli("audit", "verify", *options)
        assert ended.code == ExitCode.BROKEN
        assert "event 2 was changed, moved or put in" in ended.err
        told = cli("audit", "verify", *options, "--output", "json")
        assert told.code == ExitCode.BROKEN
        assert told.document["first_break"] == {"sequence": 2, "fault": "EVENT_CHANGED"}
        assert told.document["checked_count"] == 1
