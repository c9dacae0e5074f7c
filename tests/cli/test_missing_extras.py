"""A missing extra is named, never traced."""

from __future__ import annotations

import importlib.metadata
import sys
from typing import TYPE_CHECKING

import pytest

import rollbook.cli

if TYPE_CHECKING:
    from cli.ended import Cli


class _Point:
    """An entry point whose import fails."""

    name = "serve"
    value = "rollbook_server.command:serve"

    def __init__(self, missing: str) -> None:
        self._missing = missing

    def load(self) -> None:
        raise ModuleNotFoundError(f"No module named {self._missing!r}", name=self._missing)


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_click_or_rich_main_names_the_extra(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [*sys.modules]:
        if name.partition(".")[0] == missing or name.startswith("rollbook.cli."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    assert rollbook.cli.main() == 1
    assert "pip install '.[cli]' (or 'rollbook[cli]')" in capsys.readouterr().err


def test_without_the_server_its_command_names_the_extra(
    alone: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    _replace_plugins(monkeypatch, "peewee")
    ended = alone("serve")
    assert ended.code == 1
    assert "`rollbook serve` needs: pip install '.[server]' (or 'rollbook[server]')" in ended.err


def test_a_missing_module_of_our_own_is_a_bug(alone: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    _replace_plugins(monkeypatch, "rollbook_server.command")
    assert "this is a bug" in alone("serve").err


def _replace_plugins(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    assert importlib.metadata.entry_points(group="rollbook.commands")
    monkeypatch.setattr("rollbook.cli.plugins.entry_points", lambda **_: [_Point(missing)])
