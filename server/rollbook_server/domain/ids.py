"""Names of resources: opaque, random, safe in a shell and a URL."""

from __future__ import annotations

import secrets

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's, in lower case
_LENGTH = 16  # 80 bits: no two meet, and none is a secret


def new_id(kind: str) -> str:
    """Give a new identifier such as `prf-7k3m9q...`; `kind` tells people what it names."""
    return f"{kind}-" + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
