"""The short form of `make attack`: the same guessers, fewer guesses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import attack

if TYPE_CHECKING:
    from running import ServerProcess


def test_guessers_get_nothing_and_honest_devices_what_is_theirs(process: ServerProcess) -> None:
    report = attack.run(process, {"tokens": 300, "sweep": 2_000}, idle_seconds=0.0)
    assert report.accepted == 0
    assert report.refused == {}
    assert report.outcomes["tokens"] == {
        "SIGN_IN_REQUIRED": 100, "TOO_MANY_ATTEMPTS": 200, "not sent": 0
    }  # fmt: skip
    assert report.outcomes["sweep"]["TOO_MANY_ATTEMPTS"] > 400
    assert set(report.alarms) == {"WRONG_TOKENS", "WRONG_DEVICES"}
