"""Runs a program that is killed at one of its steps, as a device that loses power is.

    python -m example_programs.killed_at STEP PROGRAM ARGUMENT...

A step is a line that a function of the program comes to, and an answer that one gives;
while it reads its arguments nothing can be lost.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType


_NO_STEPS = ("<module>", "arguments")


def main() -> None:
    """Count steps, and end at the one that was named; else as the program does."""
    last, program = int(sys.argv[1]), sys.argv[2]
    taken = 0

    def step(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal taken
        if frame.f_code.co_filename != program or frame.f_code.co_name in _NO_STEPS:
            return step
        taken += event in ("line", "return")
        if taken == last:
            sys.stdout.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        return step

    sys.argv = sys.argv[2:]
    sys.settrace(step)
    runpy.run_path(program, run_name="__main__")


main()
