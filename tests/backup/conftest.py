"""The command in this process, and how a backup is taken and put back with it."""

from __future__ import annotations

from database.conftest import command

__all__ = ["command"]  # a fixture
