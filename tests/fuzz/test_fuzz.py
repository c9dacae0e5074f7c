"""A few seconds of what `make fuzz` does for minutes, from another seed every time."""

from __future__ import annotations

import os
import secrets
from random import Random
from typing import TYPE_CHECKING

import pytest

from fuzz import parser, run
from fuzz.files import File
from fuzz.run import FoundError, Task

if TYPE_CHECKING:
    from pathlib import Path

SEED = 1 if os.environ.get("CI") else secrets.randbelow(2**31)


def test_no_file_breaks_the_promises_of_the_parser() -> None:
    outcomes = run.run(Task("parser", SEED, range(2_000)))
    assert {"file: read to its end", "file: CSV_ENCODING", "row: taken"} <= set(outcomes)


def test_no_stream_breaks_the_promises_of_a_server() -> None:
    outcomes = run.run(Task("server", SEED, range(150)))
    assert sum(outcomes.values()) == 150
    assert {"stream: UPLOAD_STATE_FINISHED", "stream: UPLOAD_MESSAGE_UNEXPECTED"} <= set(outcomes)


def test_a_broken_promise_is_told_with_its_seed_and_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(parser, "FILE_REASONS", set())
    with pytest.raises(FoundError, match=r"run\.py --seed 7 --first \d+ --parser 1"):
        run.run(Task("parser", 7, range(500)))
    (kept,) = (tmp_path / ".fuzz").iterdir()
    found = Random(7 << 32 | int(kept.name.rpartition("-")[2]))
    with pytest.raises(AssertionError):
        parser.check(found)
    assert parser.check_file(File(b"imei\n35693803564380\n"), Random(0))
