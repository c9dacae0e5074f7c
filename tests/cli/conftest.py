"""The command in this process, on a machine where nothing is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli.memory_roll import Ended, FakeClient, Roll
from rollbook.cli.entry import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def cli(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Ended]:
    """Give the command, on a machine where nothing is set."""
    for name in ("ADDRESS", "API_KEY", "API_KEY_FILE", "DEBUG"):
        monkeypatch.delenv(f"ROLLBOOK_{name}", raising=False)
    monkeypatch.setenv("ROLLBOOK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def call(*arguments: object) -> Ended:
        code = run([str(argument) for argument in arguments])
        return Ended(code, *capsys.readouterr())

    return call


@pytest.fixture
def roll(monkeypatch: pytest.MonkeyPatch) -> Roll:
    """Give the roll that the command finds in place of a server's."""
    result = Roll()
    monkeypatch.setattr("rollbook.cli.session.Session.admin", lambda _session: FakeClient(result))
    monkeypatch.setattr("rollbook.cli.session.Session.agent", lambda _session: FakeClient(result))
    return result
