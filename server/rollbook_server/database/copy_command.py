"""`rollbook database copy`: a whole roll into another database, as when a machine is outgrown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollbook.cli.errors import CommandError
from rollbook.cli.exit_codes import ExitCode
from rollbook.cli.output import counted, say, show, show_json
from rollbook.cli.session import Session, with_session
from rollbook.cli.tables import table
from rollbook.data_dir import default_data_dir
from rollbook_server.app import TOKEN_EPOCH_NAME
from rollbook_server.config import SEALING_KEY_NAME
from rollbook_server.database import copy_progress
from rollbook_server.database.places import URLS, named, sealing_key_file
from rollbook_server.storage import copying
from rollbook_server.storage.copying import CopyBrokenError, CopyDiffersError, CopyRefusedError
from rollbook_server.storage.opening import sqlite_path
from rollbook_server.storage.roll_store import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook_server.storage.copying import CopiedTable
    from rollbook_server.storage.places import Place

_AGAIN = "Give the same command again: it goes on where it was."


@click.command()
@click.option("--from", "source", required=True, metavar="URL", help=f"The roll: {URLS}.")
@click.option(
    "--to",
    "target",
    required=True,
    metavar="URL",
    help="Where it goes: a new file, or a database without tables.",
)
@with_session
def copy(session: Session, /, *, source: str, target: str) -> None:
    """Copy a whole roll into an empty database, also one of another engine.

    Stop the server first. What breaks off goes on with the same command; no server starts on
    the target before the copy is whole. At the end both databases are read and compared.
    """
    copied = _copied(session, named(source), named(target))
    keys = _key_folder(source)
    if session.wants_json:
        show_json({"tables": copied, "sealing_key_file": str(sealing_key_file(keys))})
        return
    filled = [each for each in copied if each.row_count]
    rows = [(each.table, each.row_count, each.digest) for each in filled]
    show(table(("Table", "Rows", "SHA-256 of both"), rows, whole=("SHA-256 of both",)))
    _say_what_is_next(copied, keys)


def _copied(session: Session, source: Place, target: Place) -> Sequence[CopiedTable]:
    try:
        with copy_progress.watch(silent=session.wants_json) as told:
            return copying.copy(source, target, told)
    except CopyDiffersError as error:
        raise CommandError(str(error), reason="COPY_DIFFERS") from error
    except CopyRefusedError as error:
        raise CommandError(str(error), reason="COPY_REFUSED") from error
    except CopyBrokenError as error:
        raise _stopped(str(error), ExitCode.INCOMPLETE, "COPY_INCOMPLETE") from error
    except StoreError as error:
        raise CommandError(str(error), reason="DATABASE_UNUSABLE") from error
    except KeyboardInterrupt as error:
        stopped = "Interrupted. What was copied stays there."
        raise _stopped(stopped, ExitCode.INTERRUPTED, "INTERRUPTED", "CANCELLED") from error


def _stopped(
    message: str, exit_code: ExitCode, reason: str, code: str = "UNAVAILABLE"
) -> CommandError:
    return CommandError(message, reason=reason, code=code, exit_code=exit_code, next_step=_AGAIN)


def _key_folder(source: str) -> Path:
    """Give where the key files of the source are most likely."""
    path = sqlite_path(source, Path())
    return (path.parent if path else default_data_dir()).absolute()


def _say_what_is_next(copied: Sequence[CopiedTable], folder: Path) -> None:
    total = counted(sum(each.row_count for each in copied), "row")
    key, epoch = sealing_key_file(folder), folder / TOKEN_EPOCH_NAME
    say(f"Copied, and compared with the source: {total}.")
    if replaced := sum(each.replaced_count for each in copied):
        say(
            "A NUL, which PostgreSQL cannot hold, became U+FFFD in descriptions of profiles or "
            f"file names of uploads: {counted(replaced, 'text')}."
        )
    if key.exists():
        say(f"Tokens and the audit log are of no use without the sealing keys: {key}.")
    else:
        say(
            "Tokens and the audit log are of no use without the sealing keys of the source's "
            f"server: {SEALING_KEY_NAME} in its data directory, or ROLLBOOK_SEALING_KEY."
        )
    say(
        "Start the server with --database and the URL of the copy, in the same data directory. On "
        f"other machines give them a copy of that file; not of {TOKEN_EPOCH_NAME}."
    )
    if epoch.exists():
        say(
            f"The first start warns that the database is another one than before: it is, and "
            f"with {epoch} removed beforehand it does not."
        )
    say("Keep no server on the source: devices that enroll there are not on the copy.")
