"""`rollbook token refresh`, `extend` and `revoke`, and the payload of `rollbook qr`."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from threading import Event
from typing import TYPE_CHECKING

import pytest

from cli.terminal import Terminal
from rollbook import DeviceRow, SealingKeyRotation, TokenState
from rollbook.cli.exit_codes import ExitCode
from rollbook.cli.progress import _Lines
from rollbook.cli.sealing_keys import told
from rollbook_server.storage.tokens import StoredTokens
from tokens.sealed import LONG_SECONDS, fill_disk, key_ids

if TYPE_CHECKING:
    from pathlib import Path

    from cli.ended import Cli
    from rollbook import AdminClient
    from running import Server

IMEI = "356938035643809"


def test_refresh_ends_the_old_token_and_names_the_new_code(
    cli: Cli, depot: str, admin: AdminClient
) -> None:
    admin.upload_rows(depot, [DeviceRow(imei=IMEI)])
    old = admin.reveal_token(depot)
    ended = cli("token", "refresh", "Depot", "--yes")

    assert ended.code == ExitCode.DONE
    assert admin.get_token(depot).obfuscated_value in ended.out
    assert "Next: rollbook qr Depot" in ended.err
    assert cli("enroll", "--token", old, "--imei", IMEI).code == ExitCode.SIGN_IN_REQUIRED
    new = admin.reveal_token(depot)
    assert cli("enroll", "--token", new, "--imei", IMEI).code == ExitCode.DONE


def test_refresh_lets_the_old_token_work_for_its_overlap(
    cli: Cli, depot: str, admin: AdminClient, server: Server
) -> None:
    admin.upload_rows(depot, [DeviceRow(imei=IMEI)])
    presented = ("--token", admin.reveal_token(depot), "--imei", IMEI)
    cli("token", "refresh", "Depot", "--yes", "--overlap", "1.5")
    server.clock.turn(minutes=89)
    assert cli("enroll", *presented).code == ExitCode.DONE
    server.clock.turn(minutes=1)
    assert cli("enroll", *presented).code == ExitCode.SIGN_IN_REQUIRED


@pytest.mark.parametrize("hours", ["-1", "24.1", "nan", "inf", "1e300", "soon"])
def test_an_overlap_is_0_to_24_hours(cli: Cli, depot: str, admin: AdminClient, hours: str) -> None:
    before = admin.get_token(depot)
    ended = cli("token", "refresh", "Depot", "--yes", "--overlap", hours)
    assert (ended.code, admin.get_token(depot)) == (ExitCode.USAGE, before)


@pytest.mark.parametrize("command", ["refresh", "revoke"])
@pytest.mark.usefixtures("cli")  # for its environment
def test_what_voids_codes_asks_first(depot: str, admin: AdminClient, command: str) -> None:
    before = admin.get_token(depot)
    with Terminal("token", command, "Depot") as terminal:
        terminal.answer("Go on? [y/N]: ", "n")
        assert (terminal.end(), admin.get_token(depot)) == (ExitCode.REFUSED, before)
        assert "Nothing was changed." in terminal.shown
    with Terminal("token", command, "Depot") as terminal:
        terminal.answer("Go on? [y/N]: ", "y")
        assert terminal.end() == ExitCode.DONE
    assert admin.get_token(depot) != before


@pytest.mark.parametrize("command", ["refresh", "revoke"])
def test_without_a_terminal_yes_must_be_said(
    cli: Cli, depot: str, admin: AdminClient, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    before = admin.get_token(depot)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    ended = cli("token", command, "Depot")
    assert (ended.code, admin.get_token(depot)) == (ExitCode.USAGE, before)
    assert "--yes" in ended.err


def test_extend_prints_the_new_expiry(
    cli: Cli, depot: str, admin: AdminClient, server: Server
) -> None:
    ended = cli("token", "extend", "Depot", "--days", "20", "--output", "json")
    expiry = admin.get_token(depot).expire_time
    assert expiry == server.clock.now + timedelta(days=20)
    assert ended.document["expire_time"] == expiry.isoformat().replace("+00:00", "Z")
    assert expiry.astimezone().strftime("%Y-%m-%d") in (
        cli("token", "extend", "Depot", "--days", "7").out
    )


@pytest.mark.usefixtures("depot")
def test_extend_says_that_nothing_changed(cli: Cli) -> None:
    assert "Nothing changed" not in cli("token", "extend", "Depot", "--days", "20").err
    assert "Nothing changed: it lives longer than 19 days" in (
        cli("token", "extend", "Depot", "--days", "19").err
    )
    assert "0 days would change nothing" in cli("token", "extend", "Depot", "--days", "0").err


@pytest.mark.parametrize(("days", "reason"), [
    ("0", "MISSING"), ("-1", "NEGATIVE"), ("6", "TOO_FEW"), ("100", "TOO_MANY"),
    ("9" * 30, "TOO_MANY"), ("-" + "9" * 30, "NEGATIVE"),
])  # fmt: skip
@pytest.mark.usefixtures("depot")
def test_days_out_of_bounds_are_refused_by_the_server(cli: Cli, days: str, reason: str) -> None:
    ended = cli("token", "extend", "Depot", "--days", days, "--output", "json")
    assert (ended.code, ended.error["reason"]) == (ExitCode.REFUSED, f"TOKEN_DAYS_{reason}")
    assert "7 to 99" in ended.error["message"]
    assert "--days" in ended.error["next_step"]


def test_a_revoked_token_needs_a_refresh(cli: Cli, depot: str, admin: AdminClient) -> None:
    assert "token refresh Depot" in cli("token", "revoke", "Depot", "--yes").err
    assert admin.get_token(depot).state is TokenState.REVOKED
    for refused in (("token", "extend", "Depot", "--days", "7"), ("qr", "Depot")):
        ended = cli(*refused)
        assert ended.code == ExitCode.REFUSED
        assert f"rollbook token refresh {depot}" in ended.err
    assert "token extend" not in cli("profile", "show", "Depot").err


@pytest.mark.parametrize("words", [
    ("refresh", "--yes"), ("extend", "--days", "7"), ("revoke", "--yes"), ("show",), ("reveal",)
])  # fmt: skip
def test_a_tokenless_profile_has_no_token_to_change(
    cli: Cli, admin: AdminClient, words: tuple[str, ...]
) -> None:
    admin.create_profile("Open", tokenless=True)
    ended = cli("token", words[0], "Open", *words[1:], "--output", "json")
    assert (ended.code, ended.error["reason"]) == (ExitCode.REFUSED, "PROFILE_IS_TOKENLESS")


def test_show_says_how_to_refresh_and_extend(cli: Cli, depot: str, admin: AdminClient) -> None:
    said = cli("profile", "show", depot).err
    assert "rollbook token refresh Depot" in said
    assert "rollbook token extend Depot --days N" in said
    admin.create_profile("Open", tokenless=True)
    assert cli("profile", "show", "Open").err == ""


def test_the_payload_stands_alone_on_stdout(cli: Cli, depot: str, admin: AdminClient) -> None:
    printed = cli("qr", "Depot", "--payload").out
    assert json.loads(printed) == json.loads(admin.generate_qr_code(depot).payload)
    assert printed.count("\n") == 1


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
@pytest.mark.usefixtures("depot")
def test_the_payload_comes_beside_a_picture(cli: Cli, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"code.{suffix}"
    ended = cli("qr", "Depot", "--payload", "--scale", "3", "--out", out)
    assert out.stat().st_size > 0
    assert json.loads(ended.out)
    assert f"Wrote {out}" in ended.err


def test_all_tokens_are_revoked_after_a_question(cli: Cli, depot: str) -> None:
    assert depot
    refused = cli("token", "revoke-all")
    assert (refused.code, "add --yes" in refused.err) == (ExitCode.USAGE, True)
    assert cli("token", "show", "Depot", "--output", "json").document["state"] == "ACTIVE"

    ended = cli("token", "revoke-all", "--yes")
    assert "1 token revoked, none works any more." in ended.err
    assert "rollbook token refresh PROFILE" in ended.err
    assert cli("token", "show", "Depot", "--output", "json").document["state"] == "REVOKED"
    again = cli("token", "revoke-all", "--yes", "--output", "json")
    assert again.document == {"revoked_count": 0}


@pytest.mark.sqlite_only  # where other servers seal, it is refused
def test_a_new_sealing_key_changes_no_token(cli: Cli, depot: str, server: Server) -> None:
    assert depot
    value = cli("token", "reveal", "Depot").out
    ended = cli("key", "rotate-sealing")
    (key,) = json.loads((server.data_dir / "sealing.key").read_text())["sealing_keys"]
    assert f"Sealed anew with the key {key['key_id']}: 2 values." in ended.err
    assert "Copy the server's key file" in ended.err
    assert cli("token", "reveal", "Depot").out == value
    done = cli("key", "rotate-sealing", "--output", "json").document
    assert done.pop("key_id") != key["key_id"]
    counts = {"resealed_count": 2, "total_count": 2, "unreadable_count": 0}
    assert done == {**counts, "joined": False, "resumed": False}


@pytest.mark.sqlite_only
def test_a_rotation_that_broke_off_is_told_as_what_it_is(
    cli: Cli, depot: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert depot
    with monkeypatch.context() as patched:
        patched.setattr(StoredTokens, "reseal", fill_disk)
        assert "disk is full" in cli("key", "rotate-sealing").err
    newest = key_ids(server.data_dir)[-1]
    said = cli("key", "rotate-sealing").err
    assert "it went on, and no other key was made" in said
    assert f"with the key {newest}: 2 values since the rotation went on" in said
    assert "Nothing is left that an older key sealed" in said
    assert key_ids(server.data_dir) == [newest]


@pytest.mark.sqlite_only
def test_a_rotation_that_is_not_followed_to_its_end_is_told_how_it_goes_on(
    cli: Cli, depot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert depot
    monkeypatch.setattr("rollbook_server.transport.token_servicer.PIECE_SECONDS", 0)
    asked = Event()

    def fill_disk_then(*_: object) -> None:
        assert asked.wait(LONG_SECONDS)
        fill_disk()

    def note(*_: object) -> None:
        asked.set()

    monkeypatch.setattr(StoredTokens, "reseal", fill_disk_then)
    monkeypatch.setattr(_Lines, "step", note)
    ended = cli("key", "rotate-sealing")
    assert ended.code == ExitCode.REFUSED
    assert "The server seals on, or at its next start" in ended.err


@pytest.mark.sqlite_only
@pytest.mark.parametrize("columns", [60, 100])
def test_who_leaves_a_rotation_reads_how_it_goes_on_below_the_bar(
    depot: str, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    assert depot
    monkeypatch.setattr("rollbook_server.transport.token_servicer.PIECE_SECONDS", 0)
    is_over = Event()
    monkeypatch.setattr(StoredTokens, "reseal", lambda *_: is_over.wait(LONG_SECONDS))
    with Terminal("key", "rotate-sealing", kind="xterm-256color", columns=columns) as terminal:
        terminal.wait_for(lambda screen: "0 of 2" in screen or "0%" in screen)
        terminal.interrupt()
        assert terminal.end() == ExitCode.INTERRUPTED
        lines = terminal.screen.splitlines()
    is_over.set()
    assert lines[0].startswith("The server seals on"), lines
    assert not any("Sealing" in line for line in lines)


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        (SealingKeyRotation("01", 0, resumed=True), "nothing was left to do"),
        (SealingKeyRotation("01", 3, 4, unreadable_count=1), "1 value stayed as before"),
        (SealingKeyRotation("01", 3, 3), "with the key 01: 3 values."),
    ],
)
def test_what_was_sealed_anew_is_told_without_a_wrong_count(
    done: SealingKeyRotation, expected: str
) -> None:
    said = " ".join(told(done))
    assert expected in said
    assert "0 values" not in said
    assert ("Nothing is left" in said) == (not done.unreadable_count)
