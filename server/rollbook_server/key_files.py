"""Files that hold secrets: read only if nobody else can, written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_SIZE_LIMIT = 1 << 16  # bytes; a thousand keys fit, a wrong file is not read whole


class KeyFileError(Exception):
    """A key file cannot be used; the text tells the operator what to do."""


def read_or_create(path: Path, new_content: Callable[[], str]) -> bytes:
    """Read a key file, or make one with mode 0600 if there is none.

    Two servers that start at once end up with the same file. Raises KeyFileError
    for a file that other users can open, or that cannot be read or made, and
    whatever `new_content` raises.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        content = new_content()
    except OSError as error:
        raise KeyFileError(f"Cannot read the key file {path}: {error.strerror}.") from error
    try:
        _create(path, content)
        return _read(path)
    except OSError as error:
        raise KeyFileError(f"Cannot create the key file {path}: {error.strerror}.") from error


def replace(path: Path, content: str) -> None:
    """Put a new file in the place of an old one, durably; at any instant there is one of the two.

    A symbolic link stays, and what it names is replaced: whoever keeps the file elsewhere finds
    the new one there. The owner stays, too. Raises KeyFileError.
    """
    place = Path(os.path.realpath(path))
    aside = _aside(place)
    try:
        _write_durably(aside, content)
        _keep_owner(place, aside)
        aside.replace(place)
        _flush_directory(place.parent)
    except OSError as error:
        raise KeyFileError(f"Cannot write the file {path}: {error.strerror}.") from error
    finally:
        aside.unlink(missing_ok=True)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        _refuse_open_to_others(path, os.fstat(file.fileno()).st_mode)
        return file.read(_SIZE_LIMIT)


def _refuse_open_to_others(path: Path, mode: int) -> None:
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileError(
            f"The key file {path} is open to other users (mode {stat.S_IMODE(mode):04o}). If "
            f"nobody can have read it, run: chmod 600 {path}"
        )


def _create(path: Path, content: str) -> None:
    # Written aside and linked into place: the file is whole or not there at all,
    # whenever the power fails, and of two starters one wins.
    aside = _aside(path)
    try:
        _write_durably(aside, content)
        with suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    _flush_directory(path.parent)


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}")


def _write_durably(path: Path, content: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _keep_owner(old: Path, new: Path) -> None:
    """Let a file that root writes be of whom the old one is: the server may be no root."""
    if os.geteuid() == 0 and old.exists():
        owner = old.stat()
        os.chown(new, owner.st_uid, owner.st_gid)


def _flush_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems cannot flush a directory
            raise
    finally:
        os.close(descriptor)
