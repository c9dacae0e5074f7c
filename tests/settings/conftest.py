"""The command `serve --print-config`, run where nothing else is set."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from rollbook_server.command import serve
from rollbook_server.config import SETTINGS
from rollbook_server.settings.options import CONFIG_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


@dataclass
class Serve:
    """Runs `rollbook serve`; its file of settings has what was last `written`."""

    path: Path
    environment: dict[str, str] = field(default_factory=dict)

    def written(self, text: str) -> Serve:
        self.path.write_text(text, encoding="utf-8")
        self.environment[CONFIG_VARIABLE] = str(self.path)
        return self

    def with_variable(self, name: str, value: str) -> Serve:
        self.environment[name] = value
        return self

    def run(self, *options: str) -> Result:
        return CliRunner().invoke(serve, options, env=self.environment)

    def shown(self, *options: str) -> str:
        """Give what --print-config shows."""
        ended = self.run("--print-config", *options)
        assert ended.exit_code == 0, ended.output
        return ended.stdout

    def settings(self, *options: str) -> dict[str, Any]:
        """Give the settings that the server would have, as its file would name them."""
        return tomllib.loads(self.shown(*options))

    def source(self, name: str, *options: str) -> str:
        """Give where a setting comes from."""
        document = json.loads(self.shown("--output", "json", *options))
        return str(document["settings"][name]["source"])

    def refusal(self, *options: str) -> str:
        """Give the one line that tells why it does not start."""
        ended = self.run(*options)
        assert ended.exit_code == 2, ended.output
        assert ended.stdout == ""
        return ended.stderr.removeprefix("Error: ").rstrip("\n")


@pytest.fixture
def serving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Give `serve` with an empty environment and no file."""
    for setting in SETTINGS:
        monkeypatch.delenv(setting.variable, raising=False)
    monkeypatch.delenv(CONFIG_VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "etc").mkdir()
    return Serve(tmp_path / "etc" / "rollbook.toml")
