"""The payload is what Android reads, and the warnings tell what it would not."""

from __future__ import annotations

import base64
import json

import pytest

from rollbook_server.domain.configurations import EMPTY, EXTRAS, Configuration, android_key, check
from rollbook_server.domain.provisioning import ADMIN_EXTRAS_BUNDLE, RULES, payload, warnings

CHECKSUM = base64.urlsafe_b64encode(b"\xff" * 32).decode()
SOUND: dict[str, object] = {
    "device_admin_component_name": "com.example.dpc/.Receiver",
    "device_admin_package_download_location": "https://example.com/dpc.apk",
    "device_admin_signature_checksum": CHECKSUM,
    "wifi_ssid": "Lager 4",
    "wifi_security_type": "WPA",
    "wifi_password": "SECRET",
    "locale": "de_DE",
    "support_url": "https://example.com/help",
}
ROLE_HOLDER = "role_holder_package_download_location"


def made(configuration: Configuration, token: str | None = "7K3MQ") -> dict[str, object]:
    text = payload(configuration, server_address="a.example:7443", token=token, profile_id="prf-1")
    document = json.loads(text)
    assert isinstance(document, dict)
    return document


def warned(without: str = "", /, **changes: object) -> list[str]:
    extras = {name: value for name, value in (SOUND | changes).items() if name != without}
    configuration = Configuration(system_extras=extras)
    check(configuration)  # what is warned of is not refused
    return warnings(configuration)


def test_the_payload_of_nothing_leads_the_device_to_the_server() -> None:
    assert made(EMPTY) == {
        "android.app.extra.PROVISIONING_ADMIN_EXTRAS_BUNDLE": {
            "rollbook.server_address": "a.example:7443",
            "rollbook.token": "7K3MQ",
            "rollbook.profile_id": "prf-1",
        }
    }


def test_the_payload_holds_all_three_groups_in_native_types() -> None:
    document = made(
        Configuration(
            vendor_keys={"quickStart": True, "nested": {"n": 1}},
            system_extras={"wifi_ssid": "x", "wifi_hidden": False, "local_time": 2**40},
            custom_system_keys={"android.app.extra.NEW": [1]},
        )
    )

    assert document.pop(ADMIN_EXTRAS_BUNDLE) == {
        "quickStart": True,
        "nested": {"n": 1},
        "rollbook.server_address": "a.example:7443",
        "rollbook.token": "7K3MQ",
        "rollbook.profile_id": "prf-1",
    }
    assert document == {
        "android.app.extra.PROVISIONING_WIFI_SSID": "x",
        "android.app.extra.PROVISIONING_WIFI_HIDDEN": False,
        "android.app.extra.PROVISIONING_LOCAL_TIME": 2**40,
        "android.app.extra.NEW": [1],
    }


def test_without_a_token_none_is_in_the_payload() -> None:
    assert made(EMPTY, token=None)[ADMIN_EXTRAS_BUNDLE] == {
        "rollbook.server_address": "a.example:7443",
        "rollbook.profile_id": "prf-1",
    }


def test_every_extra_arrives_under_its_android_key() -> None:
    values = {str: "x", int: 1, bool: True, dict: {"a": "b"}}
    extras = {name: values[extra.kind] for name, extra in EXTRAS.items()}

    document = made(Configuration(system_extras=extras))
    assert {name: document[android_key(name)] for name in EXTRAS} == extras


def test_whole_numbers_of_a_struct_are_written_as_such() -> None:
    configuration = Configuration(vendor_keys={"a": 5.0, "b": [1.0, {"c": 2.5}], "d": 1e300})
    text = payload(configuration, server_address="", token=None, profile_id="")

    assert '"a":5,"b":[1,{"c":2.5}],"d":1e+300' in text


def test_the_payload_is_compact_ascii_and_always_the_same() -> None:
    one = Configuration(vendor_keys={"b": "Z\u00fcrich \u6771", "a": 1}, system_extras=SOUND)
    other = Configuration(vendor_keys={"a": 1, "b": "Z\u00fcrich \u6771"}, system_extras=SOUND)
    texts = {payload(c, server_address="s", token="t", profile_id="p") for c in (one, other)}

    (text,) = texts
    assert text.isascii()
    assert "\\u00fcrich" in text
    assert ": " not in text.replace("Lager 4", "")


def test_a_sound_configuration_gives_no_warning() -> None:
    assert warned() == []


@pytest.mark.parametrize(
    ("word", "without", "changes"),
    [
        ("refuses a code without", "device_admin_component_name", {}),
        ("names no receiver", "", {"device_admin_component_name": "com.example.dpc"}),
        ("names no receiver", "", {"device_admin_component_name": "com.example.dpc/"}),
        ("without a checksum", "device_admin_signature_checksum", {}),
        ("signature_checksum is no", "", {"device_admin_signature_checksum": "abc"}),
        ("package_checksum is no", "", {"device_admin_package_checksum": "+" * 43}),
        ("wifi_password, wifi_security_type without", "wifi_ssid", {}),
        ("open network", "wifi_security_type", {}),
        ("open network", "", {"wifi_security_type": "NONE"}),
        ("cannot join a WEP", "wifi_password", {"wifi_security_type": "WEP"}),
        ("cannot join a WPA", "wifi_password", {}),
        ("without wifi_eap_method", "", {"wifi_security_type": "EAP"}),
        ("not https", "", {"support_url": "http://example.com"}),
        ("not https", "", {"support_url": ""}),
        ("no language tag", "", {"locale": "german (de)"}),
        ("no language tag", "", {"locale": ""}),
        ("without role_holder_signature_checksum", "", {ROLE_HOLDER: "https://example.com"}),
        (f"without {ROLE_HOLDER}", "", {"role_holder_signature_checksum": CHECKSUM}),
    ],
)
def test_each_fault_gives_one_warning(word: str, without: str, changes: dict[str, object]) -> None:
    (text,) = warned(without, **changes)

    assert word in text
    assert "; " in text  # ends in what to do
    assert text.endswith(".")
    assert "SECRET" not in text


@pytest.mark.parametrize(
    "changes",
    [
        {"device_admin_component_name": "com.example.dpc/com.example.dpc.Receiver$Inner"},
        {"device_admin_signature_checksum": "H2IxQHNSEQDujQ7aEQUzvl43Ngik_w9AGHExJhhWELE"},
        {"device_admin_signature_checksum": CHECKSUM.rstrip("=")},
        {"device_admin_signature_checksum": "", "device_admin_package_checksum": CHECKSUM},
        {"wifi_security_type": "EAP", "wifi_eap_method": "PEAP"},
        {"wifi_security_type": "NONE", "wifi_password": ""},
        {"support_url": "HTTPS://example.com"},
        {"locale": "zh-Hant-TW"},
        {"role_holder_signature_checksum": CHECKSUM, ROLE_HOLDER: "https://example.com/r.apk"},
    ],
)
def test_what_android_understands_gives_no_warning(changes: dict[str, object]) -> None:
    assert warned(**changes) == []


@pytest.mark.parametrize("length", [31, 33])
def test_a_checksum_of_another_length_is_told(length: int) -> None:
    checksum = base64.urlsafe_b64encode(b"x" * length).decode()

    assert len(warned(device_admin_signature_checksum=checksum)) == 1


@pytest.mark.parametrize("value", ["true", "False", "1", "-3", "2.5", " TRUE "])
def test_a_quoted_value_of_a_custom_key_is_told(value: str) -> None:
    configuration = Configuration(system_extras=SOUND, custom_system_keys={"a.b": value})

    (text,) = warnings(configuration)
    assert text.startswith("a.b is a quoted number or boolean")


@pytest.mark.parametrize("value", [True, 1, 2.5, "yes", "1a", "", None, {"a": "1"}])
def test_other_values_of_a_custom_key_are_not(value: object) -> None:
    assert warnings(Configuration(system_extras=SOUND, custom_system_keys={"a.b": value})) == []


def test_an_empty_configuration_is_warned_of_once() -> None:
    (text,) = warnings(EMPTY)

    assert "device_admin_component_name" in text


def test_every_rule_stands_once() -> None:
    assert len(set(RULES)) == len(RULES)
