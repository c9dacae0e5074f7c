"""An IMEI has one normal form, however it is written, or a clear fault."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rollbook_server.domain.errors import RowReason
from rollbook_server.domain.identifiers import IdentifierError
from rollbook_server.domain.imeis import imei_or_none, parse_imei
from rollbook_server.domain.luhn import check_digit, luhn_holds, luhn_holds_for_all

IMEI = "356938035643809"
CORE = "35693803564380"

digits = st.text("0123456789", min_size=15, max_size=15)
cores = st.text("0123456789", min_size=14, max_size=14).filter(lambda core: core.strip("0"))


def naive_luhn_holds(number: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(number)):
        weight = int(digit) * (2 if place % 2 else 1)
        total += weight - 9 if weight > 9 else weight
    return total % 10 == 0


def fault(parse: object, text: str) -> IdentifierError:
    assert callable(parse)
    with pytest.raises(IdentifierError) as caught:
        parse(text)
    return caught.value


@given(digits)
def test_luhn_agrees_with_the_naive_sum(number: str) -> None:
    assert luhn_holds(number) == naive_luhn_holds(number)


@given(st.lists(cores, min_size=1, max_size=40), st.data())
def test_a_column_holds_exactly_if_every_number_holds(
    column: list[str], data: st.DataObject
) -> None:
    numbers = [core + check_digit(core) for core in column]
    assert luhn_holds_for_all("".join(numbers).encode())
    place = data.draw(st.integers(0, len(numbers) - 1))
    wrong = numbers[place][:14] + str((int(numbers[place][14]) + 1) % 10)
    numbers[place] = wrong
    assert not luhn_holds_for_all("".join(numbers).encode())


@pytest.mark.parametrize(
    "text",
    [
        IMEI,
        CORE,
        CORE + "17",
        "35-693803-564380-9",
        "35 693803/564380.9",
        " 35_693803_564380_9\t",
        "\u00a035693803\u2011564380\u20139\u200b",
        "".join(chr(0xFF10 + int(digit)) for digit in IMEI),  # full-width
        "356.938.035.643.809",
        "35693803564380/01",
        f"{IMEI}.0",
        f"{IMEI},00",
        f"{CORE}.0",
    ],
)
def test_every_spelling_of_an_imei_gives_its_core(text: str) -> None:
    assert parse_imei(text) == CORE


@given(cores)
def test_the_check_digit_is_the_only_one_that_passes(core: str) -> None:
    right = check_digit(core)
    for digit in set("0123456789") - {right}:
        with pytest.raises(IdentifierError) as caught:
            parse_imei(core + digit)
        assert caught.value.reason is RowReason.IMEI_CHECK_DIGIT
    assert parse_imei(core + right) == core


@given(cores)
def test_a_device_may_present_a_spare_zero_for_its_check_digit(core: str) -> None:
    assert imei_or_none(f"{core}0") == core


def test_a_single_lost_zero_is_told_by_a_type_code_that_was_never_given_out() -> None:
    with pytest.raises(IdentifierError) as caught:
        parse_imei("13327001234568")
    assert caught.value.reason is RowReason.SPREADSHEET_LOST_ZEROS
    assert caught.value.suggestion == "013327001234568"
    assert parse_imei("10327001234568") == "10327001234568"


def test_a_text_too_long_to_normalise_is_no_imei() -> None:
    marks = "a" + "\u0301" * 500_000 + "\u0316" * 500_000
    with pytest.raises(IdentifierError):
        parse_imei(marks)


@pytest.mark.parametrize("text", ["A0000012345678", "a0000012345678", "FF00-0012-3456-78"])
def test_a_hexadecimal_meid_is_taken_in_upper_case(text: str) -> None:
    assert parse_imei(text) == text.replace("-", "").upper()


def test_a_meid_of_region_99_is_taken() -> None:
    assert parse_imei("99000012e45678") == "99000012E45678"


@pytest.mark.parametrize(
    ("text", "reason", "suggestion"),
    [
        ("", RowReason.IMEI_LENGTH, ""),
        ("3569380", RowReason.IMEI_LENGTH, ""),
        (IMEI + IMEI, RowReason.IMEI_LENGTH, ""),
        ("270113181400015904", RowReason.IMEI_LENGTH, "A1000026003E20"),
        ("35693803564380O", RowReason.IMEI_CHARACTERS, ""),
        ("3A693803564380", RowReason.IMEI_CHARACTERS, ""),
        ("'" + IMEI, RowReason.IMEI_CHARACTERS, IMEI),
        ("0" * 15, RowReason.IMEI_CHARACTERS, ""),
        ("0" * 14, RowReason.IMEI_CHARACTERS, ""),
        (CORE + "0", RowReason.IMEI_CHECK_DIGIT, ""),
        ("3.56938E+14", RowReason.SPREADSHEET_EXPONENT, ""),
        ("3,56938E+14", RowReason.SPREADSHEET_EXPONENT, ""),
        ("3.56938E14", RowReason.SPREADSHEET_EXPONENT, ""),
        ("4E+14", RowReason.SPREADSHEET_EXPONENT, ""),
        ('="0123"', RowReason.SPREADSHEET_FORMULA, ""),
        ("9900012345673", RowReason.IMEI_LENGTH, ""),
    ],
)
def test_a_malformed_imei_is_named(text: str, reason: RowReason, suggestion: str) -> None:
    error = fault(parse_imei, text)
    assert (error.reason, error.suggestion) == (reason, suggestion)
    assert len(error.message) > 20


# What spreadsheets and labels make of an IMEI, and the repair where one is certain.
DAMAGED = [
    ("3.56938E+14", RowReason.SPREADSHEET_EXPONENT, ""),
    ("3,56938E+14", RowReason.SPREADSHEET_EXPONENT, ""),
    ("3.56938035643809E+14", RowReason.SPREADSHEET_EXPONENT, IMEI),
    ("3,56938035643809E+14", RowReason.SPREADSHEET_EXPONENT, IMEI),
    ("3.56938035643800E+14", RowReason.SPREADSHEET_EXPONENT, ""),
    ("3.5693803564380E+14", RowReason.SPREADSHEET_EXPONENT, ""),
    (f'="{IMEI}"', RowReason.SPREADSHEET_FORMULA, IMEI),
    (f"={IMEI}", RowReason.SPREADSHEET_FORMULA, IMEI),
    ('="13327001234568"', RowReason.SPREADSHEET_FORMULA, "013327001234568"),
    ("=A1&B1", RowReason.SPREADSHEET_FORMULA, ""),
    ("13327001234568", RowReason.SPREADSHEET_LOST_ZEROS, "013327001234568"),
    ("13327001234568.0", RowReason.SPREADSHEET_LOST_ZEROS, "013327001234568"),
    ("13,327,001,234,568", RowReason.IMEI_CHARACTERS, "013327001234568"),
    ("356938035643800.0", RowReason.IMEI_CHECK_DIGIT, ""),
    ("356,938,035,643,809", RowReason.IMEI_CHARACTERS, IMEI),
    ("356'938'035'643'809", RowReason.IMEI_CHARACTERS, IMEI),
    ("356,938,035,643,800", RowReason.IMEI_CHARACTERS, ""),
    (f"'{IMEI}", RowReason.IMEI_CHARACTERS, IMEI),
    (f"{IMEI}'", RowReason.IMEI_CHARACTERS, IMEI),
    (f"''{IMEI}", RowReason.IMEI_CHARACTERS, IMEI),
    (f"\u201c{IMEI}\u201d", RowReason.IMEI_CHARACTERS, IMEI),
    (f"\u201e{CORE}\u201c", RowReason.IMEI_CHARACTERS, CORE),
    (f"\u00a0'{IMEI}\u00a0", RowReason.IMEI_CHARACTERS, IMEI),
    (f"IMEI: {IMEI}", RowReason.IMEI_CHARACTERS, IMEI),
    (f"IMEI1 {IMEI}", RowReason.IMEI_CHARACTERS, IMEI),
    ("MEID:A0000012345678", RowReason.IMEI_CHARACTERS, "A0000012345678"),
    (f"{IMEI}/01", RowReason.IMEI_LENGTH, IMEI),
    ("35-693803-564380-9 / 78", RowReason.IMEI_LENGTH, "35-693803-564380-9"),
    ("356938035643800/01", RowReason.IMEI_LENGTH, ""),
    (f"{IMEI} / 490154203237518", RowReason.IMEI_LENGTH, ""),
    (f"{IMEI},490154203237518", RowReason.IMEI_LENGTH, ""),
    (f"{IMEI};490154203237518", RowReason.IMEI_LENGTH, ""),
    (f"{IMEI}\n490154203237518", RowReason.IMEI_LENGTH, ""),
    (f"{IMEI},A0000012345678", RowReason.IMEI_LENGTH, ""),
    ("35693803564380O", RowReason.IMEI_CHARACTERS, ""),
    ("35693803S643809", RowReason.IMEI_CHARACTERS, ""),
    ("########", RowReason.IMEI_CHARACTERS, ""),
]


@pytest.mark.parametrize(("text", "reason", "suggestion"), DAMAGED)
def test_damage_is_named_and_repaired_only_where_that_is_certain(
    text: str, reason: RowReason, suggestion: str
) -> None:
    error = fault(parse_imei, text)
    assert (error.reason, error.suggestion) == (reason, suggestion)
    assert not suggestion or parse_imei(suggestion)


def test_two_imeis_in_one_cell_are_sent_to_two_columns() -> None:
    for between in (" / ", ",", ";", "\n", " "):
        assert "column imei2" in fault(parse_imei, f"{IMEI}{between}490154203237518").message


damaged = st.builds(
    "{0}{1}{2}".format,
    st.sampled_from(["", "'", "\u201c", "=", '="', "IMEI: ", "MEID ", "0"]),
    cores | digits | st.text("0123456789ABCDEF.,'/E+- ", max_size=24),
    st.sampled_from(["", "'", "\u201d", '"', ".0", "/01", "E+14", ",", "0"]),
)


@given(damaged | st.text(max_size=40))
def test_every_suggestion_is_taken_as_it_is(text: str) -> None:
    assume(imei_or_none(text) is None)
    suggestion = fault(parse_imei, text).suggestion
    assert not suggestion or parse_imei(suggestion)


@given(st.text("0123456789", min_size=12, max_size=12).filter(lambda t: t[0] != "0"))
def test_lost_zeros_are_put_back_where_the_check_digit_agrees(rest: str) -> None:
    imei = "00" + rest + check_digit("00" + rest)
    error = fault(parse_imei, imei[2:])
    assert (error.reason, error.suggestion) == (RowReason.SPREADSHEET_LOST_ZEROS, imei)


@given(st.text(max_size=30))
def test_a_text_is_an_imei_or_a_fault_but_nothing_else(text: str) -> None:
    core = imei_or_none(text)
    if core is not None:
        assert len(core) == 14
        assert parse_imei(core) == core
