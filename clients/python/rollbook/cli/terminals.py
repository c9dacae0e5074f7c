"""Whether somebody sits at a terminal and can be asked."""

from __future__ import annotations

import sys


def can_ask() -> bool:
    """Tell whether a question on stderr can be answered on stdin."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
