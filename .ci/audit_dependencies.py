"""Looks up known vulnerabilities of what is installed: `audit_dependencies.py PIP_AUDIT PYTHON`.

Ends with 1 if there are any. Where the advisories cannot be reached nothing is known, and
that is said loudly: pip-audit itself calls a package that it did not find harmless.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

NOTICE = "!" * 78


def main(pip_audit: str, python: str) -> int:
    """Audit the environment of that Python; gives the exit code."""
    found = dependencies(pip_audit, python)
    audited = [each for each in found if "vulns" in each]
    skipped = [each["name"] for each in found if "vulns" not in each]
    if not audited:
        say_loudly("Dependencies were NOT audited: the advisories cannot be reached from here.")
        return 0
    if skipped:
        say_loudly(f"Not audited, for nothing is known of them: {', '.join(skipped)}")
    vulnerable = [line for each in audited for line in told(each)]
    print(*vulnerable, f"{len(audited)} packages audited, {len(vulnerable)} advisories.", sep="\n")
    return 1 if vulnerable else 0


def dependencies(pip_audit: str, python: str) -> list[dict[str, Any]]:
    """Give what pip-audit knows of each package; nothing if it cannot tell."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [pip_audit, "--local", "--skip-editable", "--progress-spinner", "off"]
        try:
            subprocess.run(
                [*command, "--format", "json", "--output", str(report)],
                env={**os.environ, "PIPAPI_PYTHON_LOCATION": python},
                stderr=subprocess.DEVNULL,  # it says that all is well where it knows nothing
                check=False,
            )
            listed: list[dict[str, Any]] = json.loads(report.read_bytes())["dependencies"]
        except (OSError, ValueError):  # it could not be installed, or broke off
            return []
    return listed


def told(package: dict[str, Any]) -> list[str]:
    """Give a line for each advisory about the package."""
    name = f"{package['name']} {package['version']}"
    return [
        f"{name}: {each['id']}, mended in {', '.join(each['fix_versions']) or 'no version yet'}"
        for each in package["vulns"]
    ]


def say_loudly(text: str) -> None:
    """Say what nobody should overlook between other lines."""
    print(NOTICE, text, NOTICE, sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
