"""What the linter says reaches whoever creates a profile, and never with a value in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from raw_calls import unary
from rollbook import InvalidArgumentError
from rollbook.v1 import configuration_pb2, profile_service_pb2

if TYPE_CHECKING:
    from rollbook import AdminClient

Extras = configuration_pb2.AndroidSystemExtras


def created(admin: AdminClient, extras: Extras) -> Any:
    request = profile_service_pb2.CreateProfileRequest(
        name="Depot", configuration=configuration_pb2.Configuration(system_extras=extras)
    )
    return unary(admin, admin._profiles.CreateProfile, request)


def test_a_profile_is_created_and_its_configuration_is_warned_of(admin: AdminClient) -> None:
    extras = Extras(
        device_admin_component_name="com.example/.Receiver",
        device_admin_package_download_location="https://example.com/dpc.apk",
        wifi_ssid="Lager",
        wifi_password="SECRET",
        support_url="http://example.com",
    )
    answer = created(admin, extras)
    assert answer.profile.profile_id
    assert [text.partition(";")[0] for text in answer.warnings] == [
        "Android does not install a download without a checksum",
        "Android takes the Wi-Fi for an open network and ignores wifi_password",
        "Android shows an error for a support_url that is not https",
    ]
    assert "SECRET" not in str(answer.warnings)


@pytest.mark.parametrize("name", ["wifi_security_type", "wifi_eap_method", "wifi_phase2_auth"])
@pytest.mark.parametrize("number", [9, -1, 2**31 - 1])
def test_a_word_that_the_contract_does_not_know_is_refused_with_those_it_knows(
    admin: AdminClient, name: str, number: int
) -> None:
    # Only the wire can carry it.
    extras = Extras()
    extras.MergeFromString(_varint_field(Extras.DESCRIPTOR.fields_by_name[name].number, number))
    with pytest.raises(InvalidArgumentError) as caught:
        created(admin, extras)
    assert caught.value.reason == "CONFIGURATION_INVALID"
    [text] = caught.value.fields.values()
    assert text.startswith("must be one of ")


def _varint_field(tag: int, number: int) -> bytes:
    return _varint(tag << 3) + _varint(number % 2**64)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
