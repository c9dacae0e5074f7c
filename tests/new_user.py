"""Somebody who follows a page of ours: an empty home, a terminal, and a server in another one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from running import unset_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS = "127.0.0.1:7443"
SERVE = "rollbook serve"


@dataclass
class NewUser:
    """Somebody with an empty home and this environment's programs, at a terminal."""

    home: Path
    address: str = ADDRESS

    def environment(self) -> dict[str, str]:
        # The port is the one thing that a test has to change.
        elsewhere = {} if self.address == ADDRESS else {"ROLLBOOK_ADDRESS": self.address}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**unset_environment(), "HOME": str(self.home), "PATH": path, **elsewhere}

    def types(self, *lines: str) -> str:
        """Run lines in one shell, which ends at the first that fails; gives what they show."""
        done = self._bash("-ec", "\n".join(lines), stderr=subprocess.PIPE)
        assert done.returncode == 0, (lines, done.stdout, done.stderr)
        return done.stdout

    def types_all(self, *blocks: str) -> list[tuple[str, int]]:
        """Run blocks in one shell; gives what each shows, errors too, and its exit status."""
        end = "== end of a block =="
        script = "".join(f"{block}\nprintf '\\n{end} %s\\n' $?\n" for block in blocks)
        parts = self._bash("-c", script, stderr=subprocess.STDOUT).stdout.split(f"\n{end} ")
        shown = [parts[0], *(part.partition("\n")[2] for part in parts[1:])]
        statuses = [int(part.partition("\n")[0]) for part in parts[1:]]
        return list(zip(shown, statuses, strict=False))

    def _bash(self, how: str, script: str, stderr: int) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["bash", how, script.replace(ADDRESS, self.address)],
            cwd=self.home,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            check=False,
        )
        done.stdout = done.stdout.replace(self.address, ADDRESS)
        return done


@contextmanager
def served(home: Path) -> Iterator[NewUser]:
    """Give a new user, in whose other terminal a server runs with nothing on its roll."""
    user = NewUser(home)
    server = subprocess.Popen(
        ["bash", "-c", f"exec {SERVE} --listen 127.0.0.1:0"],
        cwd=home,
        env=user.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        assert server.stdout is not None
        user.address = server.stdout.readline().split()[-1]
        yield user
        server.send_signal(signal.SIGTERM)
