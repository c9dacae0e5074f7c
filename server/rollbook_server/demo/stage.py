"""A server process on a fresh database, and commands run against it as a user would."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ROLLBOOK = (sys.executable, "-c", "import sys; from rollbook.cli import main; sys.exit(main())")
_STOP_SECONDS = 30


class Stage:
    """Where the demo plays: a folder, a server's address, and its key."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder, self.address = folder, address

    @property
    def api_key(self) -> str:
        """The key that the server made."""
        return (self.folder / "data" / "admin.key").read_text().strip()

    def run(self, *arguments: str) -> int:
        """Show a command, run it with this terminal, and give its exit status."""
        click.secho(f"\n$ rollbook {shlex.join(arguments)}", bold=True)
        sys.stdout.flush()
        return subprocess.run(  # noqa: S603 - our own command
            [*_ROLLBOOK, *arguments], env=self._environment(), cwd=self.folder, check=False
        ).returncode

    def _environment(self) -> dict[str, str]:
        """Point commands at this server, whatever the caller's environment says."""
        inherited = {name: value for name, value in os.environ.items() if "ROLLBOOK" not in name}
        place = {
            "ROLLBOOK_ADDRESS": self.address,
            "ROLLBOOK_DATA_DIR": str(self.folder / "data"),
        }
        return inherited | place


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """Start a server with its files in `folder`, and stop it at the end."""
    command = [sys.executable, "-m", "rollbook_server", "--listen", "127.0.0.1:0"]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(  # noqa: S603 - our own command
            [*command, "--data-dir", str(folder / "data")],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    with server:
        try:
            yield Stage(folder, _address(server, folder))
        finally:
            server.terminate()
            server.wait(_STOP_SECONDS)


def _address(server: subprocess.Popen[str], folder: Path) -> str:
    assert server.stdout is not None
    first = server.stdout.readline()
    if not first:
        raise click.ClickException(f"The server did not start; see {folder / 'server.log'}.")
    return first.split()[-1]
