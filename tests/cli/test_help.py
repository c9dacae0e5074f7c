"""What the command says of itself."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from rollbook.cli.exit_codes import MEANINGS, ExitCode

if TYPE_CHECKING:
    from cli.ended import Cli

LEAVES = [
    ("device", "add"),
    ("device", "list"),
    ("device", "show"),
    ("device", "edit"),
    ("device", "delete"),
    ("device", "explain"),
    ("key", "create"),
    ("key", "list"),
    ("key", "revoke"),
    ("profile", "create"),
    ("profile", "list"),
    ("profile", "show"),
    ("profile", "edit"),
    ("profile", "assign-user"),
    ("profile", "configure"),
    ("upload",),
    ("template",),
    ("inventory",),
    ("token", "show"),
    ("token", "reveal"),
    ("token", "refresh"),
    ("token", "extend"),
    ("token", "revoke"),
    ("qr",),
    ("enroll",),
    ("health",),
    ("sign-in",),
    ("completion",),
    ("watch",),
    ("user", "create"),
    ("user", "list"),
    ("user", "edit"),
    ("user", "delete"),
    ("audit",),
    ("audit", "list"),
    ("audit", "verify"),
    ("backup",),
    ("restore",),
    ("doctor",),
]


def test_help_lists_every_command(alone: Cli) -> None:
    ended = alone("--help")
    assert ended.code == 0
    listed = re.findall(r"^  ([a-z][a-z-]*)  ", ended.out, flags=re.MULTILINE)
    ours = (
        "audit backup completion database demo device discard doctor enroll health inventory key "
        "profile qr restore serve sign-in template token upload"
    )
    assert listed == [*ours.split(), "uploads", "user", "watch"]


def test_help_lists_every_exit_code(alone: Cli) -> None:
    told = alone("--help").out
    assert set(MEANINGS) == set(ExitCode)
    for code, meaning in MEANINGS.items():
        assert re.search(rf"^ +{code.value}  {re.escape(meaning)}$", told, flags=re.MULTILINE)


def test_help_loads_no_server() -> None:
    script = (
        "import sys; from rollbook.cli.entry import run; run(['--help']); "
        "sys.exit('rollbook_server' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("leaf", LEAVES)
def test_every_command_takes_the_form_of_its_output(alone: Cli, leaf: tuple[str, ...]) -> None:
    assert "--output [table|json]" in alone(*leaf, "--help").out


def test_a_wrong_option_is_a_mistake_of_usage(alone: Cli) -> None:
    ended = alone("profile", "list", "--nonsense")
    assert ended.code == ExitCode.USAGE
    assert "Usage: rollbook profile list" in ended.err


def test_a_mistake_of_usage_is_told_in_json_too(alone: Cli) -> None:
    ended = alone("profile", "create", "--output", "json")
    assert ended.code == ExitCode.USAGE
    assert ended.error["reason"] == "COMMAND_LINE_INVALID"


def test_the_version_is_that_of_the_distribution(alone: Cli) -> None:
    assert re.fullmatch(r"rollbook \d+\.\d+\.\d+\S*\n", alone("--version").out)
