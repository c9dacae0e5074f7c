"""How findings are shown to people: one line each."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Group
from rich.table import Table
from rich.text import Text

from rollbook.cli.output import below, clean, stdout_width
from rollbook_server.doctor.findings import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from rollbook_server.doctor.findings import Finding

_WORDS = {
    State.OK: Text("ok", style="green"),
    State.WARNING: Text("warning", style="yellow"),
    State.WRONG: Text("wrong", style="bold red"),
    State.SKIPPED: Text("skipped", style="dim"),
}


# Characters that a line should have for what was found, beside state and check.
_LEAST_WIDTH = 30


def lines(findings: Iterable[Finding]) -> RenderableType:
    """Give a line for each finding; on a narrow terminal, what was found stands below."""
    shown = [(_WORDS[each.state], each.check, clean(_told(each))) for each in findings]
    wide = max((len(state) + cell_len(check) for state, check, _ in shown), default=0)
    if stdout_width() - wide < _LEAST_WIDTH:
        titles = (Text.assemble(state, "  ", check) for state, check, _ in shown)
        return Group(*chain.from_iterable(map(below, titles, (told for *_, told in shown))))
    result = Table.grid(padding=(0, 2))
    for _ in range(2):
        result.add_column(no_wrap=True)
    result.add_column(overflow="fold")
    for state, check, told in shown:
        result.add_row(state, check, Text(told))
    return result


def _told(finding: Finding) -> str:
    return f"{finding.found.rstrip('.')}. {finding.advice}" if finding.advice else finding.found
