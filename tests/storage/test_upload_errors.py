"""The cells of rejected rows are kept as they came, whichever way they become JSON."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from rollbook_server.domain.devices import RowError
from rollbook_server.domain.error_blocks import ErrorBlock, RowErrors
from rollbook_server.domain.errors import RowReason
from rollbook_server.storage import upload_errors

cells = st.just("][") | st.text(st.sampled_from('ab1,[]{}ü東🙂 "\\\n\x00'), max_size=5)
plain = st.text(st.sampled_from("ab1,{}ü東🙂 "), min_size=1, max_size=5)


def error(row: int, values: list[str]) -> RowError:
    return RowError(row, row + 1, "IMEI", RowReason.IMEI_LENGTH, "too short", "", values)


def block(errors: list[RowError]) -> ErrorBlock:
    (all_of_them,) = RowErrors(errors).blocks
    return all_of_them


@given(st.lists(st.lists(cells | plain, max_size=4), min_size=1, max_size=6))
@example([["a\x00b"], ["c"]])  # a row that is refused for it
@example([["][", "]["], ["]["]])
def test_rows_of_any_cells_become_the_same_json_together_as_alone(rows: list[list[str]]) -> None:
    errors = [error(number, values) for number, values in enumerate(rows, 1)]
    together = upload_errors._columns(block(errors))["cells"]
    assert together == [upload_errors._cells(each) for each in errors]


@given(st.lists(st.lists(plain, min_size=1, max_size=4), min_size=1, max_size=6))
def test_plain_rows_take_the_short_road(rows: list[list[str]]) -> None:
    assert list(map(json.loads, upload_errors._plain_cells(rows))) == rows


def test_a_row_too_long_for_any_answer_takes_the_long_road() -> None:
    errors = [error(1, ["x" * 400_000]), error(2, ["y"])]
    assert upload_errors._columns(block(errors))["cells"] == ["[]", '["y"]']
