"""`rollbook backup`: the state of a roll in one file, while its server serves."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollbook.cli.errors import CommandError
from rollbook.cli.new_files import NewFile, force_option
from rollbook.cli.output import say, show_json, warn
from rollbook.cli.session import Session, with_session
from rollbook.data_dir import default_data_dir
from rollbook_server.app import ADMIN_KEY_NAME, TOKEN_EPOCH_NAME
from rollbook_server.backup import postgres_commands, progress
from rollbook_server.backup.contents_words import in_words
from rollbook_server.backup.taking import Taken, take
from rollbook_server.config import DATABASE_NAME, SEALING_KEY_NAME
from rollbook_server.database.places import named_file, place_options, sealing_key_file, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NAMES = (ADMIN_KEY_NAME, SEALING_KEY_NAME, TOKEN_EPOCH_NAME)
_SIDE_FILES = ("-wal", "-shm", "-journal", ".lock")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@force_option
@place_options
@with_session
def backup(
    session: Session, /, *, file: Path, force: bool, database: str, data_dir: Path | None
) -> None:
    """Copy the roll of a SQLite database into FILE, also while its server serves.

    What was acknowledged before it began is in it. The copy is read from beginning to end
    before it gets its name. The sealing keys are not in it: keep sealing.key elsewhere.
    A PostgreSQL database is left to pg_dump; the command tells how.
    """
    folder = data_dir or default_data_dir()
    source = named_file(database, folder / DATABASE_NAME)
    if source is None:
        raise postgres_commands.for_backup(database, file)
    keys = sealing_key_file(folder)
    _spare(file, source, (keys, *(folder / name for name in _NAMES)))
    new = NewFile(file, "FILE", force)
    with told(), new.filled() as part, progress.watch(silent=session.wants_json) as watcher:
        taken = take(source, part, watcher)
    if session.wants_json:
        show_json(_document(file, taken, keys))
    else:
        _say(file, taken, keys)


def _spare(file: Path, database: Path, others: Iterable[Path]) -> None:
    """Refuse, also under --force, to put the copy in the place of what a server works with.

    A server goes on with the file that lost its name, and all it answers then is lost.
    """
    real = database.resolve()
    own = {real, *(real.with_name(real.name + end) for end in _SIDE_FILES)}
    if file.resolve() in own | {each.resolve() for each in others}:
        raise CommandError(
            f"{file} is a file of the server itself, and was left as it is.",
            reason="FILE_UNUSABLE",
            next_step="Name another file as FILE, best on another disk.",
        )


def _document(file: Path, taken: Taken, keys: Path) -> Mapping[str, object]:
    return {
        "file": str(file),
        "size_bytes": taken.size_bytes,
        "database": taken.database,
        "schema_version": taken.schema_version,
        "contents": asdict(taken.contents) if taken.contents else None,
        "profiles_with_wrong_counts": list(taken.wrong_counts),
        "sealing_key_file": str(keys),
    }


def _say(file: Path, taken: Taken, keys: Path) -> None:
    size = progress.megabytes(taken.size_bytes)
    say(f"{file} is a whole copy of {taken.database}: {size}, schema {taken.schema_version}.")
    if taken.contents:
        say(f"In it: {in_words(taken.contents)}.")
    if taken.wrong_counts:
        warn(
            f"The counts of {', '.join(taken.wrong_counts)} are not those of their devices, in "
            "the database as in the copy. That is a bug: please report it."
        )
    say(
        f"The sealing keys are not in it, and without them it is of no use: keep a copy of "
        f"{keys} (or of ROLLBOOK_SEALING_KEY), apart from this one."
    )
    if taken.key_ids[1:]:
        warn(
            f"Its tokens are sealed with the keys {' and '.join(taken.key_ids)}, as when a "
            f"rotation is under way: copy {keys} now. A copy from before it lacks the new key, "
            "and at its end the old one leaves the file."
        )
