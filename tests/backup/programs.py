"""The command `rollbook` as a process of its own, as an operator runs it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from rollbook_server.config import SEALING_KEY_NAME
from running import finding_tests, unset_environment

if TYPE_CHECKING:
    from pathlib import Path

_SCRIPT = "import sys; from rollbook.cli import main; sys.exit(main())"


def rollbook(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command; nobody can be asked."""
    return _run("-c", _SCRIPT, *arguments)


def dying(moment: str, passes: int, *arguments: object) -> int:
    """Run the command until it is killed; gives its exit status. See `backup.dying`."""
    return _run("-m", "backup.dying", moment, passes, *arguments).returncode


def back_up(data_dir: Path, file: Path) -> Path:
    """Take a backup, as it must work."""
    done = rollbook("backup", file, "--data-dir", data_dir, "--force")
    assert done.returncode == 0, done.stderr
    return file


def new_folder(data_dir: Path, folder: Path) -> Path:
    """Make a data directory on a new machine: it has the sealing keys and nothing else."""
    folder.mkdir(mode=0o700)
    shutil.copy2(data_dir / SEALING_KEY_NAME, folder)
    return folder


def _run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=finding_tests(unset_environment()),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
