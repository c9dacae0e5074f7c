"""The data directory and the key files in it: there, private, and of one owner."""

from __future__ import annotations

import os
import pwd
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from rollbook_server import admin_key, sealing_file
from rollbook_server.doctor.findings import ok, skipped, warning, wrong
from rollbook_server.domain.api_keys import digest_of
from rollbook_server.key_files import KeyFileError
from rollbook_server.sealing_checks import misfit
from rollbook_server.token_epoch import read_note

if TYPE_CHECKING:
    from pathlib import Path

    from rollbook_server.doctor.findings import Finding
    from rollbook_server.doctor.rolls import Roll

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_DIRECTORY, _ADMIN_KEY, _SEALING_KEY = "data directory", "admin.key", "sealing.key"
_EPOCH = "token.epoch"
_LEFT_BEHIND = ".rollbook-*.part*"


def data_dir(path: Path) -> Finding:
    """Look at the directory itself, and at whom the files in it are of."""
    try:
        found = path.stat()
    except PermissionError:
        return wrong(_DIRECTORY, f"you may not look into {path.parent}", "Ask as root.")
    except OSError as error:
        return wrong(
            _DIRECTORY,
            f"{path}: {error.strerror}",
            "Name the one of the server with --data-dir; the first start of `rollbook serve` "
            "makes it.",
        )
    if not stat.S_ISDIR(found.st_mode):
        return wrong(_DIRECTORY, f"{path} is no directory", "Name another one with --data-dir.")
    return _usable(path, found)


def _usable(path: Path, found: os.stat_result) -> Finding:
    owner, mode = _name(found.st_uid), stat.S_IMODE(found.st_mode)
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return wrong(
            _DIRECTORY,
            f"{path} is of {owner}, mode {mode:04o}: you can not write to it",
            f"Run this, and the server, as {owner}, or: chown -R {_name(os.geteuid())} {path}",
        )
    strange = [each.name for each in path.iterdir() if _owner(each) != found.st_uid]
    if strange:
        return wrong(
            _DIRECTORY,
            f"{path} is of {owner}, but not {', '.join(sorted(strange))}",
            f"chown -R {owner} {path}",
        )
    left = sorted(each.name for each in path.glob(_LEFT_BEHIND))
    if left:
        return warning(
            _DIRECTORY,
            f"a command that was killed left {', '.join(left)}",
            "Remove them, unless one is under way now.",
        )
    if mode & _OTHERS:
        return warning(
            _DIRECTORY, f"{path} is open to others (mode {mode:04o})", f"chmod 700 {path}"
        )
    return ok(_DIRECTORY, f"{path}, of {owner}, mode {mode:04o}")


def admin_key_file(path: Path, roll: Roll | None) -> Finding:
    """Look at the administrator key, and whether the database knows it."""
    try:
        value = admin_key.load_or_create(path, _refuse)
    except _MissingError:
        if roll and roll.admin_digest is None:
            return ok(_ADMIN_KEY, f"{path}: none yet; a start makes it")
        return warning(
            _ADMIN_KEY,
            f"{path} is missing",
            "The next start of the server makes another key, and voids the one before; on "
            "PostgreSQL it does so only if no other server has one.",
        )
    except KeyFileError as error:
        return wrong(_ADMIN_KEY, str(error))
    if roll and roll.admin_digest not in {None, digest_of(value)}:
        return warning(
            _ADMIN_KEY,
            f"{path}: the database knows another key",
            "The next start of the server puts that of the file to use.",
        )
    return ok(_ADMIN_KEY, f"{path}, private and well-formed")


def sealing_keys(path: Path, environment: str, roll: Roll | None) -> Finding:
    """Look at the sealing keys, and whether they are those of the database."""
    where = "ROLLBOOK_SEALING_KEY" if environment else str(path)
    needed = roll is None or roll.marks.need_keys
    if not environment and not path.exists() and not needed:
        return ok(_SEALING_KEY, f"{path}: none yet, and nothing is sealed; a start makes it")
    try:
        document = sealing_file.existing(path, environment)
    except KeyFileError as error:
        return wrong(_SEALING_KEY, str(error))
    fault = misfit(document, roll.marks) if roll else ""
    if fault:
        return wrong(
            _SEALING_KEY,
            f"{where} is not of this database: {fault}",
            "Put the right one back from its copy; `--sealing-key-file` names another place.",
        )
    if any(each.retiring for each in document.keys):
        return warning(
            _SEALING_KEY,
            f"{where}: a rotation of the key has not ended",
            "A server that runs, or its next start, goes on with it; `rollbook key rotate-sealing` "
            "shows how far it is, and its log why it broke off.",
        )
    fits = ", of this database" if roll and roll.marks.need_keys else ""
    return ok(_SEALING_KEY, f"{where}, private and well-formed{fits}")


def token_epoch(path: Path, roll: Roll | None) -> Finding:
    """Look whether the server warns, or will, of an older database."""
    if roll is None:
        return skipped(_EPOCH, "no database to compare it with")
    note = read_note(path)
    if note is None or not roll.holds_secrets:
        return ok(_EPOCH, f"{path}: nothing to compare yet" if note is None else str(path))
    moved = roll.identity not in {None, note.inode}
    if note.doubted or moved or roll.epoch < note.epoch:
        return warning(
            _EPOCH,
            f"{path}: the database may be an older one that was put back, or a moved one, in "
            "which revoked tokens work again",
            "`rollbook token revoke-all` voids all; if you know that none was revoked since, "
            f"remove {path} and start the server again.",
        )
    if note.audit_doubted or roll.audit_sequence < note.audit_sequence:
        return warning(
            _EPOCH,
            f"{path}: the database may be an older one that was put back, in which revoked API "
            "keys and replaced passwords work again",
            "`rollbook key list` and `rollbook user list` show them; once they are void again, "
            f"remove {path} and start the server again.",
        )
    return ok(_EPOCH, f"{path}, in step with the database")


class _MissingError(Exception):
    """There is no file, and none is to be made."""


def _refuse() -> str:
    raise _MissingError


def _owner(path: Path) -> int:
    return path.lstat().st_uid


def _name(user_id: int) -> str:
    with suppress(KeyError):
        return pwd.getpwuid(user_id).pw_name
    return str(user_id)
