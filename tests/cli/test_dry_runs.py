"""`--dry-run`: what would be lost is told, and nothing is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.commands import every_command
from rollbook import DeviceRow, OnConflict, Right
from rollbook.cli.exit_codes import ExitCode
from uploads.wire import imei

if TYPE_CHECKING:
    from pathlib import Path

    from cli.ended import Cli
    from rollbook import AdminClient
    from running import Server

SETTING = "--set system_extras.locale=de_DE --unset vendor_keys.old"
# What a dry run says, and what its document says that the deed's would say.
DESTRUCTIVE: dict[str, tuple[str, dict[str, Any]]] = {
    "profile delete Depot": (
        "Would delete Depot with 3 devices (1 registered, 2 pending), 1 upload and its token.",
        {"deleted_device_count": 3},
    ),
    "discard {upload}": (
        "2 devices would be removed; 1 registered device would stay.",
        {"removed_count": 2, "kept_count": 1},
    ),
    "device delete {device}": ("Would delete 1 device: {device}", {"deleted_count": 1}),
    "user delete ada": (
        "Would delete the user ada; 1 profile with 3 devices would be given to none.",
        {"profile_count": 1, "device_count": 3},
    ),
    "token refresh Depot": ("would end at once, and a new one", {"state": "ACTIVE"}),
    "token revoke Depot": ("(active, 1 use) and its QR codes would end at once.", {"use_count": 1}),
    "token revoke-all": ("Would revoke 2 tokens", {"revoked_count": 2}),
    "key revoke Import": ("Would revoke the API key Import (never used).", {"revoke_time": None}),
    f"profile configure Depot {SETTING}": (
        "Would be set: system_extras.locale\nWould be taken away: vendor_keys.old",
        {"warnings": []},
    ),
}


@pytest.fixture
def full(admin: AdminClient, depot: str, cli: Cli) -> dict[str, str]:
    """Fill the server with one of everything that can be lost; gives the ids."""
    rows = [DeviceRow(imei=imei(number)) for number in (1, 2, 3)]
    upload = admin.upload_rows(depot, rows)
    cli("enroll", "--token", admin.reveal_token(depot), "--imei", imei(1))
    admin.assign_user(depot, admin.create_user("ada").user_id)
    cli("profile", "configure", "Depot", "--set", "vendor_keys.old=1")
    cli("profile", "create", "Other")
    cli("profile", "create", "Open", "--tokenless")
    admin.create_api_key("Import", rights=[Right.VIEW])
    device = next(iter(admin.list_devices(depot))).device_id
    return {"upload": upload.upload_id, "device": device}


def state(admin: AdminClient) -> list[object]:
    """Give all that a command could have changed, and how much was done so far."""
    profiles = list(admin.list_profiles())
    return [
        profiles,
        [admin.get_profile_with_token(one.profile_id) for one in profiles],
        [list(admin.list_uploads(one.profile_id)) for one in profiles],
        list(admin.list_devices()),
        list(admin.list_users()),
        [(key.api_key_id, key.revoke_time) for key in admin.list_api_keys()],
        [event.sequence for event in admin.list_audit_events()],
    ]


@pytest.mark.parametrize("command", DESTRUCTIVE)
def test_a_dry_run_tells_what_would_go_and_changes_nothing(
    cli: Cli, admin: AdminClient, full: dict[str, str], command: str
) -> None:
    before = state(admin)
    words = command.format(**full).split()
    told, documented = DESTRUCTIVE[command]
    ended = cli(*words, "--dry-run")
    assert ended.code == ExitCode.DONE
    assert told.format(**full) in ended.out
    assert ended.out.endswith("This is a dry run: nothing was changed.\n")
    document = cli(*words, "--dry-run", "--output", "json").document
    assert {**documented, "dry_run": True}.items() <= document.items()
    assert state(admin) == before


def test_what_can_be_confirmed_can_be_tried() -> None:
    confirmed = {
        name: [word for option in command.params for word in option.opts]
        for name, command in every_command().items()
        if any("--yes" in option.opts for option in command.params)
    }
    assert [name for name, options in confirmed.items() if "--dry-run" not in options] == []
    # These have summaries of their own, and tests of them elsewhere.
    others = {"upload", "restore"}
    tried = others | {name for name in confirmed for each in DESTRUCTIVE if name in each}
    assert tried >= {*confirmed}


def test_the_counts_are_those_of_the_deed(cli: Cli, full: dict[str, str]) -> None:
    names = ("removed_count", "kept_count")
    tried = cli("discard", full["upload"], "--dry-run", "--output", "json").document
    done = cli("discard", full["upload"], "--yes", "--output", "json").document
    assert [tried[name] for name in names] == [done[name] for name in names] == [2, 1]
    again = cli("discard", full["upload"], "--dry-run", "--output", "json").document
    assert again["removed_count"] == 0


def test_devices_that_an_upload_only_changed_do_not_go_with_it(
    cli: Cli, server: Server, admin: AdminClient, depot: str
) -> None:
    admin.upload_rows(depot, [DeviceRow(imei=imei(1))])
    server.clock.turn(seconds=1)
    second = admin.upload_rows(
        depot,
        [DeviceRow(imei=imei(number), attributes={"a": "b"}) for number in (1, 2)],
        on_conflict=OnConflict.UPDATE,
    ).upload_id
    tried = cli("discard", second, "--dry-run", "--output", "json").document
    done = cli("discard", second, "--yes", "--output", "json").document
    assert tried["removed_count"] == done["removed_count"] == 1


def test_a_configuration_is_tried_without_losing_a_secret(
    cli: Cli, depot: str, tmp_path: Path
) -> None:
    secret = "system_extras.wifi_password=canary-of-the-depot"
    cli("profile", "configure", depot, "--set", "system_extras.wifi_ssid=D", "--set", secret)
    file = tmp_path / "all.json"
    file.write_text(json.dumps({"vendor_keys": {"a": 1}}))
    ended = cli("profile", "configure", depot, "--file", file, "--dry-run")
    assert ended.code == ExitCode.DONE
    assert "Would be taken away: system_extras.wifi_ssid, system_extras.wifi_password" in ended.out
    assert "canary" not in ended.out + ended.err
    assert "wifi_password" in cli("profile", "configure", depot).out


def test_an_upload_in_place_of_another_leads_to_its_dry_run(
    cli: Cli, full: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f"imei\n{imei(9)}\n")
    ended = cli("upload", "Depot", file, "--replace", full["upload"], "--dry-run")
    assert ended.code == ExitCode.USAGE
    assert "rollbook discard UPLOAD --dry-run" in " ".join(ended.err.split())


def test_what_a_server_would_refuse_is_refused(cli: Cli) -> None:
    tried, done = (cli("key", "revoke", "admin", "--output", "json", how) for how in HOW)
    assert tried.code == done.code == ExitCode.REFUSED
    assert tried.error["reason"] == done.error["reason"] == "ADMIN_KEY_NOT_REVOCABLE"
    cli("profile", "create", "Open", "--tokenless")
    tried, done = (cli("token", "revoke", "Open", "--output", "json", how) for how in HOW)
    assert tried.error["reason"] == done.error["reason"] == "PROFILE_IS_TOKENLESS"


HOW = ("--dry-run", "--yes")
