"""How findings are shown to people: one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from rollbook.cli.output import clean
from rollbook_server.doctor.findings import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook_server.doctor.findings import Finding

_WORDS = {
    State.OK: Text("ok", style="green"),
    State.WARNING: Text("warning", style="yellow"),
    State.WRONG: Text("wrong", style="bold red"),
    State.SKIPPED: Text("skipped", style="dim"),
}


def lines(findings: Iterable[Finding]) -> Table:
    """Give a line for each finding; a narrow terminal folds it."""
    result = Table.grid(padding=(0, 2))
    for _ in range(2):
        result.add_column(no_wrap=True)
    result.add_column(overflow="fold")
    for each in findings:
        told = f"{each.found.rstrip('.')}. {each.advice}" if each.advice else each.found
        result.add_row(_WORDS[each.state], each.check, Text(clean(told)))
    return result
