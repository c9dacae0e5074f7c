"""What is wrong with the checksum of a download, as Android reads it.

Android decodes URL-safe base64 and compares 32 bytes of SHA-256; `+` and `/` are
no digits of it. Padding may be there or not: both are in use (ManagedProvisioning,
StoreUtils; Google's own sample is padded).
"""

from __future__ import annotations

import base64
import binascii
import re

_SHA256_BYTES, _SHA1_BYTES = 32, 20
_HEXADECIMAL = re.compile(r"([0-9A-Fa-f]{2}[: ]?)+")


def checksum_fault(text: str) -> str:
    """Say what a checksum is instead of what Android reads, and the cure; empty if sound."""
    if _HEXADECIMAL.fullmatch(text):
        return _fault_of_hexadecimal(len(re.sub("[: ]", "", text)) // 2)
    size = _size(text)
    if size == _SHA1_BYTES:
        return "is as short as SHA-1; take the SHA-256 instead"
    if size != _SHA256_BYTES:
        return "is no base64 of 32 bytes; write the SHA-256 as 43 letters, digits, '-' and '_'"
    if set(text) & set("+/"):
        return "is standard base64; write '-' for each '+' and '_' for each '/'"
    return ""


def _fault_of_hexadecimal(size: int) -> str:
    if size == _SHA1_BYTES:
        return "is SHA-1 in hexadecimal; take the SHA-256 and write its bytes in URL-safe base64"
    return "is hexadecimal; write the 32 bytes of the SHA-256 in URL-safe base64"


def _size(text: str) -> int:
    """Give how many bytes either kind of base64 stands for, -1 if it is neither."""
    digits = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return len(base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True))
    except (binascii.Error, ValueError):
        return -1
