"""Keeps the traceback of a bug in a file, out of the user's sight."""

from __future__ import annotations

import os
import platform
import tempfile
import traceback
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def keep_traceback(error: BaseException) -> str:
    """Write the traceback where only the user can read it; gives the name of the file.

    The command line is left out of it, for it may hold a token.
    """
    try:
        handle, name = tempfile.mkstemp(prefix="rollbook-", suffix=".traceback")
        os.close(handle)
        Path(name).write_text(_text(error), encoding="utf-8", errors="backslashreplace")
    except OSError:
        return "no file, for none could be written; ROLLBOOK_DEBUG=1 shows it"
    return name


def _text(error: BaseException) -> str:
    head = f"rollbook {_version()}, Python {platform.python_version()}, {platform.platform()}\n"
    return head + "".join(traceback.format_exception(error))


def _version() -> str:
    try:
        return version("rollbook")
    except PackageNotFoundError:
        return "(not installed)"
