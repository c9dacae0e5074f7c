"""A type checker sees what users are given, by either kind of client, and sees their slips."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
USAGE = Path(__file__).with_name("typed_usage.py")


def checked(file: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """Check with what is strict alone: the settings of this project are not the users'."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={cache}"]
    return subprocess.run(
        [*command, str(file)], cwd=file.parent, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy")


def test_usage_has_the_types_that_it_says(cache: Path) -> None:
    done = checked(USAGE, cache)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('admin.reveal_token("p1"), str)', 'admin.reveal_token("p1"), bytes)', "[assert-type]"),
        ("await admin.create_profile", "admin.create_profile", "[assert-type]"),
        ("admin.get_profile(7)", 'admin.get_profile("7")', "[unused-ignore]"),
    ],
)
def test_other_types_are_seen(
    right: str, wrong: str, told: str, cache: Path, tmp_path: Path
) -> None:
    usage = USAGE.read_text()
    assert right in usage
    (tmp_path / USAGE.name).write_text(usage.replace(right, wrong, 1))
    done = checked(tmp_path / USAGE.name, cache)
    assert (done.returncode, told in done.stdout) == (1, True), done.stdout
