"""Configurations refuse what cannot be meant and are stored as one text."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from rollbook.v1 import configuration_pb2
from rollbook_server.domain.configurations import (
    EMPTY,
    EXCLUDED,
    EXTRAS,
    PREFIX,
    SIZE_LIMIT,
    Configuration,
    android_key,
    check,
)
from rollbook_server.domain.errors import FieldsError, Reason

FIELDS = {f.name: f for f in configuration_pb2.AndroidSystemExtras.DESCRIPTOR.fields}
SAMPLES: dict[type, object] = {str: "text", int: 7, bool: True, dict: {"a": 1}}
GOOD = Configuration(
    vendor_keys={"quickStart": True, "user": "Zo\u00eb", "nested": {"list": [1, 2.5, None]}},
    system_extras={"wifi_ssid": "Lager", "wifi_security_type": "WPA", "local_time": 2**40},
    custom_system_keys={"android.app.extra.PROVISIONING_SOMETHING_NEW": 3},
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # What a protobuf string can hold: no lone surrogates.
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def problems(**groups: dict[str, object]) -> dict[str, str]:
    with pytest.raises(FieldsError) as caught:
        check(Configuration(**groups))
    assert caught.value.reason is Reason.CONFIGURATION_INVALID
    return caught.value.fields


def kind_of(field: Any) -> type:
    if field.message_type:
        assert field.message_type is struct_pb2.Struct.DESCRIPTOR
        return dict
    kinds = {field.CPPTYPE_INT32: int, field.CPPTYPE_INT64: int, field.CPPTYPE_BOOL: bool}
    return kinds.get(field.cpp_type, str)


def test_the_table_of_extras_is_that_of_the_contract() -> None:
    assert {name: extra.kind for name, extra in EXTRAS.items()} == {
        name: kind_of(field) for name, field in FIELDS.items()
    }


def test_the_words_of_an_extra_are_those_of_the_contract() -> None:
    for name, field in FIELDS.items():
        if field.enum_type:
            prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", field.enum_type.name).upper() + "_"
            words = [value.name.removeprefix(prefix) for value in field.enum_type.values]
            assert ("UNSPECIFIED", *EXTRAS[name].words) == tuple(words)
        else:
            assert EXTRAS[name].words == ()


def test_no_extra_takes_a_number_that_the_contract_cannot_carry() -> None:
    for name, field in FIELDS.items():
        if field.cpp_type == field.CPPTYPE_INT32:
            assert EXTRAS[name].highest <= 2**31 - 1
        if field.cpp_type == field.CPPTYPE_INT64:
            assert EXTRAS[name].highest == 2**63 - 1


def test_no_excluded_key_is_an_extra() -> None:
    assert not {name.casefold() for name in EXCLUDED} & set(EXTRAS)
    assert len(EXCLUDED) == 23  # section 2 of the facts: 22 marked X, and the bundle


def test_the_android_key_of_an_extra_is_its_name_in_upper_case() -> None:
    assert android_key("wifi_ssid") == "android.app.extra.PROVISIONING_WIFI_SSID"


@pytest.mark.parametrize("configuration", [EMPTY, GOOD])
def test_what_can_be_meant_passes(configuration: Configuration) -> None:
    check(configuration)


@pytest.mark.parametrize("name", EXTRAS)
def test_every_extra_takes_its_own_type_and_no_other(name: str) -> None:
    extra = EXTRAS[name]
    for kind, sample in SAMPLES.items():
        value = extra.words[0] if extra.words and kind is str else sample
        if kind is extra.kind:
            check(Configuration(system_extras={name: value}))
        else:
            assert list(problems(system_extras={name: value})) == [
                f"configuration.system_extras.{name}"
            ]


@pytest.mark.parametrize("value", ["true", 1, 0.0, None])
def test_a_flag_takes_nothing_that_only_looks_like_one(value: object) -> None:
    (text,) = problems(system_extras={"wifi_hidden": value}).values()

    assert text == "must be true or false, without quotes"


@pytest.mark.parametrize("word", ["WPA2", "wpa", "", "UNSPECIFIED", 5, -1, 2**31 - 1])
def test_a_security_type_that_android_takes_for_open_is_refused(word: object) -> None:
    (text,) = problems(system_extras={"wifi_security_type": word}).values()

    assert text == "must be one of NONE, WPA, WEP, EAP"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("wifi_proxy_port", 65536),
        ("wifi_proxy_port", -1),
        ("local_time", 2**63),
        ("device_admin_minimum_version_code", 2**31),
    ],
)
def test_numbers_out_of_range_are_refused(name: str, value: int) -> None:
    assert (
        "a number from 0 to"
        in problems(system_extras={name: value})[f"configuration.system_extras.{name}"]
    )


def test_an_unknown_extra_is_refused() -> None:
    assert problems(system_extras={"wifi_name": "x"})


@pytest.mark.parametrize("name", EXTRAS)
def test_a_custom_key_that_is_an_extra_points_to_it(name: str) -> None:
    for key in (android_key(name), android_key(name).lower()):
        (text,) = problems(custom_system_keys={key: "x"}).values()
        assert text == f"set system_extras.{name} instead"


@pytest.mark.parametrize("name", EXCLUDED)
def test_a_custom_key_that_does_not_belong_into_a_code_is_refused(name: str) -> None:
    (text,) = problems(custom_system_keys={PREFIX + name: "x"}).values()

    assert text == EXCLUDED[name]


@pytest.mark.parametrize(
    "key",
    ["", "wifi", "a b.c", ".a.b", "a..b", "a.b.", "1a.b", "a.b\n", "\u00e4.b", "a." + "b" * 254],
)
def test_a_custom_key_without_a_full_name_is_refused(key: str) -> None:
    (text,) = problems(custom_system_keys={key: 1}).values()

    assert "full key name" in text


@pytest.mark.parametrize("key", ["a.a.e.PWS", "A.A.E.pws"])
def test_short_forms_are_refused(key: str) -> None:
    assert "full name" in next(iter(problems(custom_system_keys={key: "x"}).values()))


@pytest.mark.parametrize(
    "key", ["rollbook.token", "Rollbook.Token", "rollbook.later", "", "k" * 256]
)
def test_vendor_keys_leave_rollbooks_own_names_alone(key: str) -> None:
    assert problems(vendor_keys={key: "x"})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1, {"a": float("-inf")}], b"x"])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    assert "JSON" in problems(vendor_keys={"key": value})["configuration.vendor_keys.key"]
    assert problems(custom_system_keys={"a.key": value})


def test_every_bad_key_is_named_and_no_value_is_shown() -> None:
    found = problems(
        vendor_keys={"rollbook.token": "SECRET"},
        system_extras={"wifi_password": ["SECRET"], "wifi_hidden": "SECRET"},
        custom_system_keys={android_key("wifi_password"): "SECRET"},
    )

    assert list(found) == [
        "configuration.vendor_keys.rollbook.token",
        "configuration.system_extras.wifi_password",
        "configuration.system_extras.wifi_hidden",
        "configuration.custom_system_keys.android.app.extra.PROVISIONING_WIFI_PASSWORD",
    ]
    assert "SECRET" not in str(found)


def test_very_many_bad_keys_still_fit_the_header_of_an_answer() -> None:
    found = problems(system_extras={f"{n}-{'x' * 500}": n for n in range(2_000)})

    assert len(found) == 17
    assert found["configuration"] == "1984 further keys are wrong too"
    assert sum(len(path) + len(text) for path, text in found.items()) < 4_000


def test_sixteen_kibibytes_are_kept_and_no_byte_more() -> None:
    room = SIZE_LIMIT - len(Configuration(vendor_keys={"k": ""}).to_json())

    check(Configuration(vendor_keys={"k": "x" * room}))
    (text,) = problems(vendor_keys={"k": "x" * (room + 1)}).values()
    assert "16,385 bytes; at most 16,384" in text
    assert problems(vendor_keys={"k": "\u00e4" * room})  # bytes, not characters


@given(*[st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), json_values)] * 3)
def test_storage_gives_back_what_it_took(
    vendor: dict[str, object], extras: dict[str, object], custom: dict[str, object]
) -> None:
    configuration = Configuration(vendor, extras, custom)

    assert Configuration.from_json(configuration.to_json()) == configuration


def test_the_stored_text_does_not_depend_on_the_order_of_keys() -> None:
    one = Configuration(vendor_keys={"a": 1, "b": {"c": 2, "d": 3}})
    other = Configuration(vendor_keys={"b": {"d": 3, "c": 2}, "a": 1})

    assert one.to_json() == other.to_json()
    assert json.loads(EMPTY.to_json()) == {
        "vendor_keys": {},
        "system_extras": {},
        "custom_system_keys": {},
    }
