"""The administrator key: made at the first start and kept in a file; see `api_keys`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.key_files import KeyFileError, read_or_create

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_SHORTEST = 32  # characters of a key that an operator may have put there instead


def load_or_create(path: Path, new_value: Callable[[], str]) -> str:
    """Read the key of this data directory, or make one with mode 0600; gives its value.

    Raises KeyFileError, also for a file that holds none: an empty key would let in
    anyone.
    """
    content = read_or_create(path, lambda: f"{new_value()}\n")
    key = content.decode("ascii", errors="replace").strip()
    if len(key) < _SHORTEST or not key.isascii() or not key.isprintable():
        raise KeyFileError(
            f"The administrator key in {path} is damaged or shorter than {_SHORTEST} characters; "
            "remove the file, and the next start makes a new one."
        )
    return key
