"""Commands that another package brings, by the entry points `rollbook.commands`.

They are imported when they are run, not when they are listed, so that the
client's command needs nothing of the server's.
"""

from __future__ import annotations

from importlib.metadata import entry_points

import click

from rollbook.cli.errors import CommandError

_GROUP = "rollbook.commands"
# Listed without importing what brings them.
_SHORT_HELP = {
    "backup": "Copy the roll of a SQLite database into a file, also while its server serves.",
    "database": "Look at a server's database, upgrade it, or copy it into another one.",
    "demo": "Show Rollbook at work: a server, an upload, enrollments.",
    "doctor": "Check a server's files, keys, database, port and clock, and say what to do.",
    "restore": "Put a backup in the place of a server's database.",
    "serve": "Run the server.",
}
_OURS = frozenset({"rollbook", "rollbook_server"})


def plugin_names() -> tuple[str, ...]:
    """Give the names of the commands that are installed."""
    return tuple(sorted({point.name for point in entry_points(group=_GROUP)}))


def placeholder(name: str) -> click.Command:
    """Give a command that can be listed, in place of one that is not imported yet."""
    return click.Command(name, help=_SHORT_HELP.get(name, "Brought by another package."))


def load_plugin(name: str) -> click.Command:
    """Import a command, or say which extra it lacks."""
    (point, *_) = entry_points(group=_GROUP, name=name)
    try:
        command = point.load()
    except ModuleNotFoundError as error:
        raise _say_extra_is_missing(name, error) from error
    if not isinstance(command, click.Command):
        raise TypeError(f"{point.value} is not a click command")
    return command


def _say_extra_is_missing(name: str, error: ModuleNotFoundError) -> Exception:
    """Give what to raise; a missing module of our own is a bug, not an extra."""
    if (error.name or "").partition(".")[0] in _OURS:
        return error
    return CommandError(
        f"The command `rollbook {name}` needs: pip install '.[server]' (or 'rollbook[server]')",
        reason="EXTRA_MISSING",
        metadata={"module": error.name or ""},
    )
