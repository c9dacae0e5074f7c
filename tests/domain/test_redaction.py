"""Secrets are found in the names that people make of them, and nothing else is taken for one."""

from __future__ import annotations

import random
from uuid import UUID

import pytest

from rollbook_server.domain import audit, token_values
from rollbook_server.domain.redaction import may_hold_secret, redacted

IMEI, GROUPED_IMEI = "490154203237518", "49-015420-323751-8"
TOKEN = "2QQMR-N59B1-SP8W7-HCA4C-C8VV3-F6G8G"
IMEI_NAMES = ["Tablet-{}", "IMEI{}", "imei_{}", "imei.{}", "imei:{}", "{}-1", "{}_retry2", "dev{}x"]
TOKEN_NAMES = ["{}", "t-{}", "{}-1", "enroll_{}", "Depot-{}", "Depot-North-{}"]
UUIDS = [str(UUID(int=random.Random(seed).getrandbits(128))) for seed in range(3_000)]


@pytest.mark.parametrize("form", IMEI_NAMES)
def test_an_imei_in_a_name_is_taken_out_and_its_last_digits_stay(form: str) -> None:
    assert redacted(form.format(IMEI)) == form.format("*" * 13 + "18")
    assert may_hold_secret(form.format(IMEI))


@pytest.mark.parametrize("form", ["Tablet-{}", "IMEI_{}", "a {}.csv"])
def test_so_is_one_in_groups(form: str) -> None:
    assert redacted(form.format(GROUPED_IMEI)) == form.format("*" * 16 + "-8")


@pytest.mark.parametrize("form", TOKEN_NAMES)
@pytest.mark.parametrize("between", ["-", "_", ".", ":", ""])
def test_a_token_in_a_name_is_taken_out_whatever_stands_between_its_groups(
    form: str, between: str
) -> None:
    token = TOKEN.replace("-", between)
    assert redacted(form.format(token)) == form.format("*" * len(token))
    assert may_hold_secret(form.format(token))


@pytest.mark.parametrize(
    "name",
    [
        "4901542032375",  # not all of it
        "order-17",
        "x" * 64,
        "20261128T204135.123Z",
        "trace:0af7651916cd43dd8448eb211c80319c",
        "v1.2.3-rc4",
        TOKEN[:-6],
    ],
)
def test_other_names_are_left_alone(name: str) -> None:
    assert redacted(name) == name
    assert not may_hold_secret(name)


def test_a_uuid_is_no_secret_whatever_digits_it_has() -> None:
    assert [each for each in UUIDS if redacted(each) != each or may_hold_secret(each)] == []
    assert not any(may_hold_secret(each.replace("-", "")) for each in UUIDS)


@pytest.mark.parametrize(
    "name",
    [
        "4901542032375-18",
        "49.0154.2032.3751",
        "00000000-0000-0000-0490-154203237518",
        f"A{TOKEN.replace('-', '')}Z",
        "2QQM-RN59-B1SP-8W7H-CA4C-C8VV-3F6G-8G",
    ],
)
def test_of_the_name_of_a_call_more_is_asked(name: str) -> None:
    assert may_hold_secret(name)


def test_ids_decimals_and_longer_numbers_are_left_alone() -> None:
    text = "0.490154203237518 1490154203237518000 IMEI490154203237519 prf-490154203237519a"
    assert redacted(text) == text


def test_details_of_the_audit_log_hold_none() -> None:
    told = audit.details_of({"name": f"Tablet-{IMEI}", "before": f"Depot {TOKEN}_1"})
    assert IMEI[:13] not in told
    assert TOKEN[6:20] not in told


def test_whatever_the_token_it_is_found_behind_another_group() -> None:
    for _ in range(50):
        token = token_values.grouped(token_values.new_value())
        assert redacted(f"Depot-{token}") == f"Depot-{'*' * len(token)}"
