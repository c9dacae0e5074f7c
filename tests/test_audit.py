"""The audit of dependencies fails on an advisory, and says so loudly where it knows nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT = Path(__file__).parents[1] / ".ci" / "audit_dependencies.py"
GOOD = {"name": "good", "version": "1", "vulns": []}
BAD = {"name": "bad", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["2.1"]}]}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}


@pytest.fixture
def audit(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Give the audit, with a pip-audit that reports these packages; with none it fails."""

    def run(*packages: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        stand_in = tmp_path / "pip-audit"
        report = json.dumps({"dependencies": packages})
        write = f"import sys; open(sys.argv[-1], 'w').write({report!r})"
        stand_in.write_text(f"#!{sys.executable}\n{write if packages else 'raise SystemExit(1)'}\n")
        stand_in.chmod(0o700)
        return _run(str(stand_in))

    return run


def _run(pip_audit: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), pip_audit, sys.executable]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_an_advisory_is_a_failure_that_names_the_remedy(
    audit: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = audit(GOOD, BAD)
    assert done.returncode == 1
    assert done.stdout == "bad 2: CVE-1, mended in 2.1\n2 packages audited, 1 advisories.\n"


def test_without_advisories_all_is_well(
    audit: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = audit(GOOD)
    assert (done.returncode, done.stdout) == (0, "1 packages audited, 0 advisories.\n")


def test_what_was_not_audited_is_said(
    audit: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    assert "nothing is known of them: unknown" in audit(GOOD, UNKNOWN).stdout
    for done in (audit(UNKNOWN), audit(), _run(os.devnull), _run("/no/such/program")):
        assert done.returncode == 0
        assert "Dependencies were NOT audited" in done.stdout
        assert done.stdout.startswith("!!!")
