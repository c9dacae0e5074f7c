"""Runs an example as its user would: a process with an address and a key."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from running import finding_tests, unset_environment

if TYPE_CHECKING:
    from running import Server

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass
class Program:
    """An example, and where it runs."""

    name: str
    server: Server
    folder: Path

    def command(self, *arguments: object) -> list[str]:
        return [sys.executable, str(EXAMPLES / self.name), *map(str, arguments)]

    def environment(self, **more: str) -> dict[str, str]:
        address, key = self.server.address, self.server.api_key
        ours = {"ROLLBOOK_ADDRESS": address, "ROLLBOOK_API_KEY": key, "PYTHONUNBUFFERED": "1"}
        return {**finding_tests(unset_environment()), **ours, **more}

    def run(self, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end, whatever that is."""
        return self.run_command(self.command(*arguments), **environment)

    def run_command(
        self, command: list[str], **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            check=False,
        )
