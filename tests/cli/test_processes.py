"""The command as a process: Ctrl-C while it loads, and an output that takes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rollbook.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from cli.ended import Cli

COMMAND = "import sys; from rollbook.cli import main; sys.exit(main())"
# Interrupts the process when it comes to import one module.
INTERRUPTED = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, *_):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
"""


@pytest.mark.parametrize("module", ["click", "rich.console", "grpc", "rollbook.cli.root"])
def test_ctrl_c_while_it_loads_is_quiet(module: str) -> None:
    script = INTERRUPTED.format(name=module) + COMMAND
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (ExitCode.INTERRUPTED, b"", b"")


def test_nothing_large_is_loaded_before_the_command_begins() -> None:
    script = "import rollbook.cli, sys; print({'grpc', 'click', 'rich'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.stdout == b"set()\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    "arguments",
    ["--help", "profile list", "profile list --output json", "token reveal Depot", "template"],
)
@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_an_output_that_takes_nothing_is_told_in_a_line(
    cli: Cli, depot: str, arguments: str, redirection: str
) -> None:
    assert cli("profile", "show", depot).code == ExitCode.DONE
    done = subprocess.run(
        ["bash", "-c", f'"$0" -c "$1" {arguments} {redirection}', sys.executable, COMMAND],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    first, *more = done.stderr.splitlines()
    assert done.returncode == ExitCode.REFUSED
    assert "No space left on device" in first or "stdout is closed" in first
    assert more in ([], ["Send the output to /dev/null if nobody reads it."])
