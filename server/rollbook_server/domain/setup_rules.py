"""Rules of the linter about how the device is set up: language, clock, network, help.

Read in ManagedProvisioning (Android 13), ExtrasProvisioningDataParser, and in the
documentation of DevicePolicyManager.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rollbook_server.domain.extras import is_address, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook_server.domain.extras import Extras, Rule

# What Java's Locale.Builder takes for a tag (RFC 5646, 2.1): language, script, region,
# variants, extensions, private use.
_LANGUAGE_TAG = re.compile(
    r"[a-z]{2,8}(-[a-z]{3}){0,3}(-[a-z]{4})?(-([a-z]{2}|\d{3}))?"
    r"(-([a-z0-9]{5,8}|\d[a-z0-9]{3}))*(-[a-wyz0-9](-[a-z0-9]{2,8})+)*(-x(-[a-z0-9]{1,8})+)?",
    re.IGNORECASE | re.ASCII,
)
# From 2000 to 2100 in milliseconds: seconds and microseconds of today lie outside.
_EARLIEST, _LATEST = 946_684_800_000, 4_102_444_800_000
# Systems keep the whole database once more in these, for other purposes.
_NO_ZONES = ("posix/", "right/")


def _support_url_insecure(extras: Extras) -> Iterator[str]:
    if "support_url" in extras and not is_address(text_of(extras, "support_url"), "https"):
        yield "Android shows an error for a support_url that is not https; use an https address."


def _locale_malformed(extras: Extras) -> Iterator[str]:
    locale = text_of(extras, "locale").replace("_", "-")
    if "locale" in extras and not _LANGUAGE_TAG.fullmatch(locale):
        yield "Android aborts the setup if locale is no language tag; write it like de_DE."


def _time_zone_unknown(extras: Extras) -> Iterator[str]:
    zone = text_of(extras, "time_zone")
    # A machine without the database cannot tell; it says nothing then.
    if "time_zone" in extras and not _is_zone(zone) and _is_zone("Etc/UTC"):
        yield "Android knows no such time_zone and ignores it; write it like Europe/Berlin."


def _is_zone(name: str) -> bool:
    try:
        return bool(name) and not name.startswith(_NO_ZONES) and bool(ZoneInfo(name))
    except (KeyError, ValueError, OSError):
        return False


def _local_time_in_other_units(extras: Extras) -> Iterator[str]:
    time = extras.get("local_time")
    if isinstance(time, int) and not _EARLIEST <= time < _LATEST:
        yield (
            "Android reads local_time in milliseconds since 1970 and would set its clock "
            "before 2000 or after 2100; multiply seconds by 1,000, or leave it out."
        )


def _mobile_data_beside_wifi(extras: Extras) -> Iterator[str]:
    if extras.get("use_mobile_data") and text_of(extras, "wifi_ssid"):
        yield (
            "Android sets up over one network, and a code that names wifi_ssid goes without "
            "use_mobile_data; leave one of the two out."
        )


def _screen_kept_on(extras: Extras) -> Iterator[str]:
    if "keep_screen_on" in extras:
        yield "Newer versions of Android ignore keep_screen_on, which is deprecated; leave it out."


RULES: tuple[Rule, ...] = (
    _support_url_insecure,
    _locale_malformed,
    _time_zone_unknown,
    _local_time_in_other_units,
    _mobile_data_beside_wifi,
    _screen_kept_on,
)
