"""Values and messages: what goes out comes back, and what cannot go out is named."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from rollbook import Configuration, UploadState, _convert, _enums, words
from rollbook.v1 import (
    access_service_pb2,
    audit_service_pb2,
    configuration_pb2,
    device_pb2,
    device_service_pb2,
    enrollment_service_pb2,
    profile_pb2,
    profile_service_pb2,
    token_pb2,
    token_service_pb2,
    upload_pb2,
    user_service_pb2,
)

ENUMS = [
    (words.ProfileType, profile_pb2.ProfileType),
    (words.ProfileOrigin, profile_pb2.ProfileOrigin),
    (words.ProfileOrder, profile_service_pb2.ProfileOrder),
    (words.DeviceState, device_pb2.DeviceState),
    (words.UploadState, upload_pb2.UploadState),
    (words.OnInvalidRow, upload_pb2.OnInvalidRow),
    (words.OnConflict, upload_pb2.OnConflict),
    (words.TokenState, token_pb2.TokenState),
    (words.AuditFault, audit_service_pb2.AuditFault),
    (words.QrCodeFormat, token_service_pb2.QrCodeFormat),
    (words.EnrollOutcome, enrollment_service_pb2.EnrollOutcome),
    (words.MatchRule, device_service_pb2.MatchRule),
    (words.Right, access_service_pb2.Right),
    (words.Role, access_service_pb2.Role),
]

EVERYTHING = Configuration(
    vendor_keys={"url": "https://mdm", "depth": {"list": [1, 2.5, None, True, {"a": "b"}]}},
    system_extras={
        "device_admin_component_name": "com.example/.Admin",
        "device_admin_minimum_version_code": 7,
        "local_time": 1_700_000_000_123,
        "skip_encryption": False,
        "wifi_ssid": "",
        "wifi_security_type": "WPA",
        "wifi_phase2_auth": "MSCHAPV2",
        "role_holder_extras_bundle": {"tenant": "t1"},
    },
    custom_system_keys={"android.app.extra.PROVISIONING_NEW": [1]},
)


@pytest.mark.parametrize(("kind", "enum"), ENUMS)
def test_words_are_those_of_the_contract(kind: Any, enum: Any) -> None:
    for number, word in enumerate(kind):
        assert kind(_enums.word(enum.DESCRIPTOR, number)) is word
        assert enum.Value(_enums.name(enum.DESCRIPTOR, word)) == number
    assert len(kind) == len(enum.values())


def test_a_word_of_a_newer_server_is_unspecified() -> None:
    assert _convert.upload(upload_pb2.Upload(state=99)).state is UploadState.UNSPECIFIED  # type: ignore[arg-type]  # no number of ours


@pytest.mark.parametrize("configuration", [EVERYTHING, Configuration()])
def test_a_configuration_comes_back_as_it_went(configuration: Configuration) -> None:
    message = _convert.configuration_message(configuration)
    assert message is not None
    assert _convert.configuration(message) == configuration


def test_whole_numbers_come_back_as_whole_numbers() -> None:
    message = _convert.configuration_message(Configuration(vendor_keys={"a": 1, "b": 1e300}))
    assert message is not None
    back = _convert.configuration(message).vendor_keys
    assert (type(back["a"]), type(back["b"])) == (int, float)


@pytest.mark.parametrize(
    ("extras", "complaint"),
    [
        ({"wifi_sid": "x"}, "there is no 'wifi_sid'; did you mean 'wifi_ssid'"),
        ({"android.app.extra.PROVISIONING_WIFI_SSID": "x"}, "did you mean 'wifi_ssid'"),
        ({"favourite_colour": "x"}, "custom_system_keys takes other keys"),
        ({"wifi_security_type": "WPA2"}, "wifi_security_type: 'WPA2' is not one of NONE, WPA, WEP"),
        ({"skip_encryption": "yes"}, "system_extras.skip_encryption: "),
        ({"local_time": 1 << 70}, "system_extras.local_time: "),
        ({"role_holder_extras_bundle": "x"}, "takes a mapping, not str"),
    ],
)
def test_an_extra_that_cannot_be_is_named(extras: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Configuration(system_extras=extras)


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"a": {"b": [1 << 60]}}, r"vendor_keys\.a\.b\[0\]: .* write it as a string"),
        ({"a": b"bytes"}, "vendor_keys.a: JSON has no bytes"),
        ({"a": float("nan")}, "vendor_keys.a: JSON has no nan"),
    ],
)
def test_a_key_that_json_cannot_say_is_named(keys: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Configuration(vendor_keys=keys)


def test_every_android_extra_can_be_set() -> None:
    fields = configuration_pb2.AndroidSystemExtras.DESCRIPTOR.fields
    samples: dict[str, object] = {}
    for field in fields:
        if field.enum_type is not None:
            samples[field.name] = field.enum_type.values[1].name.rpartition("_")[2]
        elif field.message_type is not None:
            samples[field.name] = {"a": "b"}
        else:
            samples[field.name] = {str: "x", int: 1, bool: True}[type(field.default_value)]
    assert _convert.configuration_message(Configuration(system_extras=samples)) is not None


def test_times_are_aware_or_absent() -> None:
    message = profile_pb2.Profile()
    message.create_time.FromJsonString("2025-03-01T12:00:00.5Z")
    message.update_time.FromJsonString("1969-12-31T23:59:59.999999Z")
    profile = _convert.profile(message)
    assert profile.create_time == datetime(2025, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)
    assert profile.update_time == datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert profile.devices_update_time is None


@pytest.mark.parametrize(
    ("convert", "message"),
    [
        (_convert.profile, profile_pb2.Profile()),
        (_convert.upload, upload_pb2.Upload()),
        (_convert.device, device_pb2.Device()),
        (_convert.near_miss, device_service_pb2.NearMiss()),
        (_convert.match_explanation, device_service_pb2.ExplainMatchResponse()),
        (_convert.row_error, upload_pb2.RowError()),
        (_convert.token, token_pb2.Token()),
        (_convert.user, user_service_pb2.User()),
        (_convert.api_key, access_service_pb2.ApiKey()),
        (_convert.created_api_key, access_service_pb2.CreateApiKeyResponse()),
        (_convert.enrollment, enrollment_service_pb2.EnrollDeviceResponse()),
        (_convert.qr_code, token_service_pb2.GenerateQrCodeResponse()),
        (_convert.configuration, configuration_pb2.Configuration()),
    ],
)
def test_a_value_has_every_field_of_its_message(convert: Any, message: Any) -> None:
    value = convert(message)
    names = [field.name for field in dataclasses.fields(value)]
    assert set(names) == set(message.DESCRIPTOR.fields_by_name)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, names[0], "other")
