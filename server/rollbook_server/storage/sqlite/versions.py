"""What is known of versions of SQLite's library."""

from __future__ import annotations

_FIXED = (3, 51, 3)
# Lines of older versions that the fix was brought to: from here to the end of each.
_FIXED_BEFORE = ((3, 44, 6), (3, 50, 7))


def has_wal_reset_bug(version: tuple[int, ...]) -> bool:
    """Tell whether a version can lose data where two connections write (sqlite.org/wal.html)."""
    in_line = any(each[:2] == version[:2] and version >= each for each in _FIXED_BEFORE)
    return version < _FIXED and not in_line
