"""A cell that a spreadsheet would run is guarded on the way out and unguarded on the way in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook_server.domain.formula_cells import escape_cell, may_hold_guards, unescape_cell

risky_texts = st.text(st.sampled_from("'=+-@\t\ra\n"), max_size=6) | st.text()


@pytest.mark.parametrize("cell", ["=1+1", "+49 89", "-1", "@SUM(A1)", "\tx", "\rx", "'=1", "''-"])
def test_a_risky_cell_gets_one_apostrophe(cell: str) -> None:
    assert escape_cell(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["", "O'Brien", "'quoted'", "a=b", "R58N-1", "'", "''", " =1"])
def test_any_other_cell_stays_as_it_is(cell: str) -> None:
    assert escape_cell(cell) == cell
    assert unescape_cell(cell) == cell


@given(risky_texts)
def test_unescaping_undoes_escaping(cell: str) -> None:
    assert unescape_cell(escape_cell(cell)) == cell


@given(risky_texts)
def test_an_escaped_cell_never_begins_a_formula(cell: str) -> None:
    assert not escape_cell(cell).startswith(("=", "+", "-", "@", "\t", "\r"))


@given(risky_texts)
def test_a_text_that_can_hold_no_guard_holds_none(cell: str) -> None:
    assert may_hold_guards(cell) or unescape_cell(cell) == cell
