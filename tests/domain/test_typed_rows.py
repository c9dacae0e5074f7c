"""Typed rows are judged in columns as they are one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rollbook_server.domain import typed_rows
from rollbook_server.domain.luhn import check_digit
from rollbook_server.domain.typed_rows import TypedRow, TypedRows

IMEI = "356938035643809"
imeis = st.integers(1, 10**14 - 1).map(lambda n: f"{n:014}").map(lambda c: c + check_digit(c))
odd = st.sampled_from(["", " ", "x", "a\0", IMEI, "0" * 15, "x" * 5000, "e\u0301"])
attributes = st.dictionaries(st.sampled_from(["Site", "Tag"]) | odd, odd | st.text(max_size=3))
rows = st.builds(
    TypedRow,
    imeis | imeis | odd,
    st.just("") | odd,
    st.just("R5-8") | odd,
    st.sampled_from(["HTC", ""]) | odd,
    attributes | st.just({"Site": "x"}),
    st.integers(-1, 9),
)


plain_rows = st.builds(TypedRow, imeis, serial_number=st.just("R5"), attributes=st.just({"a": "b"}))


@given(st.lists(rows, max_size=6) | st.lists(rows | plain_rows, max_size=9), st.integers(1, 100))
def test_rows_are_judged_together_as_they_are_alone(given_rows: list[TypedRow], first: int) -> None:
    good, errors = typed_rows.check(TypedRows.of(given_rows), first)
    alone, alone_errors = typed_rows._check_singly(
        given_rows, range(first, first + len(given_rows))
    )
    assert (list(good), errors) == (list(alone), alone_errors)


plain_names = st.dictionaries(st.sampled_from(["Site", "Tag", "Area"]), odd)


@given(st.lists(st.builds(TypedRow, imeis, attributes=plain_names), min_size=1, max_size=6))
def test_attributes_keep_the_order_of_their_names(given_rows: list[TypedRow]) -> None:
    good, _ = typed_rows.check(TypedRows.of(given_rows), 1)
    assert all(list(row.attributes) == sorted(row.attributes) for row in good)


def test_the_canonical_text_is_what_the_contract_says() -> None:
    row = TypedRow("1", "2", "3", "4", {"b": "y", "a": "x"}, 7)
    text = "1\x1f2\x1f3\x1f4\x1fa\x1fx\x1fb\x1fy\x1f\x1e"
    assert typed_rows.canonical(TypedRows.of([row])) == text
    assert typed_rows.canonical(TypedRows.of([TypedRow()])) == "\x1f\x1f\x1f\x1f\x1e"


@given(st.lists(rows, max_size=6) | st.lists(plain_rows, max_size=9))
def test_the_canonical_text_of_rows_is_that_of_each(given_rows: list[TypedRow]) -> None:
    each = "".join(typed_rows.canonical(TypedRows.of([row])) for row in given_rows)
    assert typed_rows.canonical(TypedRows.of(given_rows)) == each
