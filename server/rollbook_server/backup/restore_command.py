"""`rollbook restore`: a backup in the place of a server's database."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollbook.cli.confirmations import confirm, yes_option
from rollbook.cli.errors import CommandError
from rollbook.cli.output import say, show_json
from rollbook.cli.session import Session, with_session
from rollbook.data_dir import default_data_dir
from rollbook_server import sealing_file
from rollbook_server.app import TOKEN_EPOCH_NAME
from rollbook_server.backup import (
    key_joining,
    planning,
    postgres_commands,
    progress,
    restore_report,
)
from rollbook_server.backup.putting_back import Choices, PuttingBack
from rollbook_server.config import DATABASE_NAME, SEALING_KEY_NAME
from rollbook_server.database import places
from rollbook_server.database.places import named_file, place_options, told
from rollbook_server.domain import clock
from rollbook_server.key_files import KeyFileError
from rollbook_server.storage.store import locked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook_server.backup.key_joining import Joining
    from rollbook_server.backup.planning import Plan
    from rollbook_server.backup.putting_back import Restored
    from rollbook_server.sealing_file import KeyDocument

sealing_key_option = click.option(
    "--sealing-key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="ROLLBOOK_SEALING_KEY_FILE",
    help="The sealing keys of the server; ROLLBOOK_SEALING_KEY holds the content of such a file.  "
    "[default: sealing.key in the data directory]",
)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@place_options
@sealing_key_option
@click.option(
    "--bring-back",
    is_flag=True,
    help="Let tokens, API keys and passwords work again that were voided since the backup.",
)
@click.option("--revoke-tokens", is_flag=True, help="Void every token of the backup.")
@click.option(
    "--revoke-keys", is_flag=True, help="Revoke every API key of the backup but admin.key."
)
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and change nothing.")
@yes_option
@with_session
def restore(  # noqa: PLR0913 - one argument for each option
    session: Session,
    /,
    *,
    file: Path,
    database: str,
    data_dir: Path | None,
    sealing_key_file: Path | None,
    bring_back: bool,
    revoke_tokens: bool,
    revoke_keys: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Put the backup FILE in the place of a server's SQLite database.

    Stop the server first. What is there now is set aside, not removed. Tokens, API keys and
    passwords that were voided in it since the backup stay void, as far as it can be read.
    """
    folder = data_dir or default_data_dir()
    target = named_file(database, folder / DATABASE_NAME)
    if target is None:
        raise postgres_commands.for_restore(database, file)
    choices = Choices(bring_back, revoke_tokens, revoke_keys)
    keys = _Keys(sealing_key_file or folder / SEALING_KEY_NAME)
    with _told(), _kept_still(target, dry_run=dry_run):
        plan = _planned(session, file, target, folder / TOKEN_EPOCH_NAME, keys)
        plan = replace(plan, joining=keys.joining(plan, folder))
        if dry_run:
            _tell_plan(session, file, target, plan, choices)
            return
        if plan.before is not None:
            confirm(restore_report.question(file, target, plan), yes=yes)
        plan = replace(plan, joining=plan.joining.done())  # first: a key too many does no harm
        with progress.watch(silent=session.wants_json) as watcher:
            run = PuttingBack(file, target, plan, choices)
            done = run.run(folder / TOKEN_EPOCH_NAME, clock.now(), watcher)
    _tell(session, file, target, plan, done)


class _Keys:
    """Reads the sealing keys once they are needed."""

    def __init__(self, path: Path) -> None:
        self._path, self._environment = path, os.environ.get("ROLLBOOK_SEALING_KEY", "")

    def __call__(self) -> KeyDocument:
        return sealing_file.existing(self._path, self._environment)

    def joining(self, plan: Plan, folder: Path) -> Joining:
        """Find what the key file of the server lacks; one with keys from elsewhere needs none."""
        if plan.keys is None or self._environment:
            return key_joining.NOTHING
        return key_joining.joining(self._path, plan.keys, places.sealing_key_file(folder))


def _planned(session: Session, file: Path, target: Path, epoch: Path, keys: _Keys) -> Plan:
    with progress.watch(silent=session.wants_json) as watcher:
        planning.check_whole(file, watcher)
    return planning.plan(file, target, epoch, keys, clock.now())


@contextmanager
def _kept_still(target: Path, *, dry_run: bool) -> Iterator[None]:
    """Keep servers off the target; who changes nothing makes no folder and no lock for it."""
    with ExitStack() as stack:
        if not dry_run:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not dry_run or target.with_name(f"{target.name}.lock").exists():
            stack.enter_context(locked(target))
        yield


@contextmanager
def _told() -> Iterator[None]:
    """Tell what keeps a backup from being put back."""
    try:
        with told():
            yield
    except KeyFileError as error:
        raise CommandError(str(error), reason="SEALING_KEY_UNUSABLE") from error


def _tell_plan(session: Session, file: Path, target: Path, plan: Plan, choices: Choices) -> None:
    if session.wants_json:
        show_json({"dry_run": True, **restore_report.planned(file, target, plan)})
        return
    for line in restore_report.forecast(file, target, plan, choices):
        say(line)


def _tell(session: Session, file: Path, target: Path, plan: Plan, done: Restored) -> None:
    if session.wants_json:
        told = {**restore_report.planned(file, target, plan), **restore_report.done(done)}
        show_json(told)
    else:
        restore_report.say_done(file, target, plan, done)
