"""What rows do to devices on the roll under each policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from rollbook import EnrollOutcome
from uploads.wire import (
    FAIL,
    KEEP,
    MOVE,
    REJECT,
    UPDATE,
    LineByLine,
    Wire,
    core,
    file,
    imei,
    opening,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook import AdminClient, EnrollmentAgent
    from running import Server
    from uploads.wire import Upload

pytestmark = pytest.mark.both_engines

HEADER = "imei,imei2,serial_number,manufacturer,site\n"
A, B, C, D, E = (imei(number) for number in range(1, 6))
CA, CB, CC, CD, CE = (core(number) for number in range(1, 6))


@pytest.fixture(params=[LineByLine, Wire], ids=["row by row", "as one batch"])
def wire(server: Server, request: pytest.FixtureRequest) -> Iterator[Wire]:
    with request.param(server) as wire:
        yield wire


@pytest.fixture
def here(admin: AdminClient) -> str:
    return admin.create_profile("Here", tokenless=True).profile_id


@pytest.fixture
def there(admin: AdminClient) -> str:
    return admin.create_profile("There", tokenless=True).profile_id


def table(*lines: str) -> str:
    return HEADER + "".join(f"{line}\n" for line in lines)


def counts(upload: Upload) -> tuple[int, int, int, int]:
    """Created, updated, unchanged, rejected."""
    assert upload.row_count == upload.committed_rows
    return (
        upload.created_count,
        upload.updated_count,
        upload.unchanged_count,
        upload.rejected_count,
    )


def reasons(wire: Wire, upload_id: str = "u") -> list[tuple[int, str]]:
    return [(error.row, error.reason) for error in wire.upload(upload_id).errors]


def content(wire: Wire) -> list[tuple[Any, ...]]:
    return [device[1:5] for device in wire.devices()]


def profile_counts(admin: AdminClient, *profiles: str) -> list[tuple[int, int]]:
    """Pending and registered devices, and that the roll has just as many."""
    found = [admin.get_profile(profile) for profile in profiles]
    assert all(p.device_count == p.pending_count + p.registered_count for p in found)
    return [(p.pending_count, p.registered_count) for p in found]


class Case(NamedTuple):
    """What becomes of a row with other content than its device."""

    policy: int
    same_profile: bool
    counts: tuple[int, int, int, int]
    reason: str = ""


CASES = {
    "REJECT here": Case(REJECT, True, (0, 0, 0, 1), "DEVICE_ON_ROLL"),
    "REJECT there": Case(REJECT, False, (0, 0, 0, 1), "DEVICE_IN_OTHER_PROFILE"),
    "KEEP here": Case(KEEP, True, (0, 0, 1, 0)),
    "KEEP there": Case(KEEP, False, (0, 0, 1, 0)),
    "UPDATE here": Case(UPDATE, True, (0, 1, 0, 0)),
    "UPDATE there": Case(UPDATE, False, (0, 0, 0, 1), "DEVICE_IN_OTHER_PROFILE"),
    "MOVE here": Case(MOVE, True, (0, 1, 0, 0)),
    "MOVE there": Case(MOVE, False, (0, 1, 0, 0)),
}


@pytest.mark.parametrize("registered", [False, True], ids=["pending", "registered"])
@pytest.mark.parametrize("on_invalid_row", [0, FAIL], ids=["skip", "fail"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_row_with_other_content_does_what_the_policy_says(
    wire: Wire,
    admin: AdminClient,
    agent: EnrollmentAgent,
    here: str,
    there: str,
    *,
    case: Case,
    on_invalid_row: int,
    registered: bool,
) -> None:
    wire.send(opening(here if case.same_profile else there, "old"), file(table(f"{A},,R5,HTC,a")))
    if registered:
        assert agent.enroll_device(imeis=[A]).outcome is EnrollOutcome.REGISTERED
    [before] = wire.devices()
    opened = opening(here, on_conflict=case.policy, on_invalid_row=on_invalid_row)
    parts = opened, file(table(f"{A},{B},,,b"))
    if case.reason and on_invalid_row == FAIL:
        assert wire.refused(*parts).metadata["row_reason"] == case.reason
    else:
        wire.send(*parts)
    assert counts(wire.upload()) == case.counts
    assert reasons(wire) == ([(1, case.reason)] if case.reason else [])
    [after] = wire.devices()
    changed = before._replace(profile=here, imei2=CB, attributes={"site": "b"}, upload="u", line=2)
    assert after == (changed if case.counts[1] else before)
    one = (0, 1) if registered else (1, 0)
    expected = [one, (0, 0)] if after.profile == here else [(0, 0), one]
    assert profile_counts(admin, here, there) == expected


@pytest.mark.parametrize("policy", [REJECT, KEEP, UPDATE, MOVE])
def test_a_row_that_would_change_nothing_is_unchanged_under_every_policy(
    wire: Wire, admin: AdminClient, here: str, policy: int
) -> None:
    first = table(f"{A},{B},R5,HTC,a", f"{C},,,,c", ",,R6,LG,")
    wire.send(opening(here, "old"), file(first))
    before = wire.devices()
    same = [
        f"{A},{B},R5,htc,a",
        f"{C[:14]},,,,c",
        ",,R6,lg,",
        f"{A},,,,a",
        f",{B},,,a",
        f"{B},,,,a",
    ]
    upload = wire.send(opening(here, on_conflict=policy), file(table(*same)))
    assert counts(upload) == (0, 0, 6, 0)
    assert wire.devices() == before
    assert profile_counts(admin, here) == [(3, 0)]


@pytest.mark.parametrize("policy", [UPDATE, MOVE])
@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (f"{A},,,,", (CA, CB, "R5", "HTC")),
        (f"{B},,,,", (CA, CB, "R5", "HTC")),
        (f",{B},,,", (CA, CB, "R5", "HTC")),
        (f"{A},{C},,,", (CA, CC, "R5", "HTC")),
        (f"{C},,R5,HTC,", (CC, CB, "R5", "HTC")),
        (f"{A},,R6,,", (CA, CB, "R6", "HTC")),
        (f"{A},,,LG,", (CA, CB, "R5", "LG")),
        (f"{B},{A},,,", (CA, CB, "R5", "HTC")),
    ],
)
def test_identifiers_that_a_row_leaves_out_are_kept(
    wire: Wire, here: str, policy: int, row: str, expected: tuple[str, ...]
) -> None:
    wire.send(opening(here, "old"), file(table(f"{A},{B},R5,HTC,a")))
    upload = wire.send(opening(here, on_conflict=policy), file(table(f"{row}b")))
    assert counts(upload) == (0, 1, 0, 0)
    assert content(wire) == [expected]


@pytest.mark.parametrize("options", [{}, {"on_invalid_row": FAIL}, {"validate_only": True}])
@pytest.mark.parametrize("row", [f"{A},,R5,,", f"{C},,,HTC,"])
def test_a_key_that_row_and_device_make_together_is_not_taken_from_another(
    wire: Wire, here: str, row: str, options: dict[str, Any]
) -> None:
    wire.send(opening(here, "old"), file(table(f"{A},,,HTC,", ",,R5,HTC,", f"{C},,R5,LG,")))
    before = wire.devices()
    parts = opening(here, on_conflict=UPDATE, **options), file(table(row))
    if options.get("on_invalid_row") == FAIL:
        wire.refused(*parts)
    else:
        wire.send(*parts)
    assert reasons(wire) == [(1, "KEYS_OF_SEVERAL_DEVICES")]
    assert wire.devices() == before


@pytest.mark.parametrize("validate_only", [False, True])
@pytest.mark.parametrize("swapped", [False, True])
def test_a_key_made_together_is_not_taken_from_an_earlier_row(
    wire: Wire, here: str, *, validate_only: bool, swapped: bool
) -> None:
    wire.send(opening(here, "old"), file(table(f"{A},,,HTC,")))
    lines = [f"{A},,R5,,", ",,R5,HTC,"]
    data = table(*(lines[::-1] if swapped else lines))
    wire.send(opening(here, on_conflict=UPDATE, validate_only=validate_only), file(data))
    assert reasons(wire) == [(2, "DUPLICATE_IN_FILE")]


@pytest.mark.parametrize("policy", [REJECT, KEEP, UPDATE, MOVE])
@pytest.mark.parametrize("row", [f"{A},{C},,,", f"{C},{A},,,", f"{B},,R6,HTC,", f"{D},{A},R6,HTC,"])
def test_a_row_with_keys_of_two_devices_is_rejected_under_every_policy(
    wire: Wire, here: str, there: str, policy: int, row: str
) -> None:
    wire.send(opening(here, "old"), file(table(f"{A},{B},,,")))
    wire.send(opening(there, "older"), file(table(f"{C},,R6,HTC,")))
    before = wire.devices()
    wire.send(opening(here, on_conflict=policy), file(table(row)))
    assert reasons(wire) == [(1, "KEYS_OF_SEVERAL_DEVICES")]
    assert wire.upload().errors[0].device_id
    assert wire.devices() == before


@pytest.mark.parametrize("policy", [UPDATE, MOVE])
def test_keys_that_a_row_sets_free_may_be_taken_by_a_later_one(
    wire: Wire, admin: AdminClient, here: str, policy: int
) -> None:
    wire.send(opening(here, "old"), file(table(f"{A},{B},R5,HTC,", f"{C},,R6,HTC,")))
    lines = [f"{D},{B},R5,HTC,", f"{A},,,,new", f"{A},,R7,HTC,", f"{C},{E},,,", f"{E},,,,"]
    upload = wire.send(opening(here, on_conflict=policy), file(table(*lines)))
    assert counts(upload) == (1, 2, 0, 2)
    assert reasons(wire) == [(3, "DUPLICATE_IN_FILE"), (5, "DUPLICATE_IN_FILE")]
    assert sorted(content(wire)) == sorted(
        [(CD, CB, "R5", "HTC"), (CC, CE, "R6", "HTC"), (CA, "", "", "")]
    )
    assert profile_counts(admin, here) == [(3, 0)]


@pytest.mark.parametrize("options", [{}, {"on_invalid_row": FAIL}, {"validate_only": True}])
@pytest.mark.parametrize("policy", [UPDATE, MOVE])
def test_rows_that_contradict_each_other_do_not_take_turns(
    wire: Wire, here: str, policy: int, options: dict[str, Any]
) -> None:
    data = table(f"{A},,R5,HTC,a", f"{A},,,,b", ",,R5,HTC,a")
    wire.send(opening(here, "old"), file(table(f"{A},,R5,HTC,a")))
    before = wire.devices()
    for again in range(3):
        upload_id = f"u{again}"
        parts = opening(here, upload_id, on_conflict=policy, **options), file(data)
        if options.get("on_invalid_row") == FAIL:
            wire.refused(*parts)
        else:
            wire.send(*parts)
        assert counts(wire.upload(upload_id)) == (0, 0, 2, 1)
        assert reasons(wire, upload_id) == [(2, "DUPLICATE_IN_FILE")]
        assert wire.devices() == before
    until(lambda: wire.query("SELECT count(*) FROM upload_claims") == [(0,)])


def test_keys_of_a_rejected_row_are_left_to_later_ones(wire: Wire, here: str) -> None:
    wire.send(opening(here, "old"), file(table(f"{A},,,,a")))
    lines = [f"{A},{B},R5,HTC,b", ",,R5,HTC,", f"{C},{B},,,"]
    upload = wire.send(opening(here), file(table(*lines)))
    assert counts(upload) == (2, 0, 0, 1)
    assert reasons(wire) == [(1, "DEVICE_ON_ROLL")]
