"""Where a server keeps its files unless it is told otherwise.

The command looks there for the key of a server on the same machine; the server
follows the same rule. Knows the standard library only.
"""

from __future__ import annotations

import os
from pathlib import Path

ADMIN_KEY_NAME = "admin.key"


def default_data_dir() -> Path:
    """Give `$ROLLBOOK_DATA_DIR`, else `rollbook` in the user's data directory of XDG."""
    chosen = os.environ.get("ROLLBOOK_DATA_DIR")
    return Path(chosen) if chosen else _user_data_dir() / "rollbook"


def _user_data_dir() -> Path:
    """Give `$XDG_DATA_HOME`, which counts only if it is absolute, else its default."""
    given = Path(os.environ.get("XDG_DATA_HOME", ""))
    return given if given.is_absolute() else Path.home() / ".local" / "share"
