"""Changes of configurations: what a mask names, what is refused, and what counts as one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rollbook import (
    Configuration,
    InvalidArgumentError,
)
from rollbook.v1 import configuration_pb2

if TYPE_CHECKING:
    from rollbook import AdminClient
    from running import Server


EXTRAS: dict[str, tuple[object, object]] = {}  # of every extra two values
for _field in configuration_pb2.AndroidSystemExtras.DESCRIPTOR.fields:
    if _field.enum_type is not None:
        _words = [value.name.rpartition("_")[2] for value in _field.enum_type.values]
        EXTRAS[_field.name] = (_words[1], _words[2])
    elif _field.message_type is not None:
        EXTRAS[_field.name] = ({"a": "b"}, {"a": [1, {"c": None}]})
    else:
        _kinds: dict[type, tuple[object, object]] = {
            str: ("x", ""), int: (7, 0), bool: (True, False)
        }  # fmt: skip
        EXTRAS[_field.name] = _kinds[type(_field.default_value)]
FULL = Configuration(
    vendor_keys={"a": 1, "b": {"deep": [True]}},
    system_extras={name: first for name, (first, _) in EXTRAS.items()},
    custom_system_keys={"com.example.A": "on"},
)
OTHER = Configuration(
    vendor_keys={"c": 2},
    system_extras={name: second for name, (_, second) in EXTRAS.items()},
    custom_system_keys={"com.example.B": "off"},
)


@pytest.mark.parametrize("name", EXTRAS)
@pytest.mark.parametrize("is_set", [True, False])
def test_a_mask_can_name_every_system_extra(admin: AdminClient, name: str, *, is_set: bool) -> None:
    made = admin.create_profile("Depot", configuration=FULL)
    given = OTHER if is_set else Configuration(vendor_keys={"c": 2})
    changed = admin.update_configuration(
        made.profile_id, given, update_mask=[f"system_extras.{name}"], etag=made.etag
    )

    expected = {**FULL.system_extras, name: EXTRAS[name][1]}
    if not is_set:
        del expected[name]
    assert changed.configuration == replace(FULL, system_extras=expected)
    assert admin.get_profile(made.profile_id) == changed


CONFIGURATION_MASKS: dict[str, tuple[list[str], set[str]]] = {
    "absent": ([], {"vendor_keys", "system_extras", "custom_system_keys"}),
    "star": (["*"], {"vendor_keys", "system_extras", "custom_system_keys"}),
    "star and a field": (
        ["system_extras.locale", "*"], {"vendor_keys", "system_extras", "custom_system_keys"}
    ),
    "vendor keys": (["vendor_keys"], {"vendor_keys"}),
    "extras": (["system_extras"], {"system_extras"}),
    "extras and one of them": (["system_extras.locale", "system_extras"], {"system_extras"}),
    "custom keys": (["custom_system_keys"], {"custom_system_keys"}),
    "two groups": (["vendor_keys", "custom_system_keys"], {"vendor_keys", "custom_system_keys"}),
}  # fmt: skip


@pytest.mark.parametrize("given", [OTHER, Configuration()], ids=["set", "not set"])
@pytest.mark.parametrize(("mask", "groups"), CONFIGURATION_MASKS.values(), ids=CONFIGURATION_MASKS)
def test_a_mask_names_groups_and_what_it_names_and_is_not_set_is_cleared(
    admin: AdminClient, mask: list[str], groups: set[str], given: Configuration
) -> None:
    made = admin.create_profile("Depot", configuration=FULL)
    changed = admin.update_configuration(made.profile_id, given, update_mask=mask)

    assert changed.configuration == replace(FULL, **{name: getattr(given, name) for name in groups})
    assert admin.get_profile(made.profile_id) == changed


def test_several_fields_change_beside_a_group(admin: AdminClient) -> None:
    made = admin.create_profile("Depot", configuration=FULL)
    mask = ["system_extras.locale", "vendor_keys", "system_extras.wifi_hidden"]
    after = admin.update_configuration(made.profile_id, OTHER, update_mask=mask).configuration

    names = {"locale", "wifi_hidden"}
    mixed = {n: (OTHER if n in names else FULL).system_extras[n] for n in EXTRAS}
    assert after == replace(FULL, vendor_keys=OTHER.vendor_keys, system_extras=mixed)


@pytest.mark.parametrize("path", [
    "vendor_keys.a", "system_extras.", "system_extras.wifi_sid", "system_extras.wifi_ssid.x",
    "configuration.system_extras", "wifi_ssid", "name", "system_extras.*", "x" * 100_000, "\0",
])  # fmt: skip
def test_a_mask_that_names_no_part_of_a_configuration_is_refused(
    admin: AdminClient, path: str
) -> None:
    made = admin.create_profile("Depot", configuration=FULL)
    for mask in ([path], ["*", path]):
        with pytest.raises(InvalidArgumentError) as caught:
            admin.update_configuration(made.profile_id, OTHER, update_mask=mask)
        assert caught.value.reason == "FIELD_INVALID"
        assert "system_extras.FIELD" in caught.value.fields["update_mask"]
    assert admin.get_profile(made.profile_id) == made


def test_a_wrong_key_is_named_and_nothing_changes(admin: AdminClient) -> None:
    made = admin.create_profile("Depot", configuration=FULL)
    wrong = Configuration(vendor_keys={"rollbook.x": 1}, custom_system_keys={"short": True})
    with pytest.raises(InvalidArgumentError) as caught:
        admin.update_configuration(made.profile_id, wrong)

    assert caught.value.reason == "CONFIGURATION_INVALID"
    paths = {"vendor_keys.rollbook.x", "custom_system_keys.short"}
    assert set(caught.value.fields) == {f"configuration.{path}" for path in paths}
    assert admin.get_profile(made.profile_id) == made


def test_what_a_mask_leaves_out_need_not_be_right(admin: AdminClient) -> None:
    made = admin.create_profile("Depot")
    given = Configuration(vendor_keys={"a": 1}, custom_system_keys={"short": True})
    admin.update_configuration(made.profile_id, given, update_mask=["vendor_keys"])


@pytest.mark.parametrize(("before", "after"), [(1, True), (0, False), ("1", 1), (None, {})])
def test_values_that_python_or_people_take_for_equal_are_a_change(
    server: Server, admin: AdminClient, before: object, after: object
) -> None:
    made = admin.create_profile("Depot", configuration=Configuration({"a": before}))
    server.clock.turn(seconds=1)
    changed = admin.update_configuration(made.profile_id, Configuration({"a": after}))

    assert changed.update_time == server.clock.now
    assert str(admin.get_profile(made.profile_id).configuration.vendor_keys["a"]) == str(after)


def test_what_android_would_ignore_is_told(admin: AdminClient) -> None:
    quiet: list[str] = []
    made = admin.create_profile("Empty", on_warning=quiet.append)
    assert quiet == []

    loud: list[str] = []
    wifi = Configuration(system_extras={"wifi_password": "hunter22"})
    admin.create_profile("Depot", configuration=wifi, on_warning=loud.append)
    again: list[str] = []
    admin.update_configuration(made.profile_id, wifi, on_warning=again.append)
    assert any("wifi_ssid" in warning for warning in loud)
    assert again == loud
    assert "hunter22" not in "".join(loud)
