"""A server process on a fresh database, and commands run against it as a user would."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from rollbook.cli.errors import CommandError

# The server itself, so that without its extra the command is refused before it begins.
from rollbook_server.app import ADMIN_KEY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ROLLBOOK = (sys.executable, "-c", "import sys; from rollbook.cli import main; sys.exit(main())")
_STOP_SECONDS = 30
_PIPE_WIDTH = 120  # the table and its caption need less


class Stage:
    """Where the demo plays: a folder, a server's address, its key, and who looks on.

    A silent one shows nothing, for the output is read by a program.
    """

    def __init__(self, folder: Path, *, silent: bool) -> None:
        self.folder, self.silent = folder, silent
        self.data_dir, self.log = folder / "data", folder / "server.log"
        self.console, self.address = _console(silent=silent), ""

    @property
    def api_key(self) -> str:
        """The key that the server made."""
        return (self.data_dir / ADMIN_KEY_NAME).read_text().strip()

    def say(self, line: str, style: str = "") -> None:
        """Show a line, unfolded so that names of files can be copied."""
        self.console.print(Text(line, style=style), soft_wrap=True)

    def run(self, *arguments: str, expected: tuple[int, ...] = (0,)) -> None:
        """Show a command and run it with this terminal.

        Raises CommandError if it does not end with an expected exit code.
        """
        self.say(f"\n$ rollbook {shlex.join(arguments)}", style="bold")
        done = subprocess.run(  # noqa: S603 - our own command
            [*_ROLLBOOK, *arguments],
            env=self._environment(),
            cwd=self.folder,
            check=False,
            capture_output=self.silent,
            text=True,
        )
        if done.returncode not in expected:
            raise self._failed(f"rollbook {shlex.join(arguments)}", done, expected)

    def _failed(
        self, command: str, done: subprocess.CompletedProcess[str], expected: tuple[int, ...]
    ) -> CommandError:
        wanted = " or ".join(map(str, expected))
        return CommandError(
            f"`{command}` ended with {done.returncode} instead of {wanted}.",
            reason="DEMO_COMMAND_FAILED",
            metadata={"command": command, "stderr": done.stderr or ""},
            next_step=f"The server's log is {self.log}.",
        )

    def _environment(self) -> dict[str, str]:
        """Point commands at this server, whatever the caller's environment says."""
        place = {"ROLLBOOK_ADDRESS": self.address, "ROLLBOOK_DATA_DIR": str(self.data_dir)}
        return _without_settings() | place

    @contextmanager
    def served(self) -> Iterator[None]:
        """Start a server with its files in the folder, and stop it at the end."""
        server = self._start()
        with server:
            try:
                self.address = self._listening(server)
                yield
            finally:
                server.terminate()
                server.wait(_STOP_SECONDS)

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "rollbook_server", "--output", "json"]
        with self.log.open("w") as log:
            return subprocess.Popen(  # noqa: S603 - our own command
                [*command, "--listen", "127.0.0.1:0", "--data-dir", str(self.data_dir)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=_without_settings(),
            )

    def _listening(self, server: subprocess.Popen[str]) -> str:
        assert server.stdout is not None
        line = server.stdout.readline()
        if not line:
            raise CommandError(
                f"The server did not start: {self.log.read_text().strip()}",
                reason="SERVER_CANNOT_START",
            )
        return str(json.loads(line)["address"])


def _without_settings() -> dict[str, str]:
    """Give the environment without what would lead to another server or database."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ROLLBOOK_")}


def _console(*, silent: bool) -> Console:
    # By itself rich leaves bold type in under NO_COLOR.
    plain = bool(os.environ.get("NO_COLOR"))
    console = Console(quiet=silent, highlight=False, color_system=None if plain else "auto")
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    return console
