"""The committed stubs are what the generator writes today, byte for byte."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STUBS = Path("rollbook/v1")
TOOL = ROOT / ".venv-stubs" / "ready"


def generated(folder: Path) -> dict[str, bytes]:
    files = (folder / STUBS).iterdir()
    return {path.name: path.read_bytes() for path in files if "_pb2" in path.name}


@pytest.mark.skipif(
    not os.environ.get("CI") and not (TOOL.exists() and shutil.which("make")),
    reason="the generator is not installed; `make test` or `make stubs` installs it",
)
def test_the_committed_stubs_are_those_of_the_protos(tmp_path: Path) -> None:
    subprocess.run(["make", "stubs", f"OUT={tmp_path}"], cwd=ROOT, check=True, capture_output=True)
    assert generated(tmp_path) == generated(ROOT / "clients" / "python")


def test_the_stubs_load_without_a_warning() -> None:
    modules = ", ".join(
        f"rollbook.v1.{path.stem}"
        for path in (ROOT / "clients" / "python" / STUBS).glob("*_pb2*.py")
    )
    subprocess.run([sys.executable, "-W", "error", "-c", f"import {modules}"], check=True)
