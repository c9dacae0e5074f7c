"""THREATS.md tells of every attack what closes it, and every test that it names is there."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest

from rollbook_server.domain.token_values import RANDOM_LENGTH, new_value, obfuscate

ROOT = Path(__file__).parents[1]
THREATS = (ROOT / "THREATS.md").read_text(encoding="utf-8")
TEST = re.compile(r"`(tests/[\w/]+\.py::\w+)`")
NEEDED = {
    *("grpcio", "grpcio-status", "protobuf"),
    *("argon2-cffi", "click", "cryptography", "grpcio-health-checking", "grpcio-reflection"),
    *("peewee", "prometheus-client", "rich", "segno"),
}


def rows() -> dict[int, list[str]]:
    """Give the cells of each row by its number."""
    lines = re.findall(r"^\| *(\d+) *\|(.*)\|$", THREATS, re.MULTILINE)
    return {int(number): [cell.strip() for cell in rest.split(" | ")] for number, rest in lines}


def test_every_threat_is_there_with_what_closes_it() -> None:
    assert list(rows()) == list(range(1, 21))
    for number, cells in rows().items():
        assert len(cells) == 3, number
        attack, defence, tests = cells
        assert attack.endswith("."), number
        assert defence.endswith("."), number
        assert TEST.findall(tests) or "Out of scope: " in defence, number
        assert TEST.sub("", tests).split() == [], number


def test_every_test_that_is_named_can_be_run() -> None:
    named = sorted(set(TEST.findall(THREATS)))
    command = [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, *named], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_the_readme_leads_here() -> None:
    assert "(THREATS.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_calculation_is_right() -> None:
    """Of the last section, from the values that are made."""
    bits = 5 * RANDOM_LENGTH
    unknown = bits - 5 * len(obfuscate(new_value()).rstrip("*"))
    tried = 10_000 * 99 * 86_400
    short = 1 - math.exp(-1_000 * 1_000 * 7 * 86_400 / 2**40)
    for figure in (
        f"2^{bits} values",
        f"they try {power(tried)}",
        f"a probability of {power(1_000 * tried / 2**bits)}",
        f"that one with {power(tried / 2**unknown)}",
        f"found with {short:.0%}".replace("%", " %"),
    ):
        assert figure in THREATS


def power(number: float) -> str:
    digits, exponent = f"{number:.1e}".split("e")
    return f"{digits} x 10^{int(exponent)}"


def test_the_server_needs_these_packages_and_no_others() -> None:
    """Each is asked for with the oldest version that works."""
    wanted = [
        text
        for text in requires("rollbook") or []
        if not re.search(r"extra == .(dev|postgres|sheet|traces).", text)
        and not text.startswith("rollbook")
    ]
    assert {re.match(r"[\w-]+", text)[0] for text in wanted} == NEEDED  # type: ignore[index]
    assert [text for text in wanted if ">=" not in text] == []


@pytest.mark.parametrize("row", ["| 21 | a | b |  |", "| 5 | a | b | `tests/x.py::test_x` c |"])
def test_a_row_without_a_test_is_seen(monkeypatch: pytest.MonkeyPatch, row: str) -> None:
    monkeypatch.setitem(globals(), "THREATS", f"{THREATS}\n{row}\n")
    with pytest.raises(AssertionError):
        test_every_threat_is_there_with_what_closes_it()
