"""Rules of the linter about the Wi-Fi network; those of EAP stand in `eap_rules`.

Read in ManagedProvisioning (Android 13), WifiConfigurationProvider, and in the
limits that Android's WifiConfigurationUtil keeps.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rollbook_server.domain.extras import given, is_address, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook_server.domain.extras import Extras, Rule

_LONGEST_SSID = 32  # bytes (IEEE 802.11, 9.4.2.2)
_SHORTEST_PASSWORD, _LONGEST_PASSWORD = 8, 63  # bytes (WifiConfigurationUtil)
# Digits are a key at these lengths alone; everything else is put into quotes.
_WEP_KEY = re.compile(r"[0-9A-Fa-f]{10}|[0-9A-Fa-f]{26}|[0-9A-Fa-f]{58}")
_WEP_TEXTS = (5, 13, 16, 29)
_PROXY_HOST, _PROXY_PORT = "wifi_proxy_host", "wifi_proxy_port"


def _without_ssid(extras: Extras) -> Iterator[str]:
    dropped = sorted(name for name in extras if name.startswith("wifi_") and name != "wifi_ssid")
    if dropped and not text_of(extras, "wifi_ssid"):
        yield f"Android drops {', '.join(dropped)} without wifi_ssid; name the network, too."


def _ssid_too_long(extras: Extras) -> Iterator[str]:
    if _size(text_of(extras, "wifi_ssid")) > _LONGEST_SSID:
        yield f"Android finds no network of such a wifi_ssid; {_LONGEST_SSID} bytes is the longest."


def _taken_for_open(extras: Extras) -> Iterator[str]:
    is_open = text_of(extras, "wifi_security_type") in ("", "NONE")
    if is_open and text_of(extras, "wifi_password"):
        yield (
            "Android takes the Wi-Fi for an open network and ignores wifi_password; set "
            "wifi_security_type to WPA, WEP or EAP."
        )


def _without_password(extras: Extras) -> Iterator[str]:
    security = text_of(extras, "wifi_security_type")
    if security in {"WPA", "WEP"} and not text_of(extras, "wifi_password"):
        yield f"Android cannot join a {security} network without wifi_password; set it."


def _password_of_wrong_length(extras: Extras) -> Iterator[str]:
    password = text_of(extras, "wifi_password")
    is_wpa = text_of(extras, "wifi_security_type") == "WPA"
    if password and is_wpa and not _SHORTEST_PASSWORD <= _size(password) <= _LONGEST_PASSWORD:
        yield (
            "Android takes a WPA password of 8 to 63 bytes, no shorter one and no key of 64 "
            "hexadecimal digits, and joins no network with this one; correct wifi_password."
        )


def _wep_key_malformed(extras: Extras) -> Iterator[str]:
    password = text_of(extras, "wifi_password")
    is_key = _WEP_KEY.fullmatch(password) or _size(password) in _WEP_TEXTS
    if password and text_of(extras, "wifi_security_type") == "WEP" and not is_key:
        yield (
            "Android joins no WEP network with a key of this length; make wifi_password 10 or 26 "
            "hexadecimal digits, or 5 or 13 characters."
        )


def _proxy_without_host(extras: Extras) -> Iterator[str]:
    idle = given(extras, (_PROXY_PORT, "wifi_proxy_bypass"))
    if idle and not text_of(extras, _PROXY_HOST):
        yield f"Android ignores {' and '.join(idle)} without {_PROXY_HOST}; set it, too."


def _proxy_without_port(extras: Extras) -> Iterator[str]:
    if text_of(extras, _PROXY_HOST) and not extras.get(_PROXY_PORT):
        yield f"Android calls the proxy at port 0 without {_PROXY_PORT}; set it."


def _two_proxies(extras: Extras) -> Iterator[str]:
    if text_of(extras, _PROXY_HOST) and text_of(extras, "wifi_pac_url"):
        yield f"Android takes {_PROXY_HOST} and ignores wifi_pac_url; leave one of the two out."


def _pac_url_malformed(extras: Extras) -> Iterator[str]:
    address = text_of(extras, "wifi_pac_url")
    if address and not is_address(address, "https", "http"):
        yield "Android finds no proxy by a wifi_pac_url that is no address; write https://host/path."


def _size(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


RULES: tuple[Rule, ...] = (
    _without_ssid,
    _ssid_too_long,
    _taken_for_open,
    _without_password,
    _password_of_wrong_length,
    _wep_key_malformed,
    _proxy_without_host,
    _proxy_without_port,
    _two_proxies,
    _pac_url_malformed,
)
