"""The doctor, asked in this process about the data directory of a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from database.conftest import command
from rollbook.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from cli.ended import Cli

__all__ = ["command"]  # a fixture

Findings = dict[str, tuple[str, str]]
"""State, and what was found with what is to be done, by check."""

Doctor = Callable[..., Findings]


@pytest.fixture
def doctor(command: Cli) -> Doctor:
    """Give a way to ask; the exit code must be that of the worst finding."""

    def ask(*arguments: object) -> Findings:
        ended = command("doctor", *arguments, "--output", "json")
        told: dict[str, Any] = ended.document
        found: Findings = {
            each["check"]: (each["state"], f"{each['found']} {each['advice']}")
            for each in told["findings"]
        }
        is_wrong = any(state == "WRONG" for state, _ in found.values())
        assert ended.code == (ExitCode.UNSOUND if is_wrong else ExitCode.DONE)
        assert (told["worst"] == "WRONG") == is_wrong
        return found

    return ask


def wrongs(found: Findings) -> set[str]:
    return {check for check, (state, _) in found.items() if state == "WRONG"}
