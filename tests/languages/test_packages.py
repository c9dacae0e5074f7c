"""What is committed of the clients in other languages."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from languages.programs import LANGUAGES, ROOT

GO, TYPESCRIPT, JAVA = LANGUAGES
STUBS = Path("clients/go/v1")


def generated(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / STUBS).glob("*.pb.go")}


@pytest.mark.timeout(900)
def test_the_committed_go_code_is_that_of_the_protos(tmp_path: Path) -> None:
    GO.require()
    command = ["make", "go-stubs", f"GO_OUT={tmp_path}"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert generated(tmp_path) == generated(ROOT)


def test_go_code_is_formatted() -> None:
    GO.require()
    words = ["gofmt", "-l", "clients/go"]
    ended = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True)
    assert ended.stdout == ""


def test_no_lock_file_names_a_registry() -> None:
    locked = (ROOT / "clients" / "typescript" / "package-lock.json").read_text()
    assert '"resolved"' not in locked
    assert '"integrity"' in locked


def test_every_client_is_of_the_version_of_the_server() -> None:
    version = _first(r'^version = "(.+)"$', ROOT / "pyproject.toml")
    clients = ROOT / "clients"
    for name in ("package.json", "package-lock.json"):
        assert _first(r'"version": "(.+)"', clients / "typescript" / name) == version
    assert _first(r"<version>(.+)</version>", clients / "java" / "pom.xml") == version


def _first(pattern: str, path: Path) -> str:
    found = re.search(pattern, path.read_text(), re.MULTILINE)
    assert found, path
    return found[1]
