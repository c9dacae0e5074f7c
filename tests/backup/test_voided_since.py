"""A restore brings back no token, API key or password that somebody voided since the backup."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from backup import programs
from rollbook import (
    AdminClient,
    DeviceRow,
    EnrollmentAgent,
    EnrollOutcome,
    Role,
    RollbookError,
    TokenState,
)
from rollbook_server.app import TOKEN_EPOCH_NAME
from rollbook_server.config import DATABASE_NAME
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from cli.ended import Cli, Ended
    from running import Server

pytestmark = pytest.mark.sqlite_only

WARNED = "THE DATABASE MAY BE AN OLDER ONE"
PASSWORDS = ("correct horse", "battery staple")
USERS = ("changed", "disabled", "deleted", "same")


class Roll:
    """A roll with secrets that are backed up, and then voided, each in a way of its own."""

    def __init__(
        self, server: Server, file: Path, command: Cli, users: Iterable[str] = USERS
    ) -> None:
        self.server, self.file, self._command = server, file, command
        self.tokens: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        with server.admin() as admin:
            for number, name in enumerate(("Refreshed", "Revoked", "Deleted", "Kept")):
                made = admin.create_profile(name)
                admin.create_devices(made.profile_id, [DeviceRow(imei(number))])
                self.tokens[name] = admin.reveal_token(made.profile_id)
            for name in ("Gone", "Stays"):
                made_key = admin.create_api_key(name, role=Role.VIEWER)
                self.keys[name] = made_key.value
            for name in users:
                admin.create_user(name, password=PASSWORDS[0])
            assert command("backup", file, "--data-dir", server.data_dir).code == 0

    def void(self) -> None:
        """Void all but what is kept."""
        with self.server.admin() as admin:
            profiles = {each.name: each.profile_id for each in admin.list_profiles()}
            admin.refresh_token(profiles["Refreshed"])
            admin.revoke_token(profiles["Revoked"])
            admin.delete_profile(profiles["Deleted"], force=True)
            keys = {each.display_name: each.api_key_id for each in admin.list_api_keys()}
            admin.revoke_api_key(keys["Gone"])
            users = {each.user_name: each.user_id for each in admin.list_users()}
            admin.update_user(users["changed"], password=PASSWORDS[1])
            admin.update_user(users["disabled"], disabled=True)
            admin.delete_user(users["deleted"])
        self.server.stop()

    def restore(self, *options: str, folder: Path | None = None) -> Ended:
        arguments = ("--data-dir", folder or self.server.data_dir, "--yes", *options)
        ended = self._command("restore", self.file, *arguments)
        assert ended.code == 0, ended.err
        return ended

    def works(self, server: Server) -> set[str]:
        """Give the names of all that opens something."""
        with server.agent() as agent:
            found = {
                name for number, name in enumerate(self.tokens) if self._enrolls(agent, number)
            }
            for password in PASSWORDS:
                for name in USERS:
                    answer = agent.sign_in_device(
                        user_name=name, password=password, imeis=[imei(3)]
                    )
                    if answer.outcome is EnrollOutcome.REGISTERED:
                        found.add(f"{name}, {password}")
        return found | {name for name, value in self.keys.items() if _lists(server, value)}

    def _enrolls(self, agent: EnrollmentAgent, number: int) -> bool:
        token = [*self.tokens.values()][number]
        answer = agent.enroll_device(token=token, imeis=[imei(number)])
        return answer.outcome is EnrollOutcome.REGISTERED


def _lists(server: Server, key: str) -> bool:
    with AdminClient(server.address, api_key=key) as admin:
        try:
            return bool(list(admin.list_profiles()))
        except RollbookError:
            return False


ALL = {
    *("Refreshed", "Revoked", "Deleted", "Kept", "Gone", "Stays"),
    *(f"{name}, {PASSWORDS[0]}" for name in USERS),
}
NOT_VOIDED = {"Kept", "Stays", f"same, {PASSWORDS[0]}", f"changed, {PASSWORDS[1]}"}


@pytest.fixture
def roll(server: Server, command: Cli, tmp_path: Path) -> Roll:
    return Roll(server, tmp_path / "b.db", command)


def test_all_of_it_works_at_the_time_of_the_backup(roll: Roll) -> None:
    assert roll.works(roll.server) == ALL


def test_what_was_voided_since_stays_void_and_is_told(
    roll: Roll, serve: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    roll.void()
    ended = roll.restore()
    assert (
        "kept void: 3 tokens ('Deleted', 'Refreshed', 'Revoked'), 1 API key ('Gone')" in ended.err
    )
    assert "3 users ('changed', 'deleted', 'disabled')" in ended.err
    assert "Warning" not in ended.err
    caplog.clear()
    again = serve()
    assert roll.works(again) == NOT_VOIDED
    with again.admin() as admin:
        assert {each.name for each in admin.list_profiles()} == set(roll.tokens)
        assert admin.verify_audit_log().first_break is None
        told = [event.action for event in admin.list_audit_events()]
        assert [told.count(name) for name in ("RestoreDatabase", "RevokeToken")] == [1, 3]
        assert [told.count(name) for name in ("RevokeApiKey", "UpdateUser")] == [1, 3]
    assert WARNED not in caplog.text


def test_tokens_that_have_expired_since_stay_void_as_well(
    server: Server, serve: Callable[..., Server], tmp_path: Path, command: Cli
) -> None:
    """Somebody may extend them."""
    server.clock.turn(days=-3_650)
    roll = Roll(server, tmp_path / "b.db", command)
    roll.void()
    assert "kept void: 3 tokens ('Deleted', 'Refreshed', 'Revoked')" in roll.restore().err
    again = serve()
    with again.admin() as admin:
        profiles = {each.name: each.profile_id for each in admin.list_profiles()}
        for name in ("Deleted", "Refreshed", "Revoked"):
            assert admin.get_token(profiles[name]).state is TokenState.REVOKED
            with pytest.raises(RollbookError, match="revoked"):
                admin.extend_token(profiles[name], 7)
        assert admin.extend_token(profiles["Kept"], 7).state is TokenState.ACTIVE
    assert roll.works(again) & {*roll.tokens} == {"Kept"}


def test_passwords_of_users_who_are_disabled_in_the_backup_stay_replaced(
    server: Server, serve: Callable[..., Server], tmp_path: Path, command: Cli
) -> None:
    """Somebody may enable them."""
    with server.admin() as admin:
        for name in ("changed", "deleted", "renamed"):
            made = admin.create_user(name, password=PASSWORDS[0])
            admin.update_user(made.user_id, disabled=True)
    roll = Roll(server, tmp_path / "b.db", command, users=())
    with server.admin() as admin:
        users = {each.user_name: each.user_id for each in admin.list_users()}
        admin.update_user(users["changed"], disabled=False, password=PASSWORDS[1])
        admin.update_user(users["renamed"], display_name="Another")
        admin.delete_user(users["deleted"])
    server.stop()
    assert "kept void: 1 user ('changed')" in roll.restore().err
    again = serve()
    with again.admin() as admin:
        found = {each.user_name: each for each in admin.list_users()}
        assert [found[name].disabled for name in sorted(found)] == [True, True, True]
        admin.update_user(found["changed"].user_id, disabled=False)
    assert roll.works(again) >= {f"changed, {PASSWORDS[1]}"}
    assert f"changed, {PASSWORDS[0]}" not in roll.works(again)


def test_a_backup_put_back_by_hand_afterwards_is_still_noticed(
    roll: Roll, serve: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    roll.void()
    roll.restore()
    (roll.server.data_dir / DATABASE_NAME).write_bytes(roll.file.read_bytes())
    caplog.clear()
    serve().stop()
    assert WARNED in caplog.text


def test_it_is_brought_back_on_demand_and_the_server_warns(
    roll: Roll, serve: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    roll.void()
    ended = roll.restore("--bring-back", "--output", "json")
    assert ended.document["voided_tokens_may_work"]
    assert ended.document["voided_keys_or_passwords_may_work"]
    assert ended.document["kept_void"] == {"tokens": [], "api_keys": [], "users": []}
    assert len(ended.document["voided_since"]["tokens"]) == 3
    assert not any(password in ended.out for password in ("argon2", *PASSWORDS))
    caplog.clear()
    again = serve()
    assert WARNED in caplog.text
    assert roll.works(again) == ALL
    with again.admin() as admin:
        admin.revoke_all_tokens()
    again.stop()
    caplog.clear()
    serve().stop()
    assert WARNED not in caplog.text


def test_without_the_database_in_its_place_it_is_told_that_nobody_can_tell(
    roll: Roll, serve: Callable[..., Server], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    roll.void()
    folder = programs.new_folder(roll.server.data_dir, tmp_path / "new")
    ended = roll.restore(folder=folder)
    assert "tokens that were voided since the backup may work again" in ended.err
    assert "API keys that were revoked and passwords that were changed" in ended.err
    assert "nobody can tell which: there was no database in its place" in ended.err
    caplog.clear()
    assert roll.works(serve(data_dir=folder)) == ALL
    assert WARNED in caplog.text
    assert "rollbook key list" in caplog.text


def test_all_tokens_and_keys_are_revoked_on_demand(
    roll: Roll, serve: Callable[..., Server], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    roll.void()
    folder = programs.new_folder(roll.server.data_dir, tmp_path / "new")
    ended = roll.restore("--revoke-tokens", "--revoke-keys", folder=folder)
    assert "Revoked besides: 4 tokens and 2 API keys." in ended.err
    caplog.clear()
    again = serve(data_dir=folder)
    assert WARNED not in caplog.text
    assert not roll.works(again) & {*roll.tokens, *roll.keys}
    with again.admin() as admin:
        assert admin.refresh_token(next(iter(admin.list_profiles())).profile_id)


def test_in_the_place_of_another_roll_nothing_is_taken_for_voided(
    roll: Roll, serve: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    """As when a server was started on an empty folder by mistake."""
    roll.server.stop()
    for path in roll.server.data_dir.glob(f"{DATABASE_NAME}*"):
        path.unlink()
    mistaken = serve()
    with mistaken.admin() as admin:
        admin.create_profile("New")
    mistaken.stop()
    ended = roll.restore()
    assert "is not what became of the backup" in ended.err
    caplog.clear()
    assert roll.works(serve()) == ALL
    assert WARNED in caplog.text


def test_a_doubt_about_keys_and_passwords_stays(
    roll: Roll, serve: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    """As where a backup was put back by hand, and then with the command."""
    database = roll.server.data_dir / DATABASE_NAME
    with roll.server.admin() as admin:
        keys = {each.display_name: each.api_key_id for each in admin.list_api_keys()}
        admin.revoke_api_key(keys["Gone"])
    roll.server.stop()
    database.write_bytes(roll.file.read_bytes())
    ended = roll.restore()
    assert "API keys that were revoked and passwords that were changed" in ended.err
    assert "tokens that were voided" not in ended.err
    caplog.clear()
    serve().stop()
    assert WARNED in caplog.text
    assert "rollbook key revoke" in caplog.text


def test_a_doubt_from_before_stays(
    roll: Roll, serve: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    roll.server.stop()
    path = roll.server.data_dir / TOKEN_EPOCH_NAME
    note = json.loads(path.read_text())
    path.write_text(json.dumps({**note, "doubted": True}))
    assert "may work again" in roll.restore().err
    caplog.clear()
    serve().stop()
    assert WARNED in caplog.text
