"""The file of rejected rows: the uploader's columns, safe to open, ready to upload."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import grpc
import pytest

from client.faults import Fault
from rollbook import NotFoundError, RowError
from rollbook._error_csv import ErrorCsv, harmless
from rollbook.v1 import device_service_pb2, upload_pb2

if TYPE_CHECKING:
    from client.fake_server import FakeRollbook
    from rollbook import AdminClient


def row_error(*values: str, column: str = "IMEI", message: str = "too short") -> RowError:
    return RowError(1, 2, column, "IMEI_LENGTH", message, "", values, "")


def written(columns: list[str], *errors: RowError) -> list[list[str]]:
    file = io.StringIO(newline="")
    table = ErrorCsv(file, columns)
    assert table.write(errors) == len(errors)
    return list(csv.reader(io.StringIO(file.getvalue(), newline="")))


def test_the_error_is_the_last_column() -> None:
    assert written(["IMEI", "Site"], row_error("12", "Depot")) == [
        ["IMEI", "Site", "Rollbook Error"],
        ["12", "Depot", "IMEI_LENGTH: IMEI: too short"],
    ]


def test_an_error_of_the_whole_row_names_no_column() -> None:
    lines = written(["IMEI"], row_error("", column="", message="nothing there"))
    assert lines[1][-1] == "IMEI_LENGTH: nothing there"


def test_a_file_that_comes_a_second_time_has_one_error_column() -> None:
    lines = written(["IMEI", "Rollbook Error", "Site"], row_error("12", "old", "Depot"))
    assert lines[0] == ["IMEI", "Site", "Rollbook Error"]
    assert lines[1] == ["12", "Depot", "IMEI_LENGTH: IMEI: too short"]


def test_short_and_long_rows_keep_the_error_in_its_place() -> None:
    lines = written(["IMEI", "Site"], row_error("12"), row_error("12", "Depot", "beyond"))
    assert lines[1] == ["12", "", "IMEI_LENGTH: IMEI: too short"]
    assert lines[2] == ["12", "Depot", "IMEI_LENGTH: IMEI: too short", "beyond"]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@a", "\t=1", "\r", "'=1", "''-1"])
def test_a_cell_that_would_run_gets_one_apostrophe(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Depot", "'quoted'", "1-1", "a=b", " =1"])
def test_other_cells_stay(cell: str) -> None:
    assert harmless(cell) == cell


def test_headers_and_errors_are_made_harmless_too() -> None:
    lines = written(["=IMEI"], row_error("1", column="=IMEI"))
    assert lines[0][0] == "'=IMEI"


def test_quotes_and_line_breaks_survive() -> None:
    assert written(["Note"], row_error('a "b",\r\nc'))[1][0] == 'a "b",\r\nc'


def page(first: int, following: str) -> device_service_pb2.ListUploadErrorsResponse:
    errors = [upload_pb2.RowError(row=row, values=[str(row)]) for row in range(first, first + 2)]
    return device_service_pb2.ListUploadErrorsResponse(
        errors=errors, next_page_token=following, columns=["IMEI"], total_count=4
    )


def test_all_pages_are_written_under_one_header(client: AdminClient, fake: FakeRollbook) -> None:
    fake.error_pages = [page(1, "1"), page(3, "")]
    file = io.StringIO(newline="")
    assert client.write_upload_errors("u1", file) == 4
    lines = file.getvalue().split("\r\n")
    assert [line.split(",")[0] for line in lines] == ["IMEI", "1", "2", "3", "4", ""]


def test_errors_are_listed_over_all_pages(client: AdminClient, fake: FakeRollbook) -> None:
    fake.error_pages = [page(1, "1"), page(3, "")]
    errors = list(client.list_upload_errors("u1", page_size=2))
    assert [(error.row, error.values) for error in errors] == [
        (1, ("1",)),
        (2, ("2",)),
        (3, ("3",)),
        (4, ("4",)),
    ]
    assert {request.page_size for request in fake.requests} == {2}


def test_nothing_is_written_about_an_upload_that_is_not_there(
    client: AdminClient, fake: FakeRollbook
) -> None:

    fake.unary_faults.append(Fault(grpc.StatusCode.NOT_FOUND, "UPLOAD_NOT_FOUND"))
    file = io.StringIO()
    with pytest.raises(NotFoundError):
        client.write_upload_errors("u1", file)
    assert file.getvalue() == ""
