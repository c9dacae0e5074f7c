"""Errors are read alike, whether they came one by one or in blocks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rollbook_server.domain.devices import RowError
from rollbook_server.domain.error_blocks import ErrorBlock, RowErrors
from rollbook_server.domain.errors import RowReason

errors = st.builds(
    RowError,
    st.integers(1, 9),
    st.integers(1, 9),
    st.sampled_from(["imei", ""]),
    st.sampled_from(RowReason),
    st.text(max_size=2),
    st.text(max_size=2),
    st.lists(st.text(max_size=2), max_size=2),
    st.text(max_size=2),
)
some = st.lists(errors, min_size=1, max_size=4)


@given(some, some, some)
def test_errors_are_those_that_were_added(
    blocked: list[RowError], single: list[RowError], more: list[RowError]
) -> None:
    found = RowErrors(single)
    found.add(ErrorBlock(*zip(*blocked, strict=True)))
    found.extend(RowErrors(more[:-1]))
    found.append(more[-1])
    expected = [*blocked, *single, *more]
    assert list(found) == expected
    assert [each for block in found.blocks for each in block.errors()] == expected
    assert (len(found), found[0], found[1:]) == (len(expected), expected[0], expected[1:])


def test_no_errors_are_no_blocks() -> None:
    assert not RowErrors()
    assert RowErrors().blocks == []
