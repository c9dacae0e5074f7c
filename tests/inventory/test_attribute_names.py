"""Which attribute columns a template has, and that names are equal on every road."""

from __future__ import annotations

import io
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from rollbook import DeviceRow, NotFoundError, OnConflict, OnInvalidRow
from uploads.wire import imei

if TYPE_CHECKING:
    from rollbook import AdminClient

EXAMPLE = "004999010640000,,EXAMPLE-0001,Example"


@pytest.fixture
def profile(admin: AdminClient) -> str:
    return admin.create_profile("Depot").profile_id


def upload(admin: AdminClient, profile: str, text: str, **options: Any) -> None:
    done = admin.upload_devices(profile, lambda: io.BytesIO(text.encode()), **options)
    assert done.rejected_count == 0


def columns(admin: AdminClient, profile: str = "") -> list[str]:
    header = admin.get_upload_template(profile).decode("utf-8-sig").split("\r\n")[0]
    return header.split(",")[4:]


def test_a_template_has_the_identifiers_and_one_example(admin: AdminClient, profile: str) -> None:
    expected = f"\ufeffIMEI,IMEI2,Serial Number,Manufacturer\r\n{EXAMPLE}\r\n".encode()
    assert admin.get_upload_template() == admin.get_upload_template(profile) == expected
    with pytest.raises(NotFoundError):
        admin.get_upload_template("nothing")


def test_the_example_of_a_template_never_becomes_a_device(admin: AdminClient, profile: str) -> None:
    template = admin.get_upload_template(profile)
    mended = template + f"{imei(1)},,,\r\n".encode()
    for data in (template, mended):
        done = admin.upload_devices(profile, partial(io.BytesIO, data))
        assert [error.reason for error in done.errors] == ["EXAMPLE_ROW"]
    assert [device.imei for device in admin.list_devices()] == [imei(1)[:14]]


@pytest.mark.parametrize("policy", list(OnInvalidRow))
def test_columns_of_a_file_keep_their_order_whichever_row_fills_them(
    admin: AdminClient, profile: str, policy: OnInvalidRow
) -> None:
    text = f"imei,d,c,b,empty,a\n{imei(1)},,,x,,\n{imei(2)},,x,,,x\n{imei(3)},x,,,,\n"
    upload(admin, profile, text, on_invalid_row=policy)
    upload(admin, profile, f"imei,e,c\n{imei(4)},x,x\n", on_invalid_row=policy)
    assert columns(admin, profile) == ["d", "c", "b", "a", "e"]


def test_a_template_of_no_profile_has_the_columns_of_all(admin: AdminClient, profile: str) -> None:
    other = admin.create_profile("Other").profile_id
    upload(admin, profile, f"imei,b,a\n{imei(1)},x,x\n")
    upload(admin, other, f"imei,c,b\n{imei(2)},x,x\n")
    assert columns(admin) == ["b", "a", "c"]
    assert columns(admin, other) == ["c", "b"]


def test_a_template_has_at_most_the_hundred_names_used_first(
    admin: AdminClient, profile: str
) -> None:
    for part in (range(60), range(60, 120)):
        names = ",".join(f"a{number}" for number in part)
        upload(admin, profile, f"imei,{names}\n{imei(part[0])}{',x' * 60}\n")
    assert columns(admin, profile) == columns(admin) == [f"a{number}" for number in range(100)]


def test_devices_that_change_or_move_bring_their_names(admin: AdminClient, profile: str) -> None:
    other = admin.create_profile("Other").profile_id
    upload(admin, profile, f"imei,a\n{imei(1)},x\n")
    upload(admin, profile, f"imei,b\n{imei(1)},x\n", on_conflict=OnConflict.UPDATE)
    upload(admin, other, f"imei,c\n{imei(1)},x\n", on_conflict=OnConflict.MOVE)
    assert columns(admin, profile) == ["a", "b"]
    assert columns(admin, other) == ["c"]


def test_rows_that_do_not_come_onto_the_roll_bring_none(admin: AdminClient, profile: str) -> None:
    upload(admin, profile, f"imei,a\n{imei(1)},x\n")
    text = f"imei,b,c\n{imei(1)},x,\n{imei(2)},,x\n"
    admin.upload_devices(profile, lambda: io.BytesIO(text.encode()), validate_only=True)
    assert columns(admin, profile) == ["a"]
    upload(admin, profile, text, on_conflict=OnConflict.KEEP)
    assert columns(admin, profile) == ["a", "c"]


def test_a_name_is_the_same_from_a_file_and_from_a_service(
    admin: AdminClient, profile: str
) -> None:
    upload(admin, profile, f"imei, Stra\u00dfe ,caf\u00e9\n{imei(1)},x,y\n")
    row = DeviceRow(imei=imei(1), attributes={" Stra\u00dfe\t": "x", "cafe\u0301": "y"})
    assert admin.upload_rows(profile, [row]).unchanged_count == 1
    assert columns(admin, profile) == ["Stra\u00dfe", "caf\u00e9"]


def test_two_names_of_a_service_that_become_one_are_refused(
    admin: AdminClient, profile: str
) -> None:
    row = DeviceRow(imei=imei(1), attributes={"caf\u00e9": "x", " cafe\u0301": "y"})
    [error] = admin.upload_rows(profile, [row]).errors
    assert (error.reason, error.column) == ("ATTRIBUTE_NAME_INVALID", "caf\u00e9")
    assert "keep one of them" in error.message
    spare = DeviceRow(imei=imei(1), attributes={"a": "x", " a": ""})
    assert admin.upload_rows(profile, [spare]).created_count == 1


def test_a_header_may_say_that_a_column_is_an_attribute(admin: AdminClient, profile: str) -> None:
    text = f"imei,attribute.Make,Attribute. Rollbook x,manufacturer\n{imei(1)},x,y,HTC\n"
    upload(admin, profile, text)
    assert columns(admin, profile) == ["attribute.Make", "attribute.Rollbook x"]


def test_an_error_names_an_explicit_column_as_the_file_does(
    admin: AdminClient, profile: str
) -> None:
    text = f"imei,attribute.Make\n{imei(1)},{'x' * 4097}\n"
    [error] = admin.upload_devices(profile, lambda: io.BytesIO(text.encode())).errors
    assert (error.reason, error.column) == ("ATTRIBUTE_TOO_LONG", "attribute.Make")
