"""Rows that were left out, told apart by what they met."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rollbook_server.domain.left_out import UNCLEAR, LeftOut

MET = st.lists(st.sampled_from([-5, -1, UNCLEAR, 1, 2, 77]))


@given(MET, MET)
def test_every_row_is_told_where_it_belongs(first: list[int], second: list[int]) -> None:
    """Alone or in pieces, all lines or few, against one row at a time."""
    met = first + second
    left_out = LeftOut.of(range(len(first)), first)
    left_out.extend(LeftOut.of(range(len(first), len(met)), second))
    places = [*enumerate(met)]
    assert left_out.repeated == [place for place, what in places if what > 0]
    assert left_out.lines == [what for what in met if what > 0]
    assert left_out.same == [place for place, what in places if what < 0]
    assert left_out.devices == [-what for what in met if what < 0]
    assert left_out.unclear == [place for place, what in places if what == UNCLEAR]
    assert (len(left_out), left_out.places()) == (len(met), {place for place, _ in places})
