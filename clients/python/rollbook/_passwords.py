"""Passwords on their way to the server."""

from __future__ import annotations


def sendable(password: str) -> str:
    """Check before protobuf does, for its complaint would hold the password."""
    if not isinstance(password, str):
        raise TypeError("the password must be a str")
    try:
        password.encode()
    except UnicodeEncodeError:
        raise ValueError("the password holds a lone surrogate, which UTF-8 lacks") from None
    return password
