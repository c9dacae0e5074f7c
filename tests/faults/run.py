"""Proof that nothing is lost or doubled: `python run.py KILLS [SEED]`; exits with 1 if anything is.

Kills the server so often in the middle of uploads, then breaks as many uploads off at
the client's side. Another run with the printed seed draws the same uploads and kills.
"""

from __future__ import annotations

import logging
import secrets
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # `running`, as the tests know it

from faults import client_losses, kill_loop


def main(kills: int, seed: int) -> int:
    """Run both loops and print what they found."""
    good = True
    logging.getLogger().addHandler(logging.NullHandler())  # of servers, in the midst of figures
    for loop in (kill_loop, client_losses):
        with tempfile.TemporaryDirectory() as folder:
            report = loop.run(Path(folder), kills, seed)
        print("\n".join(report.lines()), flush=True)
        good = good and report.is_good
    return 0 if good else 1


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(numbers[0] if numbers else 200, *(numbers[1:] or [secrets.randbelow(10**6)])))
