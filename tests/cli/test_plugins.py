"""Commands of other packages speak as our own do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from rollbook.cli.errors import CommandError
from rollbook.cli.session import Session, with_session

if TYPE_CHECKING:
    from cli.ended import Cli


@click.command()
@click.option("--how", default="")
@with_session
def serve(session: Session, how: str) -> None:
    """Fail in some way."""
    assert session.wants_json or how == "usage"
    if how == "own":
        raise CommandError("The port is taken.", reason="PORT_TAKEN", next_step="Take another.")
    if how == "click":
        raise click.ClickException("It did not end well.")
    raise click.UsageError("Not like this.")


class _Point:
    name = "serve"
    value = "somewhere:serve"

    def load(self) -> click.Command:
        return serve


@pytest.fixture(autouse=True)
def plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `serve` be the only plug-in."""
    monkeypatch.setattr("rollbook.cli.plugins.entry_points", lambda **_: [_Point()])


@pytest.mark.parametrize(
    ("how", "reason", "code"),
    [("own", "PORT_TAKEN", 1), ("click", "COMMAND_FAILED", 1), ("", "COMMAND_LINE_INVALID", 2)],
)
def test_a_plugin_fails_in_json(alone: Cli, how: str, reason: str, code: int) -> None:
    for words in (("serve", "--output", "json"), ("--output", "json", "serve")):
        ended = alone(*words, "--how", how)
        assert (ended.code, ended.error["reason"], ended.out) == (code, reason, "")


def test_a_plugin_fails_for_people(alone: Cli) -> None:
    assert "Error: Not like this." in alone("serve", "--how", "usage").err
