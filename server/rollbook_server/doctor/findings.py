"""What a check found, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it stands; a check is SKIPPED where another one told already why it cannot be made."""

    OK = "OK"
    WARNING = "WARNING"
    WRONG = "WRONG"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `advice` is empty where nothing is to be done."""

    check: str
    state: State
    found: str
    advice: str = ""


def ok(check: str, found: str) -> Finding:
    """Give what is as it should be."""
    return Finding(check, State.OK, found)


def warning(check: str, found: str, advice: str) -> Finding:
    """Give what works, and may not for long."""
    return Finding(check, State.WARNING, found, advice)


def wrong(check: str, found: str, advice: str = "") -> Finding:
    """Give what keeps a server from its work; without advice `found` has it in itself."""
    return Finding(check, State.WRONG, found, advice)


def skipped(check: str, found: str) -> Finding:
    """Give what cannot be looked at."""
    return Finding(check, State.SKIPPED, found)
