"""`rollbook profile edit`, `assign-user`, `configure`, and what `list` leaves out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rollbook import Configuration, ProfileOrigin
from rollbook.cli import android_extras
from rollbook.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from cli.ended import Cli
    from rollbook import AdminClient
    from running import Server

PROTO = Path(__file__).parents[2] / "proto/rollbook/v1/configuration.proto"
SECRET = "correct horse"


@pytest.fixture
def single(admin: AdminClient) -> str:
    made = admin.create_profile("Tablets", description="Hall 3", origin=ProfileOrigin.SINGLE_DEVICE)
    return made.profile_id


def configured(admin: AdminClient, profile_id: str) -> Configuration:
    return admin.get_profile(profile_id).configuration


def test_edit_changes_what_was_said_and_no_more(cli: Cli, single: str, admin: AdminClient) -> None:
    assert "Phones" in cli("profile", "edit", "Tablets", "--name", "Phones").out
    assert admin.get_profile(single).description == "Hall 3"
    cli("profile", "edit", single, "--description", "")
    assert (admin.get_profile(single).name, admin.get_profile(single).description) == ("Phones", "")


@pytest.mark.usefixtures("single")
def test_edit_wants_to_know_what(cli: Cli) -> None:
    assert cli("profile", "edit", "Tablets").code == ExitCode.USAGE


@pytest.mark.usefixtures("depot")
def test_edit_is_for_single_device_profiles(cli: Cli) -> None:
    ended = cli("profile", "edit", "Depot", "--name", "B", "--output", "json")
    assert (ended.code, ended.error["reason"]) == (ExitCode.REFUSED, "PROFILE_NOT_EDITABLE")
    assert "--single-device" in ended.error["next_step"]


@pytest.mark.usefixtures("single")
def test_a_text_that_is_no_unicode_is_no_bug(cli: Cli) -> None:
    ended = cli("profile", "edit", "Tablets", "--name", "a\udcff", "--output", "json")
    assert (ended.code, ended.error["reason"]) == (ExitCode.USAGE, "COMMAND_LINE_INVALID")


def test_an_unknown_user_is_refused_with_where_to_look(cli: Cli, depot: str) -> None:
    ended = cli("profile", "assign-user", depot, "nobody")
    assert ended.code == ExitCode.REFUSED
    assert "rollbook user list" in ended.err


@pytest.mark.parametrize("words", [(), ("walter", "--none")])
def test_a_user_or_none_is_named(cli: Cli, depot: str, words: tuple[str, ...]) -> None:
    assert cli("profile", "assign-user", depot, *words).code == ExitCode.USAGE


def test_none_is_a_user(cli: Cli, depot: str) -> None:
    assert cli("profile", "assign-user", depot, "--none").code == ExitCode.DONE


def test_a_list_is_filtered_and_ordered(cli: Cli, admin: AdminClient, server: Server) -> None:
    made = {}
    for name in ("b1", "a1", "c2"):
        made[name] = admin.create_profile(name, origin=ProfileOrigin.SINGLE_DEVICE).profile_id
        server.clock.turn(seconds=1)
    admin.update_profile(made["a1"], description="changed")

    def names(*options: str) -> list[str]:
        listed = cli("profile", "list", *options, "--output", "json").document
        return [one["name"] for one in listed]

    assert names() == ["a1", "b1", "c2"]
    assert names("--order", "newest") == ["c2", "a1", "b1"]
    assert names("--order", "last-updated", "--name", "1") == ["a1", "b1"]
    admin.assign_user(made["b1"], admin.create_user("ada").user_id)
    assert names("--user", "Ada") == ["b1"]
    assert "No profile fits" in cli("profile", "list", "--name", "zzz").err


@pytest.mark.parametrize("command", ["show Depot", "list"])
def test_a_profile_in_json_names_its_secrets_and_does_not_show_them(
    cli: Cli, depot: str, admin: AdminClient, command: str
) -> None:
    extras = {"wifi_ssid": "Depot", "wifi_password": "correct horse"}
    admin.update_configuration(depot, Configuration(system_extras=extras))
    shown = cli("profile", *command.split(), "--output", "json")
    assert "correct horse" not in shown.out
    assert '"system_extras.wifi_password"' in shown.out
    assert '"wifi_ssid": "Depot"' in shown.out


def test_set_types_values_by_their_extra(cli: Cli, depot: str, admin: AdminClient) -> None:
    settings = {
        "system_extras.wifi_ssid": ("12345", "12345"),
        "system_extras.organization_name": ("true", "true"),
        "system_extras.wifi_hidden": ("true", True),
        "system_extras.wifi_proxy_port": ("8080", 8080),
        "system_extras.wifi_security_type": ("wpa", "WPA"),
        "system_extras.role_holder_extras_bundle": ('{"a": [1]}', {"a": [1]}),
        "vendor_keys.number": ("7", 7),
        "vendor_keys.quoted": ('"7"', "7"),
        "vendor_keys.text": ("a=b", "a=b"),
        "vendor_keys.not": ("NaN", "NaN"),
        "vendor_keys.with.dots": ("", ""),
        "custom_system_keys.com.example.KEY": ("[true]", [True]),
    }
    options = [word for path, (text, _) in settings.items() for word in ("--set", f"{path}={text}")]
    assert cli("profile", "configure", "Depot", *options).code == ExitCode.DONE

    after = configured(admin, depot)
    for path, (_, value) in settings.items():
        group, _, name = path.partition(".")
        assert getattr(after, group)[name] == value
        assert type(getattr(after, group)[name]) is type(value)


@pytest.mark.parametrize(("option", "text", "complaint"), [
    ("--set", "wifi_ssid=x", "did you mean system_extras.wifi_ssid"),
    ("--set", "system_extras.wifi_sid=x", "did you mean 'wifi_ssid'"),
    ("--set", "system_extras.wifi_ssid", "GROUP.KEY=VALUE"),
    ("--set", "system_extras.wifi_hidden=yes", "must be true or false"),
    ("--set", "system_extras.wifi_hidden=1", "must be true or false"),
    ("--set", "system_extras.wifi_proxy_port=true", "must be a whole number"),
    ("--set", "system_extras.wifi_proxy_port=" + "9" * 30, "out of range"),
    ("--set", "system_extras.wifi_security_type=WPA2", "NONE, WPA, WEP, EAP"),
    ("--set", "system_extras.role_holder_extras_bundle=[]", "must be a JSON object"),
    ("--set", "vendor_keys.=x", "no GROUP.KEY"),
    ("--set", "vendor_keys.a=" + str(2**60), "would be rounded"),
    ("--unset", "vendor_keys", "no GROUP.KEY"),
    ("--unset", "system_extras.nonsense", "--keys lists all"),
])  # fmt: skip
def test_a_wrong_setting_is_a_mistake_of_usage(
    cli: Cli, admin: AdminClient, option: str, text: str, complaint: str
) -> None:
    depot = admin.create_profile("Depot").profile_id
    ended = cli("profile", "configure", depot, option, text)
    assert (ended.code, complaint in ended.err) == (ExitCode.USAGE, True)
    assert configured(admin, depot) == Configuration()


def test_what_is_nested_too_deeply_for_json_is_a_text_and_too_long_a_one(
    cli: Cli, depot: str
) -> None:
    ended = cli("profile", "configure", depot, "--set", "vendor_keys.a=" + "[" * 100_000)
    assert (ended.code, "16,384" in ended.err) == (ExitCode.REFUSED, True)


@pytest.mark.parametrize("options", [
    ("--set", "vendor_keys.a=1", "--set", "vendor_keys.a=2"),
    ("--set", "vendor_keys.a=1", "--unset", "vendor_keys.a"),
])  # fmt: skip
def test_a_key_is_set_once(cli: Cli, depot: str, options: tuple[str, ...]) -> None:
    assert cli("profile", "configure", depot, *options).code == ExitCode.USAGE


def test_set_and_unset_leave_everything_else(cli: Cli, depot: str, admin: AdminClient) -> None:
    before = Configuration({"a": 1, "b": 2}, {"wifi_ssid": "x", "locale": "de_DE"}, {"c.d": 3})
    admin.update_configuration(depot, before)
    options = ("--unset", "vendor_keys.a", "--unset", "system_extras.locale")
    ended = cli("profile", "configure", "Depot", *options, "--set", "custom_system_keys.e.f=4")

    after = Configuration({"b": 2}, {"wifi_ssid": "x"}, {"c.d": 3, "e.f": 4})
    assert (ended.code, configured(admin, depot)) == (ExitCode.DONE, after)


def test_a_file_replaces_all_and_warnings_are_told(
    cli: Cli, depot: str, admin: AdminClient, tmp_path: Path
) -> None:
    admin.update_configuration(depot, Configuration({"a": 1}))
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"system_extras": {"wifi_password": SECRET}}))
    ended = cli("profile", "configure", "Depot", "--file", keys)

    assert configured(admin, depot) == Configuration({}, {"wifi_password": SECRET})
    assert "Warning: Android drops wifi_password without wifi_ssid" in ended.err
    again = cli("profile", "configure", "Depot", "--file", keys, "--output", "json").document
    assert any("wifi_ssid" in warning for warning in again["warnings"])
    both = cli("profile", "configure", "Depot", "--file", keys, "--set", "vendor_keys.a=1")
    assert both.code == ExitCode.USAGE
    keys.write_text("[]")
    wrong = cli("profile", "configure", "Depot", "--file", keys)
    assert (wrong.code, "'--file'" in wrong.err) == (ExitCode.USAGE, True)


@pytest.mark.parametrize("name", sorted(android_extras.SECRET))
def test_secrets_are_hidden_unless_revealed(
    cli: Cli, depot: str, admin: AdminClient, name: str
) -> None:
    admin.update_configuration(depot, Configuration({"a": 1}, {name: SECRET}))
    for form in ("table", "json"):
        hidden = cli("profile", "configure", "Depot", "--output", form)
        assert (SECRET in hidden.out, name in hidden.out) == (False, True)
        assert SECRET in cli("profile", "configure", "Depot", "--reveal", "--output", form).out
    set_more = cli("profile", "configure", "Depot", "--set", "vendor_keys.b=2")
    assert SECRET not in set_more.out + set_more.err


@pytest.fixture
def secretive(admin: AdminClient, depot: str) -> Configuration:
    """Give Depot a password, among other keys."""
    given = Configuration({"a": 1}, {"wifi_ssid": "x", "wifi_password": SECRET})
    admin.update_configuration(depot, given)
    return given


@pytest.mark.parametrize("reveal", [(), ("--reveal",)])
def test_a_shown_document_can_be_given_back(
    cli: Cli,
    depot: str,
    admin: AdminClient,
    tmp_path: Path,
    secretive: Configuration,
    reveal: tuple[str, ...],
) -> None:
    keys = tmp_path / "keys.json"
    shown = cli("profile", "configure", "Depot", "--output", "json", *reveal).document
    shown["vendor_keys"] = {"b": 2}
    keys.write_text(json.dumps(shown))
    assert cli("profile", "configure", "Depot", "--file", keys).code == ExitCode.DONE
    assert configured(admin, depot) == Configuration({"b": 2}, secretive.system_extras)


def test_a_secret_goes_only_if_somebody_says_so(
    cli: Cli, depot: str, admin: AdminClient, tmp_path: Path, secretive: Configuration
) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text('{"system_extras": {"wifi_ssid": "x"}}')
    ended = cli("profile", "configure", "Depot", "--file", keys)
    assert (ended.code, configured(admin, depot)) == (ExitCode.USAGE, secretive)
    assert "system_extras.wifi_password" in ended.err
    assert "--yes" in ended.err
    assert cli("profile", "configure", "Depot", "--file", keys, "--yes").code == ExitCode.DONE
    assert configured(admin, depot) == Configuration({}, {"wifi_ssid": "x"})


@pytest.mark.usefixtures("depot")
@pytest.mark.parametrize(("hidden", "complaint"), [
    (["system_extras.wifi_password"], "which this profile does not have"),
    (["system_extras.wifi_ssid"], "a list hidden that may hold"),
    ("system_extras.wifi_password", "a list hidden that may hold"),
])  # fmt: skip
def test_what_is_hidden_must_be_there(
    cli: Cli, tmp_path: Path, hidden: object, complaint: str
) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"hidden": hidden}))
    ended = cli("profile", "configure", "Depot", "--file", keys)
    assert (ended.code, complaint in ended.err) == (ExitCode.USAGE, True)


def test_a_new_profile_has_nothing_to_keep(alone: Cli, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text('{"hidden": ["system_extras.wifi_password"]}')
    ended = alone("profile", "create", "Depot", "--configuration", keys)
    assert (ended.code, "--reveal --output json" in ended.err) == (ExitCode.USAGE, True)


def test_only_what_is_there_can_be_unset(
    cli: Cli, depot: str, admin: AdminClient, secretive: Configuration
) -> None:
    ended = cli("profile", "configure", "Depot", "--unset", "vendor_keys.b", "--output", "json")
    assert (ended.code, configured(admin, depot)) == (ExitCode.USAGE, secretive)
    there = "system_extras.wifi_password, system_extras.wifi_ssid, vendor_keys.a"
    assert f"there is no 'vendor_keys.b'; there is {there}" in ended.error["message"]


def test_keys_lists_every_extra_with_type_and_meaning(alone: Cli) -> None:
    body = PROTO.read_text().split("message AndroidSystemExtras {")[1]
    meant: dict[str, str] = {}
    for comment, name in re.findall(r"((?:  //.*\n)+)  (?:optional )?[\w.]+ (\w+) = \d+;", body):
        meant[name] = " ".join(re.findall(r"// (.*)", comment)).rstrip(".")
    listed = alone("profile", "configure", "--keys", "--output", "json").document

    assert {extra["name"]: extra["meaning"] for extra in listed} == meant
    types = {extra["name"]: extra["type"] for extra in listed}
    assert types["wifi_security_type"] == "one of NONE, WPA, WEP, EAP"
    assert (types["wifi_proxy_port"], types["wifi_hidden"]) == ("a whole number", "true or false")
    shown = alone("profile", "configure", "--keys").out
    assert all(name in shown for name in meant)


def test_configure_without_a_profile_is_a_mistake_of_usage(alone: Cli) -> None:
    assert "PROFILE" in alone("profile", "configure").err


@pytest.mark.usefixtures("depot")
def test_an_empty_configuration_says_how_to_begin(cli: Cli) -> None:
    ended = cli("profile", "configure", "Depot")
    assert (ended.out, "--set GROUP.KEY=VALUE" in ended.err) == ("", True)


def test_create_tells_what_android_would_ignore(cli: Cli, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"system_extras": {"wifi_password": SECRET}}))
    assert "Warning: " in cli("profile", "create", "A", "--configuration", keys).err
    made = cli("profile", "create", "B", "--configuration", keys, "--output", "json").document
    assert made["warnings"]
