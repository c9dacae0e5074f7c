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
# With letters beside it, as in a name that somebody made of it, or as labels and people group it.
# Other numbers stand so as well: only a right check digit makes one an IMEI. No part of a UUID,
# in which a group begins behind a hyphen, has the 15 digits of the grouped form.
_JOINED_IMEI = re.compile(r"(?<!\d)(?<!\d\.)\d{15}(?!\d|\.\d)")
_GROUPED_IMEI = re.compile(r"(?<![^\W_]|\.)(?<!\d[-_])\d(?:[ /-]?\d){14}(?![\w-]|\.\d)")
# With the hyphens and spaces that `token_values` forgives between its groups, and what else
# people write there. One may begin in the middle of what looks like another.
_BETWEEN = r"[\s\-_.:\u2010-\u2014\u2212]{0,2}"
_TOKEN = re.compile(
    rf"(?<![0-9A-Za-z])(?=([0-9A-Za-z]{{5}}(?:{_BETWEEN}[0-9A-Za-z]{{5}}){{5}})(?![0-9A-Za-z]))"
)
_API_KEY = re.compile(r"rbk_[\w-]+")


# What a name may have between the parts of a secret.
_SEPARATORS = re.compile(r"[\W_]")
_MANY_DIGITS = re.compile(r"\d{14}")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]+")
# With a letter in it, for the digits of an IMEI may stand behind noughts.
_UUID = re.compile(r"(?=.*[a-fA-F])[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")


def redacted(text: str) -> str:
    """Give the text with asterisks in place of secrets; of an IMEI its last digits stay."""
    text = _without_tokens(_API_KEY.sub("rbk_***", text))
    for pattern in (_GROUPED_IMEI, _JOINED_IMEI):
        text = pattern.sub(lambda found: _without_imei(found[0]), text)
    return _IMEI.sub(lambda found: _starred(found[0]), text)


def may_hold_secret(name: str) -> bool:
    """Tell whether a name, which can be another one, may hold a secret, however that is written.

    So it is stricter than `redacted`: any 14 digits may be an IMEI. A UUID holds none.
    """
    if _UUID.fullmatch(name):
        return False
    bare = _SEPARATORS.sub("", name)
    return bool(_MANY_DIGITS.search(bare)) or _holds_token(bare) or redacted(name) != name


def _holds_token(bare: str) -> bool:
    starts = range(len(bare) - token_values.VALUE_LENGTH + 1)
    parts = (bare[start : start + token_values.VALUE_LENGTH] for start in starts)
    # No token is of hexadecimal digits alone, and many names are.
    return any(not _HEXADECIMAL.fullmatch(part) and token_values.normalise(part) for part in parts)


def _without_tokens(text: str) -> str:
    # By chance one in 1,024 other texts of that form is taken for a token as well.
    for found in _TOKEN.finditer(text):
        if token_values.normalise(_SEPARATORS.sub("", found[1])):
            start, end = found.span(1)
            text = f"{text[:start]}{'*' * (end - start)}{text[end:]}"
    return text


def _without_imei(text: str) -> str:
    digits = "".join(str(int(each)) for each in text if each.isdecimal())
    return _starred(text) if luhn_holds(digits) else text


def _starred(text: str) -> str:
    return "*" * (len(text) - _KEPT) + text[-_KEPT:]
