"""Android's predefined system extras: their names, types and meanings.

The meanings are the comments of `AndroidSystemExtras` in the contract; a test holds
the two against each other.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from rollbook import _enums
from rollbook.v1 import configuration_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "android.app.extra.PROVISIONING_"
_FIELDS: Mapping[str, Any] = configuration_pb2.AndroidSystemExtras.DESCRIPTOR.fields_by_name
_KINDS = {str: "a text", int: "a whole number", bool: "true or false"}

# Of these, whoever looks over a shoulder could make use.
SECRET = frozenset(
    (
        "device_admin_package_download_cookie_header",
        "role_holder_package_download_cookie_header",
        "wifi_ca_certificate",
        "wifi_password",
        "wifi_user_certificate",
    )
)

MEANINGS: Mapping[str, str] = {
    "device_admin_component_name": "Receiver of the device policy controller, `package/class`; "
    "Android insists on this one",
    "device_admin_package_download_location": "URL of the controller's APK; without it the "
    "controller must be preinstalled",
    "device_admin_signature_checksum": "URL-safe base64 of the SHA-256 of a signing certificate; "
    "this or the next is required with a download location",
    "device_admin_package_checksum": "URL-safe base64 of the SHA-256 of the APK file",
    "device_admin_package_download_cookie_header": "HTTP Cookie header for the download",
    "device_admin_minimum_version_code": "Downloads only if the installed version is lower",
    "locale": "Language and country as `xx_YY`",
    "time_zone": "Olson name, such as Europe/Berlin",
    "local_time": "Wall clock in milliseconds since 1970",
    "leave_all_system_apps_enabled": "Keeps all preinstalled apps enabled",
    "skip_encryption": "Does not encrypt the storage during setup",
    "use_mobile_data": "Uses mobile data for the setup",
    "sensors_permission_grant_opt_out": "The administrator gives up granting sensor permissions",
    "allow_offline": "Lets the setup go on without internet",
    "keep_screen_on": "Keeps the screen on during setup",
    "organization_name": "Shown during setup",
    "support_url": "Shown during setup; must be https",
    "wifi_ssid": "Network to join; without it every other wifi_ field is dropped by Android",
    "wifi_security_type": "How that network is secured",
    "wifi_password": "Shared, WEP or EAP password",
    "wifi_hidden": "The network does not announce its name",
    "wifi_proxy_host": "Proxy host",
    "wifi_proxy_port": "Proxy port",
    "wifi_proxy_bypass": "Hosts that bypass the proxy",
    "wifi_pac_url": "URL of a proxy auto-configuration file",
    "wifi_eap_method": "Outer method of an EAP network",
    "wifi_phase2_auth": "Inner method of an EAP network",
    "wifi_ca_certificate": "Base64 of a DER X.509 certificate",
    "wifi_user_certificate": "Base64 of a PKCS#12 file with an empty password and one alias",
    "wifi_identity": "EAP identity",
    "wifi_anonymous_identity": "Outer EAP identity",
    "wifi_domain": "Suffix that the network's certificate must match",
    "role_holder_package_download_location": "URL of the role holder's APK; only together with "
    "its checksum. Android 13 and later",
    "role_holder_signature_checksum": "URL-safe base64 of the SHA-256 of the role holder's "
    "signing certificate",
    "role_holder_package_download_cookie_header": "HTTP Cookie header for that download",
    "role_holder_extras_bundle": "Passed to the role holder",
    "should_launch_result_intent": "Launches the result intent of the role holder",
}


class Extra(NamedTuple):
    """One extra: `name` is that in `system_extras`, `android_key` that in a QR code."""

    name: str
    android_key: str
    type: str
    meaning: str


def all_extras() -> list[Extra]:
    """Give every extra in the order of the contract."""
    return [
        Extra(name, _PREFIX + name.upper(), _type(name), meaning)
        for name, meaning in MEANINGS.items()
    ]


def _type(name: str) -> str:
    field = _FIELDS[name]
    if field.enum_type is not None:
        return f"one of {', '.join(_enums.words(field.enum_type)[1:])}"
    return "a JSON object" if field.message_type is not None else _KINDS[type(field.default_value)]


def typed(name: str, text: str) -> object:
    """Give a value as its extra wants it; ValueError says what that is.

    An unknown extra keeps its text, to be refused with the nearest right name.
    """
    field = _FIELDS.get(name)
    if field is None or (field.enum_type is None and isinstance(field.default_value, str)):
        return text
    if field.enum_type is not None:
        return text.upper()
    kinds = dict if field.message_type is not None else type(field.default_value)
    value = _json(text)
    if type(value) is not kinds:  # for isinstance a bool is an int
        raise ValueError(f"must be {_type(name)}")
    return value


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
