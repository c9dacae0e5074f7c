"""Proof that a loss of power takes nothing that was answered: `python run.py MOMENTS [SEED]`.

Records what a server writes and syncs while it is used, loses power at so many moments of
the record, and compares what a disk may then hold with what clients had been told. Exits
with 1 if anything is missing. Another run with the printed seed loses power alike, but of
another record.
"""

from __future__ import annotations

import secrets
import sys
import tempfile
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # `running`, as the tests know it

from power_loss import losing, recording, storm
from power_loss.recording import Recorder
from running import ServerProcess

USES = 24  # uploads, and as many times forty enrollments


def record(folder: Path, how: str, uses: int) -> Recorder:
    """Use a server so much, recorded; `how` is `synced`, or `unsynced`."""
    data_dir = folder / "data"
    data_dir.mkdir()
    recorder = Recorder(folder, data_dir)
    server = ServerProcess(data_dir, module=("power_loss.serving", how))
    with closing(recorder):
        with recorder.recording():
            server.start()
        try:
            storm.run(server, recorder, uses)
        finally:
            server.kill()
    return recorder


def lose(folder: Path, how: str, uses: int, moments: int, seed: int) -> losing.Report:
    """Record, and lose power."""
    recorder = record(folder, how, uses)
    after = folder / "after"
    after.mkdir()
    return losing.lose(list(recorder.entries()), after, moments, seed)


def main(moments: int, seed: int) -> int:
    """Do it, and print what was found."""
    if not recording.can_record():
        print(recording.MISSING)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        report = lose(Path(folder), "synced", USES, moments, seed)
    print("\n".join(report.lines()), f"seed {seed}", sep="\n", flush=True)
    return 0 if report.is_good else 1


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(numbers[0] if numbers else 600, *(numbers[1:] or [secrets.randbelow(10**6)])))
