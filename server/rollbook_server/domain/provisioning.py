"""What the QR code says: the JSON that Android's setup wizard reads.

The picture of it is drawn elsewhere; what Android will not understand of it is told
by `configuration_linter`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rollbook_server.domain.configurations import PREFIX, RESERVED_PREFIX, android_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollbook_server.domain.configurations import Configuration

ADMIN_EXTRAS_BUNDLE = f"{PREFIX}ADMIN_EXTRAS_BUNDLE"
SERVER_ADDRESS_KEY = f"{RESERVED_PREFIX}server_address"
TOKEN_KEY = f"{RESERVED_PREFIX}token"
PROFILE_ID_KEY = f"{RESERVED_PREFIX}profile_id"
# Bytes in the largest code, version 40 with the lowest error correction
# (ISO/IEC 18004, table 7).
PAYLOAD_LIMIT = 2953
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
