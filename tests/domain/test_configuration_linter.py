"""The linter tells what Android would refuse, ignore or misread, and nothing else."""

from __future__ import annotations

import base64
import zoneinfo
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook_server.domain import setup_rules
from rollbook_server.domain.configuration_linter import RULES, warnings
from rollbook_server.domain.configurations import EMPTY, EXTRAS, Configuration, check

CHECKSUM = base64.urlsafe_b64encode(b"\xff" * 32).decode()


def der(content: bytes) -> str:
    """Give base64 of a DER sequence with this content."""
    size = len(content).to_bytes(2, "big")
    return base64.b64encode(b"\x30\x82" + size + content).decode()


CERTIFICATE, KEY_STORE = der(b"\x30\x00" * 40), der(b"\x02\x01\x03" + b"\x30\x00" * 40)
WPA: dict[str, object] = {
    "device_admin_component_name": "com.example.dpc/.Receiver",
    "device_admin_package_download_location": "https://example.com/dpc.apk",
    "device_admin_signature_checksum": CHECKSUM,
    "device_admin_package_download_cookie_header": "SECRET=1",
    "device_admin_minimum_version_code": 7,
    "wifi_ssid": "Lager 4",
    "wifi_hidden": False,
    "wifi_security_type": "WPA",
    "wifi_password": "SECRET-7",
    "wifi_proxy_host": "proxy.example.com",
    "wifi_proxy_port": 3128,
    "wifi_proxy_bypass": "localhost",
    "locale": "de_DE",
    "time_zone": "Europe/Berlin",
    "local_time": 1_764_000_000_000,
    "leave_all_system_apps_enabled": False,
    "skip_encryption": False,
    "use_mobile_data": False,
    "allow_offline": True,
    "organization_name": "Depot",
    "support_url": "https://example.com/help",
    "role_holder_package_download_location": "https://example.com/holder.apk",
    "role_holder_signature_checksum": CHECKSUM,
    "role_holder_package_download_cookie_header": "SECRET=2",
    "role_holder_extras_bundle": {"a": "1"},
}
EAP: dict[str, object] = {
    **{name: value for name, value in WPA.items() if "proxy" not in name},
    "wifi_security_type": "EAP",
    "wifi_pac_url": "http://proxy.example.com/proxy.pac",
    "wifi_eap_method": "TTLS",
    "wifi_phase2_auth": "PAP",
    "wifi_ca_certificate": CERTIFICATE,
    "wifi_identity": "SECRET@example.com",
    "wifi_anonymous_identity": "anonymous",
    "wifi_domain": "example.com",
}
TLS = {
    **{name: value for name, value in EAP.items() if name != "wifi_phase2_auth"},
    "wifi_eap_method": "TLS",
    "wifi_user_certificate": KEY_STORE,
}
SOUND = {"WPA": WPA, "EAP": EAP, "TLS": TLS}

LOCATION, COOKIE = "device_admin_package_download_location", "package_download_cookie_header"
SIGNATURE, PACKAGE = "device_admin_signature_checksum", "device_admin_package_checksum"
VERSION = "device_admin_minimum_version_code"
HOLDER, HOLDER_SIGNATURE = "role_holder_package_download_location", "role_holder_signature_checksum"


def linted(extras: dict[str, object], without: str = "", /, **changes: object) -> list[str]:
    dropped = without.split()
    kept = {name: value for name, value in (extras | changes).items() if name not in dropped}
    configuration = Configuration(system_extras=kept)
    check(configuration)  # what is warned of is not refused
    return warnings(configuration)


@pytest.mark.parametrize("extras", SOUND.values(), ids=SOUND.keys())
def test_a_good_and_full_configuration_gives_no_warning(extras: dict[str, object]) -> None:
    assert linted(extras) == []


# Of a sound configuration: words of the one warning, extras left out, extras changed.
DOWNLOADS: list[tuple[str, str, dict[str, object]]] = [
    ("refuses a code without", "device_admin_component_name", {}),
    ("names no receiver", "", {"device_admin_component_name": "com.example.dpc"}),
    ("names no receiver", "", {"device_admin_component_name": "com.example.dpc/"}),
    ("without a checksum", SIGNATURE, {}),
    (f"{LOCATION} is no such address", "", {LOCATION: "ftp://example.com/dpc.apk"}),
    (f"{LOCATION} is no such address", "", {LOCATION: "example.com/dpc.apk"}),
    (f"{LOCATION} is no such address", "", {LOCATION: "https://"}),
    (f"{LOCATION} is no such address", "", {LOCATION: "https://[x/"}),
    (f"{HOLDER} is no such address", "", {HOLDER: "content://holder"}),
    ("everybody can read it", "", {LOCATION: "http://example.com/dpc.apk"}),
    ("everybody can read it", "", {HOLDER: "http://example.com/holder.apk"}),
    (f"ignores {SIGNATURE}, device_admin_{COOKIE}, {VERSION};", LOCATION, {}),
    (f"{SIGNATURE} is no base64 of 32 bytes", "", {SIGNATURE: "abc"}),
    (f"{SIGNATURE} is no base64 of 32 bytes", "", {SIGNATURE: "not base64 at all!"}),
    (f"{SIGNATURE} is standard base64", "", {SIGNATURE: "+" * 42 + "8"}),
    (f"{SIGNATURE} is standard base64", "", {SIGNATURE: "/" * 42 + "8="}),
    (f"{SIGNATURE} is hexadecimal", "", {SIGNATURE: "ab" * 32}),
    (f"{SIGNATURE} is hexadecimal", "", {SIGNATURE: "AB" + ":CD" * 31}),
    (f"{SIGNATURE} is SHA-1 in hexadecimal", "", {SIGNATURE: "ab" * 20}),
    (f"{SIGNATURE} is as short as SHA-1", "", {SIGNATURE: "A" * 27 + "="}),
    (f"{PACKAGE} is as short as SHA-1", SIGNATURE, {PACKAGE: "_" * 26 + "w"}),
    (f"{HOLDER_SIGNATURE} is standard base64", "", {HOLDER_SIGNATURE: "+" * 42 + "8"}),
    (f"checks {PACKAGE} alone", "", {PACKAGE: CHECKSUM}),
    (f"without {HOLDER_SIGNATURE}", HOLDER_SIGNATURE, {}),
    (f"without {HOLDER}", HOLDER, {}),
    (f"{COOKIE} and role_holder_extras_bundle would", f"{HOLDER} {HOLDER_SIGNATURE}", {}),
]
SETUP: list[tuple[str, str, dict[str, object]]] = [
    ("not https", "", {"support_url": "http://example.com"}),
    ("not https", "", {"support_url": "example.com"}),
    ("not https", "", {"support_url": ""}),
    ("no language tag", "", {"locale": "german (de)"}),
    ("no language tag", "", {"locale": "de__DE"}),
    ("no language tag", "", {"locale": "de_DE.UTF-8"}),
    ("no language tag", "", {"locale": "d"}),
    ("no language tag", "", {"locale": ""}),
    ("no such time_zone", "", {"time_zone": "Europe/Musterstadt"}),
    ("no such time_zone", "", {"time_zone": "Europe"}),
    ("no such time_zone", "", {"time_zone": "../../etc/passwd"}),
    ("no such time_zone", "", {"time_zone": "UTC+2"}),
    ("no such time_zone", "", {"time_zone": ""}),
    ("local_time in milliseconds", "", {"local_time": 1_764_000_000}),
    ("local_time in milliseconds", "", {"local_time": 1_764_000_000_000_000}),
    ("without use_mobile_data", "", {"use_mobile_data": True}),
    ("ignore keep_screen_on", "", {"keep_screen_on": True}),
]
PROXY = "wifi_proxy_host wifi_proxy_port wifi_proxy_bypass"
WIFI: list[tuple[str, str, dict[str, object]]] = [
    ("drops wifi_hidden, wifi_password, wifi_security_type without", f"wifi_ssid {PROXY}", {}),
    ("of such a wifi_ssid", "", {"wifi_ssid": "\u00fc" * 17}),
    ("open network", "wifi_security_type", {}),
    ("open network", "", {"wifi_security_type": "NONE"}),
    ("cannot join a WEP", "wifi_password", {"wifi_security_type": "WEP"}),
    ("cannot join a WPA", "wifi_password", {}),
    ("8 to 63 bytes", "", {"wifi_password": "SECRET7"}),
    ("8 to 63 bytes", "", {"wifi_password": "S" * 64}),
    ("8 to 63 bytes", "", {"wifi_password": "ab" * 32}),
    ("key of this length", "", {"wifi_security_type": "WEP"}),
    ("ignores wifi_proxy_port and wifi_proxy_bypass", "wifi_proxy_host", {}),
    ("at port 0", "wifi_proxy_port", {}),
    ("ignores wifi_pac_url", "", {"wifi_pac_url": "http://example.com/proxy.pac"}),
    ("wifi_pac_url that is no address", PROXY, {"wifi_pac_url": "proxy.pac"}),
    ("ignores wifi_eap_method, wifi_identity here", "", {
        "wifi_eap_method": "PEAP", "wifi_identity": "x",
    }),
]  # fmt: skip
IN_EAP: list[tuple[str, str, dict[str, object]]] = [
    ("without wifi_eap_method", "wifi_eap_method", {}),
    ("by TTLS without wifi_identity;", "wifi_identity", {}),
    ("by TTLS without wifi_password;", "wifi_password", {}),
    ("by TTLS without wifi_phase2_auth;", "wifi_phase2_auth", {}),
    ("by PWD without wifi_identity, wifi_password;", "wifi_identity wifi_password", {
        "wifi_eap_method": "PWD", "wifi_phase2_auth": "NONE",
    }),
    ("by TLS without wifi_user_certificate;", "wifi_phase2_auth", {"wifi_eap_method": "TLS"}),
    ("by PEAP with PAP inside", "", {"wifi_eap_method": "PEAP"}),
    ("no use for wifi_phase2_auth with AKA", "", {"wifi_eap_method": "AKA"}),
    ("without wifi_ca_certificate:", "wifi_ca_certificate", {}),
    ("without wifi_domain:", "wifi_domain", {}),
    ("without wifi_ca_certificate and wifi_domain:", "wifi_ca_certificate wifi_domain", {}),
    ("wifi_ca_certificate has the first and last line of PEM", "", {
        "wifi_ca_certificate": f"-----BEGIN CERTIFICATE-----\n{CERTIFICATE}\n",
    }),
    ("wifi_ca_certificate has white space", "", {
        "wifi_ca_certificate": f"{CERTIFICATE[:64]}\n{CERTIFICATE[64:]}",
    }),
    ("wifi_ca_certificate is no standard base64", "", {"wifi_ca_certificate": "_-SECRET"}),
    ("wifi_ca_certificate is no DER", "", {"wifi_ca_certificate": "SECRET=="}),
    ("wifi_ca_certificate is no DER", "", {"wifi_ca_certificate": CERTIFICATE[:-4]}),
    ("wifi_ca_certificate is no DER", "", {"wifi_ca_certificate": KEY_STORE}),
    ("wifi_user_certificate is no PKCS#12", "", {"wifi_user_certificate": CERTIFICATE}),
    ("wifi_user_certificate is no PKCS#12", "", {"wifi_user_certificate": "MAA="}),
    ("wifi_user_certificate is no standard base64", "", {"wifi_user_certificate": "SECRET!"}),
]  # fmt: skip
FAULTS = [
    *((WPA, *fault) for fault in (*DOWNLOADS, *SETUP, *WIFI)),
    *((EAP, *fault) for fault in IN_EAP),
]


@pytest.mark.parametrize(
    ("extras", "words", "without", "changes"), FAULTS, ids=[words for _, words, *_ in FAULTS]
)
def test_each_fault_gives_one_warning(
    extras: dict[str, object], words: str, without: str, changes: dict[str, object]
) -> None:
    (text,) = linted(extras, without, **changes)

    assert words in text
    assert "; " in text  # ends in what to do
    assert text.endswith(".")
    assert "SECRET" not in text


def test_every_rule_has_an_example_and_stands_once() -> None:
    assert len(set(RULES)) == len(RULES)
    for rule in RULES:
        assert any(
            list(rule({n: v for n, v in (extras | changes).items() if n not in without.split()}))
            for extras, _, without, changes in FAULTS
        ), rule


@pytest.mark.parametrize(
    "changes",
    [
        {"device_admin_component_name": "com.example.dpc/com.example.dpc.Receiver$Inner"},
        {SIGNATURE: "H2IxQHNSEQDujQ7aEQUzvl43Ngik_w9AGHExJhhWELE"},
        {SIGNATURE: CHECKSUM.rstrip("=")},
        {SIGNATURE: "", PACKAGE: CHECKSUM},
        {LOCATION: "https://user@example.com:8443/dpc.apk?v=1&x=%20"},
        {LOCATION: "", SIGNATURE: "", VERSION: 0, f"device_admin_{COOKIE}": ""} | {VERSION: None},
        {"wifi_security_type": "NONE", "wifi_password": ""},
        {"wifi_security_type": "WEP", "wifi_password": "abcde"},
        {"wifi_security_type": "WEP", "wifi_password": "0123456789"},
        {"wifi_password": "x" * 63},
        {"wifi_ssid": "\u00fc" * 16},
        {"support_url": "HTTPS://example.com"},
        {"locale": "zh-Hant-TW"},
        {"locale": "de"},
        {"locale": "es_419"},
        {"locale": "de-CH-1996-u-co-phonebk-x-depot"},
        {"time_zone": "America/Argentina/Buenos_Aires"},
        {"local_time": 2**40},
        {"use_mobile_data": True, "wifi_ssid": None},
    ],
    ids=str,
)
def test_what_android_understands_gives_no_warning(changes: dict[str, object]) -> None:
    gone = " ".join(name for name, value in changes.items() if value is None)
    if "wifi_ssid" in gone:
        gone = " ".join(name for name in WPA if name.startswith("wifi_"))
    assert linted(WPA, gone, **changes) == []


@pytest.mark.parametrize("length", [31, 33])
def test_a_checksum_of_another_length_is_told(length: int) -> None:
    checksum = base64.urlsafe_b64encode(b"x" * length).decode()

    assert len(linted(WPA, device_admin_signature_checksum=checksum)) == 1


def test_sim_cards_need_nothing_else() -> None:
    wifi = {"wifi_ssid": "x", "wifi_security_type": "EAP", "wifi_eap_method": "SIM"}
    extras: dict[str, object] = {"device_admin_component_name": "a.b/.C", **wifi}

    assert linted(extras) == []


def test_a_machine_without_time_zones_says_nothing_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none_known(name: str) -> None:
        raise zoneinfo.ZoneInfoNotFoundError(name)

    monkeypatch.setattr(setup_rules, "ZoneInfo", none_known)
    assert linted(WPA, time_zone="Europe/Musterstadt") == []


def custom(name: str, value: object) -> list[str]:
    configuration = Configuration(system_extras=WPA, custom_system_keys={name: value})
    check(configuration)
    return warnings(configuration)


@pytest.mark.parametrize("value", ["true", "False", "1", "-3", "2.5", " TRUE "])
def test_a_quoted_value_of_a_custom_key_is_told(value: str) -> None:
    (text,) = custom("a.b", value)
    assert text.startswith("a.b is a quoted number or boolean")


@pytest.mark.parametrize("value", [True, 1, 2.5, "yes", "1a", "", None, {"a": "1"}])
def test_other_values_of_a_custom_key_are_not(value: object) -> None:
    assert custom("a.b", value) == []


@pytest.mark.parametrize("prefix", ["android.app.extras.", "android.app.admin.extra.", "com."])
def test_a_key_of_android_behind_a_wrong_prefix_is_told(prefix: str) -> None:
    (text,) = custom(f"{prefix}PROVISIONING_WIFI_SSID", "x")
    assert "set system_extras.wifi_ssid instead" in text


def test_vendor_keys_go_to_the_controller_as_they_are() -> None:
    vendor = {"quickStart": "true", "port": "1", "PROVISIONING_WIFI_SSID": "x"}

    assert warnings(Configuration(vendor_keys=vendor, system_extras=WPA)) == []


@pytest.mark.parametrize(("size", "count"), [(500, 0), (1_000, 1), (12_000, 1)])
def test_a_code_that_is_nearly_full_or_too_large_is_told(size: int, count: int) -> None:
    found = warnings(Configuration(vendor_keys={"k": "x" * size}, system_extras=WPA))

    assert ["2,953 is the most" in text for text in found] == [True] * count


def test_an_empty_configuration_is_warned_of_once() -> None:
    (text,) = warnings(EMPTY)

    assert "device_admin_component_name" in text


# What the contract can carry: protobuf's strings hold every character but surrogates.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
likely = st.sampled_from(
    ["", "https://[", "http://a:b:c/", "../x", "\0", "a/b", "de-", "=", "MAA=", "MIIB", "x" * 5000]
)
structs: Any = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def values_of(name: str) -> st.SearchStrategy[object]:
    extra = EXTRAS[name]
    if extra.words:
        return st.sampled_from(extra.words)
    kinds: dict[type, st.SearchStrategy[Any]] = {
        str: texts | likely | st.binary(max_size=40).map(lambda b: base64.b64encode(b).decode()),
        int: st.integers(0, extra.highest),
        bool: st.booleans(),
        dict: st.dictionaries(texts, structs, max_size=3),
    }
    return kinds[extra.kind]


@given(
    st.fixed_dictionaries({}, optional={name: values_of(name) for name in EXTRAS}),
    st.dictionaries(texts, structs, max_size=3),
    st.dictionaries(texts | st.just("com.PROVISIONING_WIFI_SSID"), structs, max_size=3),
)
def test_no_rule_fails_on_anything_that_the_contract_can_carry(
    extras: dict[str, object], vendor: dict[str, object], keys: dict[str, object]
) -> None:
    for text in warnings(Configuration(vendor, extras, keys)):
        assert text.endswith(".")
