"""What Android would refuse, ignore or misread of a configuration, without saying so.

Refused, in `configurations`, is only what no Android can be meant to read: a wrong
type, an unknown word, a key that another one is for. Everything here is a warning,
because it depends on the version of Android, the controller or the network, and an
administrator may know better. A rule is a small function that knows one fault; a new one is
one function and one line in the RULES of its room. Sources are named room by room.
Vendor keys have no rules: Android hands them to the controller as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rollbook_server.domain import download_rules, eap_rules, provisioning, setup_rules, wifi_rules
from rollbook_server.domain.configurations import EXTRAS, PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rollbook_server.domain.configurations import Configuration
    from rollbook_server.domain.extras import Rule

RULES: tuple[Rule, ...] = (
    *download_rules.RULES,
    *wifi_rules.RULES,
    *eap_rules.RULES,
    *setup_rules.RULES,
)
_QUOTED = re.compile(r"\s*(true|false|[-+]?\d+(\.\d+)?)\s*", re.IGNORECASE | re.ASCII)
_PROVISIONING = PREFIX[PREFIX.rindex(".") + 1 :].casefold()
_KNOWN = {_PROVISIONING + name: name for name in EXTRAS}
# What Rollbook puts beside the configuration, at its usual length.
_USUAL = {"server_address": "s" * 24, "token": "t" * 36, "profile_id": "p" * 16}
_MUCH = provisioning.PAYLOAD_LIMIT * 9 // 10


def warnings(configuration: Configuration) -> list[str]:
    """Say what Android would refuse, ignore or misread, each with what to do about it.

    Like all texts for administrators they never show a value.
    """
    found = [text for rule in RULES for text in rule(configuration.system_extras)]
    custom = configuration.custom_system_keys
    return [*found, *_misspelt(custom), *_quoted(custom), *_too_large(configuration)]


def _misspelt(custom: Mapping[str, object]) -> Iterator[str]:
    for name in custom:
        if known := _KNOWN.get(name.rpartition(".")[2].casefold()):
            yield f"Android reads no {name}; set system_extras.{known} instead."


def _quoted(custom: Mapping[str, object]) -> Iterator[str]:
    for name, value in custom.items():
        if isinstance(value, str) and _QUOTED.fullmatch(value):
            yield (
                f"{name} is a quoted number or boolean, which Android ignores unless the key "
                "is a text; take the quotes off."
            )


def _too_large(configuration: Configuration) -> Iterator[str]:
    size = len(provisioning.payload(configuration, **_USUAL))
    if size > _MUCH:
        yield (
            f"The QR code would hold about {size:,} bytes, and {provisioning.PAYLOAD_LIMIT:,} is "
            "the most it can; let the controller fetch certificates and long vendor keys later."
        )
