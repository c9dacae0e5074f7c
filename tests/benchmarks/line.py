"""One line of the benchmarks' report."""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """What was measured against what, and the goal of DESIGN section 7."""

    what: str
    value: float
    goal: str
