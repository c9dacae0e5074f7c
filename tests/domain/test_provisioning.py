"""The payload is what Android reads."""

from __future__ import annotations

import json

from rollbook_server.domain.configurations import EMPTY, EXTRAS, Configuration, android_key
from rollbook_server.domain.provisioning import ADMIN_EXTRAS_BUNDLE, payload

SOUND: dict[str, object] = {
    "device_admin_component_name": "com.example.dpc/.Receiver",
    "wifi_ssid": "Lager 4",
    "wifi_security_type": "WPA",
}


def made(configuration: Configuration, token: str | None = "7K3MQ") -> dict[str, object]:
    text = payload(configuration, server_address="a.example:7443", token=token, profile_id="prf-1")
    document = json.loads(text)
    assert isinstance(document, dict)
    return document


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
