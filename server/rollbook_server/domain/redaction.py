"""Takes out of texts what may stand in no log and in no error: IMEIs, tokens, API keys.

No message is meant to hold any; but some repeat what a caller sent, and the text of an
error of another library is not ours.
"""

from __future__ import annotations

import re

from rollbook_server.domain import token_values
from rollbook_server.domain.luhn import luhn_holds

_KEPT = 2  # digits, by which a person finds the device again
# No part of an id, a decimal or a longer number; but a sentence, or the name of a file, may
# go on with a full stop behind it.
_IMEI = re.compile(r"(?<![\w.-])\d{14,16}(?!\w|\.\d)")
# As labels and people group it. Other numbers are grouped as well: only a right check digit
# makes one an IMEI.
_GROUPED_IMEI = re.compile(r"(?<![\w.-])\d(?:[ /-]?\d){14}(?![\w-]|\.\d)")
# With the hyphens and spaces that `token_values` forgives, between its groups.
_BETWEEN = r"[\s\-\u2010-\u2014\u2212]{0,2}"
_TOKEN = re.compile(rf"(?<![\w-])[0-9A-Za-z]{{5}}(?:{_BETWEEN}[0-9A-Za-z]{{5}}){{5}}(?![\w-])")
_API_KEY = re.compile(r"rbk_[\w-]+")


def redacted(text: str) -> str:
    """Give the text with asterisks in place of secrets; of an IMEI its last digits stay."""
    text = _API_KEY.sub("rbk_***", text)
    text = _TOKEN.sub(lambda found: _without_token(found[0]), text)
    text = _GROUPED_IMEI.sub(lambda found: _without_imei(found[0]), text)
    return _IMEI.sub(lambda found: _starred(found[0]), text)


def _without_token(text: str) -> str:
    # By chance one in 1,024 other texts of that form is taken for a token as well.
    return text if token_values.normalise(text) is None else "*" * len(text)


def _without_imei(text: str) -> str:
    digits = "".join(str(int(each)) for each in text if each.isdecimal())
    return _starred(text) if luhn_holds(digits) else text


def _starred(text: str) -> str:
    return "*" * (len(text) - _KEPT) + text[-_KEPT:]
