"""What is wrong with a certificate in a configuration, as far as bytes alone can tell.

Android decodes standard base64 without white space, and reads DER of X.509 or
PKCS#12 (WifiConfigurationProvider). Whether a PKCS#12 file has the empty password
and the one alias that Android asks for is not looked into: that takes cryptography.
"""

from __future__ import annotations

import base64
import binascii

_SEQUENCE = 0x30
_LONG_FORM = 0x80
# INTEGER 3, the version with which every PKCS#12 file begins (RFC 7292, section 4).
_PKCS12_VERSION = b"\x02\x01\x03"


def authority_fault(text: str) -> str:
    """Say why this is no base64 of a DER X.509 certificate, and the cure; empty if it is."""
    fault, content = _opened(text)
    if not fault and (content is None or content.startswith(_PKCS12_VERSION)):
        return "is no DER certificate; convert it with `openssl x509 -outform der`"
    return fault


def key_store_fault(text: str) -> str:
    """Say why this is no base64 of a PKCS#12 file, and the cure; empty if it is."""
    fault, content = _opened(text)
    if not fault and (content is None or not content.startswith(_PKCS12_VERSION)):
        return "is no PKCS#12 file; make one with `openssl pkcs12 -export -passout pass:`"
    return fault


def _opened(text: str) -> tuple[str, bytes | None]:
    """Give what is wrong with the base64, or what is inside the one DER sequence it holds."""
    if "-----" in text:
        return "has the first and last line of PEM; leave both out, and all line breaks", None
    if any(map(str.isspace, text)):
        return "has white space in it; write the base64 in one line", None
    try:
        padded = text + "=" * (-len(text) % 4)
        data = base64.b64decode(padded, validate=True)
    except (binascii.Error, ValueError):
        return "is no standard base64; encode the DER file with `base64 -w 0`", None
    return "", _inside_sequence(data)


def _inside_sequence(data: bytes) -> bytes | None:
    """Give the content of a DER sequence that is all of the data (X.690, 8.1.3)."""
    if len(data) < 2 or data[0] != _SEQUENCE:  # noqa: PLR2004 - a tag and a length
        return None
    width = data[1] - _LONG_FORM if data[1] > _LONG_FORM else 0
    size = int.from_bytes(data[2 : 2 + width], "big") if width else data[1]
    content = data[2 + width :]
    return content if len(content) == size else None
