"""Headers of every known vendor are understood; what cannot be is explained."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook_server.domain.columns import Columns, understand
from rollbook_server.domain.dialects import detect_delimiter, separator_named_by
from rollbook_server.domain.errors import FieldsError, FileError, Reason

IMEI = "356938035643809"


def fields(header: str, **mapping: str) -> dict[str, str]:
    return dict(understand(header.split(","), mapping).mapping())


def refusal(header: str) -> FileError:
    with pytest.raises(FileError) as caught:
        understand(header.split(","), line=3)
    assert caught.value.metadata["line"] == "3"
    return caught.value


@pytest.mark.parametrize(
    ("header", "dialect"),
    [
        ("IMEI,Serial Number,Manufacturer,Department", "generic"),
        ("modemtype,modemid,serial,model,manufacturer,profiletype,owner", "zero-touch-reseller"),
        ("serial,model,manufacturer,profiletype,owner", "zero-touch-reseller"),
        ("modemtype,modemid,manufacturer,profiletype,profileid", "zero-touch-customer"),
        ("IMEI1, IMEI2, serial number", "esper"),
        ("IMEI,FSN,NAME,DISPLAY_NAME,TAG.site,METADATA.x", "octave"),
        ("Device Name,Serial Number,Platform,Ownership,Manufacturer", "hexnode"),
        (f"{IMEI},tablet of the front desk", "intune"),
    ],
)
def test_a_vendor_is_recognised(header: str, dialect: str) -> None:
    assert understand(header.split(",")).dialect == dialect


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("IMEI", "imei"),
        ("imei_number", "imei"),
        ("IMEI/MEID", "imei"),
        ("Modem ID", "imei"),
        ("meid", "imei"),
        ("Second-IMEI", "imei2"),
        ("Device Serial Number", "serial_number"),
        ("SN", "serial_number"),
        ("Make", "manufacturer"),
        ("OEM", "manufacturer"),
    ],
)
def test_names_are_compared_without_case_spaces_underscores_and_hyphens(
    name: str, field: str
) -> None:
    filler = {"imei": "x", "imei2": "x", "serial_number": "make", "manufacturer": "serial"}
    assert fields(f"{name},{filler[field]}")[name] == field


def test_other_columns_are_attributes_by_their_trimmed_names() -> None:
    columns = understand(["IMEI", " Asset Tag ", "TAG.Site", "e\u0301"])
    assert columns.attributes == ((1, "Asset Tag"), (2, "TAG.Site"), (3, "é"))


def test_zero_touch_constants_are_ignored_and_model_and_owner_kept() -> None:
    found = fields("modemtype,modemid,serial,model,manufacturer,profiletype,owner")
    assert list(found.values()) == [
        "ignored", "imei", "serial_number", "attribute", "manufacturer", "ignored", "attribute",
    ]  # fmt: skip


def test_a_file_of_intune_has_no_header() -> None:
    columns = understand([IMEI, "front desk", ""])
    assert (columns.headers, columns.has_header) == (("imei", "details"), False)
    assert columns.mapping() == [("imei", "imei"), ("details", "attribute")]


def test_columns_of_our_own_error_report_and_empty_ones_are_ignored() -> None:
    found = understand(["imei", "", "ROLLBOOK error", "Rollbook_Row", "a", ""]).mapping()
    assert [field for _, field in found] == ["imei", *["ignored"] * 3, "attribute", "ignored"]


def test_a_weaker_name_gives_way_to_a_better_one() -> None:
    found = fields("imei,meid,manufacturer,brand")
    assert list(found.values()) == ["imei", "attribute", "manufacturer", "attribute"]


def test_a_mapping_overrules_recognition() -> None:
    found = fields("Code,imei,serial,Colour", code="imei", Serial="ignored")
    assert list(found.values()) == ["imei", "attribute", "ignored", "attribute"]


@pytest.mark.parametrize("mapping", [{"absent": "imei"}, {"imei": "telephone"}, {"": "imei"}])
def test_a_mapping_of_what_is_not_there_is_refused(mapping: dict[str, str]) -> None:
    with pytest.raises(FieldsError) as caught:
        understand(["imei", ""], mapping)
    assert set(caught.value.fields) == {"column_mapping"}


@pytest.mark.parametrize(
    ("header", "reason", "word"),
    [
        ("Name,Colour", Reason.CSV_NO_IDENTIFIER_COLUMN, "Found: Name, Colour"),
        ("Serial,Colour", Reason.CSV_NO_IDENTIFIER_COLUMN, "add a column manufacturer"),
        ("Make,Colour", Reason.CSV_NO_IDENTIFIER_COLUMN, "add a column serial_number"),
        ("356938035643808,x", Reason.CSV_NO_IDENTIFIER_COLUMN, "put a header line"),
        (
            "Device Serial Number,Windows Product ID,Hardware Hash",
            Reason.CSV_NO_IDENTIFIER_COLUMN,
            "Autopilot",
        ),
        ("IMEI,imei_1", Reason.CSV_DUPLICATE_COLUMN, "IMEI, imei_1"),
        ("IMEI,make,brand", Reason.CSV_DUPLICATE_COLUMN, "make, brand all mean manufacturer"),
        ("IMEI,Tag, Tag", Reason.CSV_DUPLICATE_COLUMN, "Tag, Tag have the same name"),
        ("imei" + ",a" * 1024, Reason.CSV_TOO_MANY_COLUMNS, "1,024"),
        ("i\0m\0e\0i\0", Reason.CSV_NUL_CHARACTER, "UTF-16"),
    ],
)
def test_a_header_that_cannot_be_used_says_why(header: str, reason: Reason, word: str) -> None:
    error = refusal(header)
    assert error.reason is reason
    assert word in error.message


def test_a_message_repeats_no_identifier() -> None:
    assert "356938035643808" not in refusal("356938035643808,x").message


def test_any_number_of_empty_columns_at_the_end_is_allowed() -> None:
    assert len(understand(["imei", *[""] * 5000]).headers) == 1024


@given(st.lists(st.sampled_from(["serial", "make", "a", "", "Rollbook Error"]), unique=True))
def test_columns_survive_json(names: list[str]) -> None:
    columns = understand(["imei", *names])
    assert Columns.from_dict(json.loads(json.dumps(columns.to_dict()))) == columns


@pytest.mark.parametrize(
    ("line", "delimiter"),
    [
        ("imei,serial", ","),
        ("imei;serial,manufacturer;x", ";"),
        ("imei\tserial", "\t"),
        ('"imei";"serial"', ";"),
        ("imei", ","),
        ("a;b;c,d", ";"),
        ("imei;note, with, many, commas", ";"),
    ],
)
def test_the_delimiter_is_the_one_that_finds_most_known_columns(line: str, delimiter: str) -> None:
    assert detect_delimiter(line) == delimiter


@pytest.mark.parametrize(
    ("line", "delimiter"),
    [
        ("sep=;", ";"),
        ('"SEP=,"', ","),
        ("sep=|,,", "|"),
        ("sep=\t\r\n", "\t"),
        (" sep=;\n", ";"),
        ("sep=x", ""),
        ("imei", ""),
    ],
)
def test_excel_may_name_the_delimiter(line: str, delimiter: str) -> None:
    assert separator_named_by(line) == delimiter
