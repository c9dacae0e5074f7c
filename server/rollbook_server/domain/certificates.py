"""What is wrong with a certificate in a configuration, as far as bytes alone can tell.

Android decodes standard base64 without white space, and reads DER of X.509 or
PKCS#12 (WifiConfigurationProvider); what that has to be is told in `pkcs12`.
"""

from __future__ import annotations

import base64
import binascii

from rollbook_server.domain import der, pkcs12


def authority_fault(text: str) -> str:
    """Say why this is no base64 of a DER X.509 certificate, and the cure; empty if it is."""
    fault, content = _opened(text)
    if not fault and (content is None or content.startswith(pkcs12.VERSION)):
        return "is no DER certificate; convert it with `openssl x509 -outform der`"
    return fault


def key_store_fault(text: str) -> str:
    """Say why this is no base64 of a PKCS#12 file for Android, and the cure; empty if it is."""
    fault, content = _opened(text)
    if fault:
        return fault
    if content is None or not content.startswith(pkcs12.VERSION):
        return "is no PKCS#12 file; make one with `openssl pkcs12 -export -passout pass:`"
    return pkcs12.fault(content)


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
    """Give the content of a DER sequence that is all of the data."""
    try:
        [value] = der.values(data)
    except ValueError:
        return None
    return value.content if value.tag == der.SEQUENCE else None
