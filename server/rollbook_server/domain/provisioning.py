"""What the QR code says, and what Android will not understand of it.

`payload` makes the JSON that Android's setup wizard reads; the picture of it is
drawn elsewhere. `warnings` goes through RULES: each is a small function that
knows one way in which Android silently ignores or misreads a configuration, as
read in the parser of ManagedProvisioning (Android 13). A new rule is one function
and one line in RULES.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING

from rollbook_server.domain.configurations import PREFIX, RESERVED_PREFIX, android_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rollbook_server.domain.configurations import Configuration

    Rule = Callable[[Configuration], Iterator[str]]

ADMIN_EXTRAS_BUNDLE = f"{PREFIX}ADMIN_EXTRAS_BUNDLE"
SERVER_ADDRESS_KEY = f"{RESERVED_PREFIX}server_address"
TOKEN_KEY = f"{RESERVED_PREFIX}token"
PROFILE_ID_KEY = f"{RESERVED_PREFIX}profile_id"
_EXACT = 2**53  # up to here every whole number is exact in floating point


def payload(
    configuration: Configuration, *, server_address: str, token: str | None, profile_id: str
) -> str:
    """Give the JSON that the setup wizard reads; the same input gives the same text.

    Pure ASCII, so that no reader has to guess a character set, and native JSON
    types, because Android reads no quoted ones. `token` is None for none.
    """
    document = {
        **configuration.custom_system_keys,
        **{android_key(name): value for name, value in configuration.system_extras.items()},
        ADMIN_EXTRAS_BUNDLE: _bundle(configuration.vendor_keys, server_address, token, profile_id),
    }
    return json.dumps(_with_whole_numbers(document), sort_keys=True, separators=(",", ":"))


def _bundle(
    vendor_keys: Mapping[str, object], server_address: str, token: str | None, profile_id: str
) -> dict[str, object]:
    own = {SERVER_ADDRESS_KEY: server_address, PROFILE_ID_KEY: profile_id}
    return {**vendor_keys, **own, **({} if token is None else {TOKEN_KEY: token})}


def _with_whole_numbers(value: object) -> object:
    # google.protobuf.Struct knows floating-point numbers only; Android asks for an
    # int and does not find 5.0.
    if isinstance(value, dict):
        return {name: _with_whole_numbers(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_with_whole_numbers(member) for member in value]
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    return value


def warnings(configuration: Configuration) -> list[str]:
    """Say what Android would refuse, ignore or misread, each with what to do about it.

    Like all texts for administrators they never show a value.
    """
    return [text for rule in RULES for text in rule(configuration)]


def _component_missing(configuration: Configuration) -> Iterator[str]:
    if not configuration.system_extras.get("device_admin_component_name"):
        yield (
            "The setup wizard refuses a code without device_admin_component_name; set it to "
            "`package/class` of your device policy controller."
        )


_COMPONENT = re.compile(r"\w+(\.\w+)+/\.?\w+([.$]\w+)*", re.ASCII)


def _component_malformed(configuration: Configuration) -> Iterator[str]:
    component = configuration.system_extras.get("device_admin_component_name")
    if component and not _COMPONENT.fullmatch(str(component)):
        yield (
            "device_admin_component_name names no receiver, so the setup wizard refuses the "
            "code; write it as `package/class`."
        )


def _download_unchecked(configuration: Configuration) -> Iterator[str]:
    extras = configuration.system_extras
    checksums = ("device_admin_signature_checksum", "device_admin_package_checksum")
    if extras.get("device_admin_package_download_location") and not any(
        extras.get(name) for name in checksums
    ):
        yield (
            "Android does not install a download without a checksum; set "
            "device_admin_signature_checksum beside device_admin_package_download_location."
        )


_CHECKSUMS = (
    "device_admin_signature_checksum",
    "device_admin_package_checksum",
    "role_holder_signature_checksum",
)
_SHA256_BYTES = 32


def _checksum_malformed(configuration: Configuration) -> Iterator[str]:
    for name in _CHECKSUMS:
        checksum = configuration.system_extras.get(name)
        if checksum and not _is_sha256(str(checksum)):
            yield (
                f"{name} is no SHA-256 in URL-safe base64, so the download is refused; write "
                "its 32 bytes as 43 letters, digits, '-' and '_'."
            )


def _is_sha256(text: str) -> bool:
    # Padding may be there or not: both are in use, and Android reads both.
    bare = text.removesuffix("=")
    try:
        decoded = base64.b64decode(f"{bare}=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(decoded) == _SHA256_BYTES and not set("+/") & set(text)


def _wifi_without_ssid(configuration: Configuration) -> Iterator[str]:
    extras = configuration.system_extras
    dropped = sorted(name for name in extras if name.startswith("wifi_") and name != "wifi_ssid")
    if dropped and not extras.get("wifi_ssid"):
        yield f"Android drops {', '.join(dropped)} without wifi_ssid; name the network, too."


def _wifi_taken_for_open(configuration: Configuration) -> Iterator[str]:
    extras = configuration.system_extras
    if extras.get("wifi_password") and extras.get("wifi_security_type", "NONE") == "NONE":
        yield (
            "Android takes the Wi-Fi for an open network and ignores wifi_password; set "
            "wifi_security_type to WPA, WEP or EAP."
        )


def _wifi_without_password(configuration: Configuration) -> Iterator[str]:
    extras = configuration.system_extras
    security = extras.get("wifi_security_type")
    if security in {"WPA", "WEP"} and not extras.get("wifi_password"):
        yield f"Android cannot join a {security} network without wifi_password; set it."


def _eap_without_method(configuration: Configuration) -> Iterator[str]:
    extras = configuration.system_extras
    if extras.get("wifi_security_type") == "EAP" and not extras.get("wifi_eap_method"):
        yield "Android skips an EAP network without wifi_eap_method; set it to PEAP, TLS or TTLS."


def _support_url_insecure(configuration: Configuration) -> Iterator[str]:
    url = str(configuration.system_extras.get("support_url", "https://"))
    if not url.casefold().startswith("https://"):
        yield "Android shows an error for a support_url that is not https; use an https address."


# The shape of a BCP 47 tag; Android aborts the setup for anything else.
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")


def _locale_malformed(configuration: Configuration) -> Iterator[str]:
    locale = configuration.system_extras.get("locale", "en_US")
    if not _LANGUAGE_TAG.fullmatch(str(locale)):
        yield "Android aborts the setup if locale is no language tag; write it like de_DE."


def _role_holder_incomplete(configuration: Configuration) -> Iterator[str]:
    pair = ("role_holder_package_download_location", "role_holder_signature_checksum")
    missing = [name for name in pair if not configuration.system_extras.get(name)]
    if len(missing) == 1:
        (given,) = set(pair) - set(missing)
        yield f"Android ignores {given} without {missing[0]}; set both or none."


_QUOTED = re.compile(r"\s*(true|false|[-+]?\d+(\.\d+)?)\s*", re.IGNORECASE | re.ASCII)


def _quoted_value(configuration: Configuration) -> Iterator[str]:
    for name, value in configuration.custom_system_keys.items():
        if isinstance(value, str) and _QUOTED.fullmatch(value):
            yield (
                f"{name} is a quoted number or boolean, which Android ignores unless the key "
                "is a text; take the quotes off."
            )


RULES: tuple[Rule, ...] = (
    _component_missing,
    _component_malformed,
    _download_unchecked,
    _checksum_malformed,
    _wifi_without_ssid,
    _wifi_taken_for_open,
    _wifi_without_password,
    _eap_without_method,
    _support_url_insecure,
    _locale_malformed,
    _role_holder_incomplete,
    _quoted_value,
)
