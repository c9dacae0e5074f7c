"""What a device is given when it is set up: three groups of keys, and their hard rules.

`check` refuses what cannot be meant; what Android would silently ignore or
misread is told by `configuration_linter`. The keys and their types are those of
Android's DevicePolicyManager and of the parser in ManagedProvisioning (Android 13).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from rollbook_server.domain.errors import FieldsError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX = "android.app.extra.PROVISIONING_"
# Keys that Rollbook itself puts into the admin extras bundle, now or later.
RESERVED_PREFIX = "rollbook."
SIZE_LIMIT = 16 * 1024  # bytes of JSON; a QR code holds less than 3 KiB of it
_INT32 = 2**31 - 1
_INT64 = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Configuration:
    """The three groups; values are what JSON knows.

    `system_extras` goes by the field names of `AndroidSystemExtras` in the
    contract; enum values are Android's own words, such as "WPA". Not deeply
    frozen: nobody changes the mappings after construction.
    """

    vendor_keys: Mapping[str, object] = field(default_factory=dict)
    system_extras: Mapping[str, object] = field(default_factory=dict)
    custom_system_keys: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> str:
        """Give the one text that stands for this content, for storage."""
        groups = {
            "vendor_keys": self.vendor_keys,
            "system_extras": self.system_extras,
            "custom_system_keys": self.custom_system_keys,
        }
        return json.dumps(groups, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Configuration:
        """Read what `to_json` gave."""
        return cls(**json.loads(text))


EMPTY = Configuration()


def differing(one: Configuration, other: Configuration) -> list[str]:
    """Name the keys in which two configurations differ, with their groups."""
    before, after = json.loads(one.to_json()), json.loads(other.to_json())
    return [
        f"{group}.{key}"
        for group in before
        for key in sorted({*before[group], *after[group]})
        if _told(before[group], key) != _told(after[group], key)
    ]


def _told(values: Mapping[str, object], key: str) -> str:
    # As text: for Python 1 equals true, for Android it does not.
    return json.dumps(values[key]) if key in values else ""


class Extra(NamedTuple):
    """The type of one Android extra; `words` if only these are understood."""

    kind: type
    words: tuple[str, ...] = ()
    highest: int = _INT32

    def problem(self, value: object) -> str | None:
        """Say what is wrong with a value of this extra, if anything is."""
        # First, because a number that the contract does not know comes as a number.
        if self.words and value not in self.words:
            return f"must be one of {', '.join(self.words)}"
        # Not isinstance: for Python a bool is an int, for Android it is not.
        if type(value) is not self.kind:
            return f"must be {_KIND_WORDS[self.kind]}"
        if isinstance(value, int) and not 0 <= value <= self.highest:
            return f"must be a number from 0 to {self.highest}"
        return None


_KIND_WORDS = {
    str: "a text",
    int: "a whole number",
    bool: "true or false, without quotes",
    dict: "an object",
}
_TEXT, _FLAG, _OBJECT = Extra(str), Extra(bool), Extra(dict)
_EAP_METHODS = ("PEAP", "TLS", "TTLS", "PWD", "SIM", "AKA", "AKA_PRIME")
_PHASE2_AUTHS = ("NONE", "PAP", "MSCHAP", "MSCHAPV2", "GTC", "SIM", "AKA", "AKA_PRIME")

# Every field of AndroidSystemExtras. The name in upper case behind PREFIX is
# Android's key.
EXTRAS: Mapping[str, Extra] = {
    "device_admin_component_name": _TEXT,
    "device_admin_package_download_location": _TEXT,
    "device_admin_signature_checksum": _TEXT,
    "device_admin_package_checksum": _TEXT,
    "device_admin_package_download_cookie_header": _TEXT,
    "device_admin_minimum_version_code": Extra(int),
    "locale": _TEXT,
    "time_zone": _TEXT,
    "local_time": Extra(int, highest=_INT64),
    "leave_all_system_apps_enabled": _FLAG,
    "skip_encryption": _FLAG,
    "use_mobile_data": _FLAG,
    "sensors_permission_grant_opt_out": _FLAG,
    "allow_offline": _FLAG,
    "keep_screen_on": _FLAG,
    "organization_name": _TEXT,
    "support_url": _TEXT,
    "wifi_ssid": _TEXT,
    "wifi_security_type": Extra(str, words=("NONE", "WPA", "WEP", "EAP")),
    "wifi_password": _TEXT,
    "wifi_hidden": _FLAG,
    "wifi_proxy_host": _TEXT,
    "wifi_proxy_port": Extra(int, highest=65535),
    "wifi_proxy_bypass": _TEXT,
    "wifi_pac_url": _TEXT,
    "wifi_eap_method": Extra(str, words=_EAP_METHODS),
    "wifi_phase2_auth": Extra(str, words=_PHASE2_AUTHS),
    "wifi_ca_certificate": _TEXT,
    "wifi_user_certificate": _TEXT,
    "wifi_identity": _TEXT,
    "wifi_anonymous_identity": _TEXT,
    "wifi_domain": _TEXT,
    "role_holder_package_download_location": _TEXT,
    "role_holder_signature_checksum": _TEXT,
    "role_holder_package_download_cookie_header": _TEXT,
    "role_holder_extras_bundle": _OBJECT,
    "should_launch_result_intent": _FLAG,
}

_SET_BY_ANDROID = "is set by Android itself and has no place in a QR code; leave it out"
_FOR_WORK_PROFILES = "belongs to work profiles that are set up on the device; leave it out"
_NOT_IN_A_CODE = "needs a content URI, which a QR code cannot carry; leave it out"
_IGNORED = "is ignored by Android in a QR code; leave it out"

# Keys that do not belong into a QR code, behind PREFIX, and why.
EXCLUDED: Mapping[str, str] = {
    "DEVICE_ADMIN_PACKAGE_NAME": "is deprecated; set device_admin_component_name instead",
    "ADMIN_EXTRAS_BUNDLE": "is made by Rollbook of vendor_keys; put its content there",
    **dict.fromkeys(
        (
            "TRIGGER",
            "SUPPORTED_MODES",
            "SKIP_OWNERSHIP_DISCLAIMER",
            "RETURN_BEFORE_POLICY_COMPLIANCE",
            "IMEI",
            "SERIAL_NUMBER",
            "ALLOWED_PROVISIONING_MODES",
            "MODE",
        ),
        _SET_BY_ANDROID,
    ),
    **dict.fromkeys(("ACCOUNT_TO_MIGRATE", "KEEP_ACCOUNT_ON_MIGRATION"), _FOR_WORK_PROFILES),
    **dict.fromkeys(("DISCLAIMERS", "DISCLAIMER_HEADER", "DISCLAIMER_CONTENT"), _NOT_IN_A_CODE),
    **dict.fromkeys(
        (
            "SKIP_EDUCATION_SCREENS",
            "EMAIL_ADDRESS",
            "MAIN_COLOR",
            "LOGO_URI",
            "SKIP_USER_CONSENT",
            "SKIP_USER_SETUP",
            "DEVICE_ADMIN_PACKAGE_LABEL",
            "DEVICE_ADMIN_PACKAGE_ICON_URI",
        ),
        _IGNORED,
    ),
}

# Compared without regard to case: Android would not know the misspelled key.
_TYPED = {(PREFIX + name).casefold(): name for name in EXTRAS}
_REFUSED = {(PREFIX + name).casefold(): why for name, why in EXCLUDED.items()}
_SHORT_PREFIX = "a.a.e."  # aliases in AOSP's parser; not known to pass the QR reader
_DOTTED_NAME = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)+", re.ASCII)
_NAME_LIMIT = 255  # characters of a key; the longest of Android's own has 74
_WHOLE = "configuration"  # the field of every request that carries one
# Errors travel in HTTP/2 headers, of which clients take 8 KiB by default.
_NAMED_LIMIT, _SHOWN_LIMIT = 16, 80


def android_key(field_name: str) -> str:
    """Give the full Android key of a field of AndroidSystemExtras."""
    return PREFIX + field_name.upper()


def check(configuration: Configuration) -> None:
    """Refuse what cannot be meant; every bad key is named, the first 16 of very many.

    Texts never show a value, for some are passwords. Raises FieldsError with
    CONFIGURATION_INVALID.
    """
    found = _problems(configuration)
    named = dict(islice(found, _NAMED_LIMIT)) or _size_problem(configuration)
    further = sum(1 for _ in found)
    if further:
        named[_WHOLE] = f"{further} further keys are wrong too"
    if named:
        raise FieldsError(named, Reason.CONFIGURATION_INVALID)


def _problems(configuration: Configuration) -> Iterator[tuple[str, str]]:
    groups = {
        "vendor_keys": (configuration.vendor_keys, _vendor_key_problem),
        "system_extras": (configuration.system_extras, _extra_problem),
        "custom_system_keys": (configuration.custom_system_keys, _custom_key_problem),
    }
    for group, (values, problem_of) in groups.items():
        for name, value in values.items():
            problem = problem_of(name, value) or _json_problem(value)
            if problem:
                yield f"{_WHOLE}.{group}.{name[:_SHOWN_LIMIT]}", problem


def _vendor_key_problem(name: str, _: object) -> str | None:
    if not name or len(name) > _NAME_LIMIT:
        return f"must have a name of 1 to {_NAME_LIMIT} characters"
    if name.casefold().startswith(RESERVED_PREFIX):
        return f"names that begin with {RESERVED_PREFIX!r} are Rollbook's own; choose another one"
    return None


def _extra_problem(name: str, value: object) -> str | None:
    extra = EXTRAS.get(name)
    return extra.problem(value) if extra else "is not an extra that Rollbook knows"


def _custom_key_problem(name: str, _: object) -> str | None:
    folded = name.casefold()
    if folded in _TYPED:
        return f"set system_extras.{_TYPED[folded]} instead"
    if folded in _REFUSED:
        return _REFUSED[folded]
    if folded.startswith(_SHORT_PREFIX):
        return "write the key's full name, not its short form"
    if len(name) > _NAME_LIMIT or not _DOTTED_NAME.fullmatch(name):
        return f"is not a full key name such as {PREFIX}...; letters, digits, dots and '_' only"
    return None


def _json_problem(value: object) -> str | None:
    try:
        json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        return "holds something that JSON cannot say: an infinite number, or a value of no kind"
    return None


def _size_problem(configuration: Configuration) -> dict[str, str]:
    size = len(configuration.to_json().encode())
    if size <= SIZE_LIMIT:
        return {}
    return {
        _WHOLE: f"has {size:,} bytes; at most {SIZE_LIMIT:,} are kept, and a QR code holds 2,953"
    }
