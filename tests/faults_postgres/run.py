"""Proof that a failover loses and doubles nothing: `python run.py ROUNDS [SEED]`.

Kills the primary of two PostgreSQL under Patroni once in each round; exits with 1 if
anything was found. Another run with the printed seed draws the same kills.
"""

from __future__ import annotations

import os
import secrets
import signal
import sys
import tempfile
from pathlib import Path

os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"  # those it starts are other programs
sys.path.insert(0, str(Path(__file__).parents[1]))  # `running`, as the tests know it

from faults_postgres import cluster, failovers, programs

NOTICE = "!" * 78


def main(rounds: int, seed: int) -> int:
    """Run all rounds and print what was found."""
    missing = programs.missing(programs.PATRONI, programs.ETCD)
    if missing:
        print(NOTICE, f"The failover was NOT tried, {missing}.", NOTICE, sep="\n", flush=True)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left running
    with tempfile.TemporaryDirectory() as folder, cluster.running() as running:
        report = failovers.run(running, Path(folder), rounds, seed)
    print("\n".join(report.lines()), flush=True)
    return 0 if report.is_good else 1


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(numbers[0] if numbers else 6, *(numbers[1:] or [secrets.randbelow(10**6)])))
