"""What can be told of a PKCS#12 file without its password (RFC 7292).

Android opens the file with the empty password and wants one key in it. What stands in
the encrypted parts stays unknown, and nothing is said of it.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

from rollbook_server.domain import der

# INTEGER 3, the version with which every file begins.
VERSION = b"\x02\x01\x03"
_DATA = bytes.fromhex("2a864886f70d010701")
_KEYS = (bytes.fromhex("2a864886f70d010c0a0101"), bytes.fromhex("2a864886f70d010c0a0102"))
# Of each digest its name and the length of its blocks.
_DIGESTS = {
    bytes.fromhex("2b0e03021a"): ("sha1", 64),
    bytes.fromhex("608648016503040201"): ("sha256", 64),
    bytes.fromhex("608648016503040202"): ("sha384", 128),
    bytes.fromhex("608648016503040203"): ("sha512", 128),
}
# The empty password with its final NUL in UTF-16, and without, as some write it.
_EMPTY = (b"\0\0", b"")
_MOST_ROUNDS = 100_000  # a tenth of a second; OpenSSL takes 2,048, Windows 2,000
_FOR_MAC = 3  # what the key is derived for (appendix B.3)


class _Mac(NamedTuple):
    """How the content is authenticated."""

    digest: str
    block: int
    value: bytes
    salt: bytes
    rounds: int


def fault(content: bytes) -> str:
    """Say why Android cannot use what stands in the file's outer sequence; empty if it may."""
    try:
        _, authenticated, *rest = der.values(content)
        mac = _mac(rest[0]) if rest else None
        safes = _data(authenticated)
        if mac and not any(_fits(mac, safes, password) for password in _EMPTY):
            return "has a password; export it anew with `openssl pkcs12 -export -passout pass:`"
        if _count_keys(safes) > 1:
            return "holds several keys; leave one in it"
    except (ValueError, IndexError):
        pass  # made in a way that we do not know: Android may
    return ""


def _data(info: der.Value) -> bytes:
    """Give the octets of a ContentInfo of type data; raises ValueError for others."""
    kind, explicit = info.inside()
    [octets] = explicit.inside()
    if kind.content != _DATA or octets.tag != der.OCTETS:
        raise ValueError("not plain data")
    return octets.content


def _mac(value: der.Value) -> _Mac | None:
    """Read a MacData; none for a digest or a number of rounds that we do not take on."""
    info, salt, *rounds = value.inside()
    algorithm, digest = info.inside()
    known = _DIGESTS.get(algorithm.inside()[0].content)
    count = int.from_bytes(rounds[0].content, "big") if rounds else 1
    if known is None or not 0 < count <= _MOST_ROUNDS:
        return None
    return _Mac(*known, digest.content, salt.content, count)


def _fits(mac: _Mac, data: bytes, password: bytes) -> bool:
    key = _derived(mac, password)
    return hmac.compare_digest(hmac.digest(key, data, mac.digest), mac.value)


def _derived(mac: _Mac, password: bytes) -> bytes:
    """Give the key of the MAC (appendix B.2), of which one digest is enough."""
    block = mac.block
    found = bytes([_FOR_MAC]) * block + _filled(mac.salt, block) + _filled(password, block)
    for _ in range(mac.rounds):
        found = hashlib.new(mac.digest, found, usedforsecurity=False).digest()
    return found


def _filled(text: bytes, block: int) -> bytes:
    """Repeat a text until whole blocks are full; nothing stays nothing."""
    length = -(-len(text) // block) * block
    return (text * length)[:length]


def _count_keys(safes: bytes) -> int:
    """Count the keys outside of encrypted parts, in which certificates stand as a rule."""
    [sequence] = der.values(safes)
    plain = (info for info in sequence.inside() if info.inside()[0].content == _DATA)
    bags = [bag for info in plain for bag in der.values(_data(info))[0].inside()]
    return sum(bag.inside()[0].content in _KEYS for bag in bags)
