"""Rules of the linter about networks with IEEE 802.1X, which Android calls EAP.

Read in ManagedProvisioning (Android 13), WifiConfigurationProvider: whatever it cannot
use it skips with a line in a log that nobody reads. Only Android 10 and later know EAP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.domain.certificates import authority_fault, key_store_fault
from rollbook_server.domain.extras import given, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook_server.domain.extras import Extras, Rule

_METHOD, _PHASE2 = "wifi_eap_method", "wifi_phase2_auth"
_IDENTITY, _PASSWORD = "wifi_identity", "wifi_password"
_AUTHORITY, _USER_CERTIFICATE = "wifi_ca_certificate", "wifi_user_certificate"
_DOMAIN = "wifi_domain"
_EAP_ONLY = (
    *(_METHOD, _PHASE2, _AUTHORITY, _USER_CERTIFICATE),
    *(_IDENTITY, "wifi_anonymous_identity", _DOMAIN),
)
# What a method cannot do without; SIM and AKA have all of it on the card.
_NEEDED = {
    "PEAP": (_IDENTITY, _PASSWORD, _PHASE2),
    "TTLS": (_IDENTITY, _PASSWORD, _PHASE2),
    "TLS": (_IDENTITY, _USER_CERTIFICATE),
    "PWD": (_IDENTITY, _PASSWORD),
}
_OVER_TLS = ("PEAP", "TTLS", "TLS")
_TUNNELS = ("PEAP", "TTLS")
# A tunnel of PEAP carries EAP methods only (draft-josefsson-pppext-eap-tls-eap, 1.1).
_NOT_IN_PEAP = ("PAP", "MSCHAP")


def _method(extras: Extras) -> str:
    """Give the method, empty on a network without EAP."""
    is_eap = text_of(extras, "wifi_security_type") == "EAP"
    return text_of(extras, _METHOD) if is_eap else ""


def _without_eap(extras: Extras) -> Iterator[str]:
    ignored = given(extras, _EAP_ONLY)
    if ignored and text_of(extras, "wifi_security_type") != "EAP":
        yield f"Android ignores {', '.join(ignored)} here; set wifi_security_type to EAP."


def _without_method(extras: Extras) -> Iterator[str]:
    if text_of(extras, "wifi_security_type") == "EAP" and not text_of(extras, _METHOD):
        yield f"Android skips an EAP network without {_METHOD}; set it to PEAP, TLS or TTLS."


def _incomplete(extras: Extras) -> Iterator[str]:
    method = _method(extras)
    missing = [name for name in _NEEDED.get(method, ()) if not text_of(extras, name)]
    if missing:
        yield f"Android cannot join by {method} without {', '.join(missing)}; set what is missing."


def _phase2_unfit(extras: Extras) -> Iterator[str]:
    method, phase2 = _method(extras), text_of(extras, _PHASE2)
    if method == "PEAP" and phase2 in _NOT_IN_PEAP:
        yield f"Android cannot join by PEAP with {phase2} inside; set {_PHASE2} to MSCHAPV2 or GTC."
    if method and method not in _TUNNELS and phase2 not in ("", "NONE"):
        yield f"Android has no use for {_PHASE2} with {method}; leave it out."


def _server_unchecked(extras: Extras) -> Iterator[str]:
    missing = [name for name in (_AUTHORITY, _DOMAIN) if not text_of(extras, name)]
    if missing and _method(extras) in _OVER_TLS:
        yield (
            f"Android cannot check the server of the network without {' and '.join(missing)}: "
            "Android 11 and later may refuse it, others give anybody the password; set "
            f"both {_AUTHORITY} and {_DOMAIN}."
        )


def _certificate_malformed(extras: Extras) -> Iterator[str]:
    for name, fault_of in ((_AUTHORITY, authority_fault), (_USER_CERTIFICATE, key_store_fault)):
        certificate = text_of(extras, name)
        fault = fault_of(certificate) if certificate else ""
        if fault:
            yield f"Android skips the network, because {name} {fault}."


RULES: tuple[Rule, ...] = (
    _without_eap,
    _without_method,
    _incomplete,
    _phase2_unfit,
    _server_unchecked,
    _certificate_malformed,
)
