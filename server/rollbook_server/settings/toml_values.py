"""A value as TOML writes it. The standard library reads TOML, and writes none."""

from __future__ import annotations

import json
from pathlib import Path


def as_toml(value: str | float | Path) -> str:
    """Give the value; a text that has to be UTF-8 raises UnicodeEncodeError if it is not."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | Path):
        str(value).encode()
        # JSON's texts are TOML's, but for one control character that JSON lets stand.
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
