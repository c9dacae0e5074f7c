"""The short forms of `make faults`; a seed that fails is in the report."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

from faults import client_losses, kill_loop

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def seed() -> int:
    """Draw a seed; in CI it is the same every time."""
    return 1 if os.environ.get("CI") else random.randrange(10**6)


@pytest.mark.parametrize("half", [1, 2])  # on a core each
def test_a_server_killed_again_and_again_loses_and_doubles_nothing(
    tmp_path: Path, seed: int, half: int
) -> None:
    report = kill_loop.run(tmp_path, 10, half * seed)
    assert report.is_good, "\n".join(report.lines())


def test_a_client_lost_again_and_again_completes_nothing_wrongly(tmp_path: Path, seed: int) -> None:
    report = client_losses.run(tmp_path, 12, seed)
    assert report.is_good, "\n".join(report.lines())
