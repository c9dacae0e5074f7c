"""Rows that meet each other and the roll as often as not, for tests of properties."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from rollbook_server.domain.luhn import check_digit
from uploads.model import Given

if TYPE_CHECKING:
    from collections.abc import Sequence

imeis = st.sampled_from(["", "", "1", "2", "3", "4"])
rows_given = st.builds(
    Given,
    st.one_of(imeis, imeis, imeis, st.just("oops")),
    imeis,
    st.sampled_from(["", "", "R1", "R2"]),
    st.sampled_from(["", "HTC", "htc", "LG"]),
    st.sampled_from(["", "a", "b"]),
)


def own(given: Given, example: int) -> Given:
    """Give the row with keys that no other example has."""
    serial = given.serial_number and f"{given.serial_number}-{example}"
    imeis = (own_imei(given.imei, example), own_imei(given.imei2, example))
    return Given(*imeis, serial, *given[3:])


def own_imei(digit: str, example: int) -> str:
    return f"35{example:09}{digit:>03}" if digit.isdigit() else digit


def table(rows: Sequence[Given]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(Given._fields)
    for row in rows:
        first = row.imei + check_digit(row.imei) if row.imei.isdigit() else row.imei
        writer.writerow((first, *row[1:]))
    return out.getvalue().encode()
