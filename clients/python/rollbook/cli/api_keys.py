"""Where the command finds the API key it calls with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rollbook.cli.errors import CommandError
from rollbook.data_dir import ADMIN_KEY_NAME, default_data_dir

if TYPE_CHECKING:
    from pathlib import Path

# Does not repeat the key, for it may be a good one with something added.
_NOT_A_KEY = "The API key holds characters that no API key has: more than one line, perhaps."


def find_api_key(key_file: Path | None, *, typed: bool, server_is_here: bool) -> str:
    """Give the key from the file, the environment, or the server's own files.

    A file that was typed goes before ROLLBOOK_API_KEY, one that the environment
    names behind it. The key that a server keeps on this machine is offered to no
    other machine.
    """
    kept = default_data_dir() / ADMIN_KEY_NAME
    environment = "" if typed else _from_environment()
    key = environment or _from_file(key_file) or (server_is_here and _kept(kept))
    if not key:
        raise _no_key(kept, server_is_here=server_is_here)
    if not key.isascii() or not key.isprintable():
        raise CommandError(_NOT_A_KEY, reason="API_KEY_INVALID", code="UNAUTHENTICATED")
    return key


def _from_environment() -> str:
    return os.environ.get("ROLLBOOK_API_KEY", "").strip()


def _from_file(key_file: Path | None) -> str:
    if key_file is None:
        return ""
    key = key_file.read_text(encoding="utf-8", errors="replace").strip()
    if not key:
        raise CommandError(f"{key_file} holds no API key.", reason="API_KEY_MISSING")
    return key


def _kept(path: Path) -> str:
    try:
        return _from_file(path)
    except FileNotFoundError:
        return ""


def _no_key(kept: Path, *, server_is_here: bool) -> CommandError:
    fate = "not there" if server_is_here else "used for servers on this machine only"
    return CommandError(
        "No API key was found.",
        reason="API_KEY_MISSING",
        code="UNAUTHENTICATED",
        next_step="Give it in one of three ways:\n"
        "  --api-key-file FILE\n"
        "  ROLLBOOK_API_KEY=KEY, or ROLLBOOK_API_KEY_FILE=FILE\n"
        f"  {kept} ({fate}), where a server keeps the key of its first start",
    )
