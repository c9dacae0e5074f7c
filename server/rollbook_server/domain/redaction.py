"""Takes out of texts what may stand in no log and in no error: IMEIs, tokens, API keys.

No message is meant to hold any; but some repeat what a caller sent, and the text of an
error of another library is not ours.
"""

from __future__ import annotations

import re

from rollbook_server.domain import token_values

_KEPT = 2  # digits, by which a person finds the device again
# No part of an id, a decimal or a longer number.
_IMEI = re.compile(r"(?<![\w.-])\d{14,16}(?![\w.])")
_TOKEN = re.compile(r"(?<![\w-])[0-9A-Za-z]{5}(?:-?[0-9A-Za-z]{5}){5}(?![\w-])")
_API_KEY = re.compile(r"\brbk_[\w-]+")


def redacted(text: str) -> str:
    """Give the text with asterisks in place of secrets; of an IMEI its last digits stay."""
    text = _API_KEY.sub("rbk_***", text)
    text = _TOKEN.sub(lambda found: _without_token(found[0]), text)
    return _IMEI.sub(lambda found: "*" * (len(found[0]) - _KEPT) + found[0][-_KEPT:], text)


def _without_token(text: str) -> str:
    # By chance one in 1,024 other texts of that form is taken for a token as well.
    return text if token_values.normalise(text) is None else "*" * len(text)
