"""Every conflict policy against every kind of device on the roll, as one table."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import pytest

from rollbook import EnrollOutcome
from uploads.wire import (
    FAIL,
    KEEP,
    MOVE,
    REJECT,
    SKIP,
    UPDATE,
    Device,
    LineByLine,
    Wire,
    core,
    file,
    imei,
    opening,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook import AdminClient, EnrollmentAgent
    from running import Server

A, B, C = imei(1), imei(2), imei(3)
POLICIES = {"REJECT": REJECT, "KEEP": KEEP, "UPDATE": UPDATE, "MOVE": MOVE}

# The device stands on the roll of `profile`, as line 2 of upload "old". A row with the same
# or other content comes into the profile "here", on line 3 of upload "new".
#
# policy  profile  content   the row                  the device afterwards
#                            is                       profile  content  comes from
TABLE = """
REJECT    here     same      unchanged                here     same     old 2
REJECT    here     other     DEVICE_ON_ROLL           here     same     old 2
REJECT    there    same      DEVICE_IN_OTHER_PROFILE  there    same     old 2
REJECT    there    other     DEVICE_IN_OTHER_PROFILE  there    same     old 2
KEEP      here     same      unchanged                here     same     old 2
KEEP      here     other     unchanged                here     same     old 2
KEEP      there    same      unchanged                there    same     old 2
KEEP      there    other     unchanged                there    same     old 2
UPDATE    here     same      unchanged                here     same     old 2
UPDATE    here     other     updated                  here     other    new 3
UPDATE    there    same      DEVICE_IN_OTHER_PROFILE  there    same     old 2
UPDATE    there    other     DEVICE_IN_OTHER_PROFILE  there    same     old 2
MOVE      here     same      unchanged                here     same     old 2
MOVE      here     other     updated                  here     other    new 3
MOVE      there    same      updated                  here     same     new 3
MOVE      there    other     updated                  here     other    new 3
"""
HEADER = "imei,imei2,serial_number,manufacturer,site\n"
ROWS = {"same": f"{A},,R5,HTC,a\n", "other": f"{A},{B},R6,,b\n"}
CONTENT = {
    "same": (core(1), "", "R5", "HTC", {"site": "a"}),
    "other": (core(1), core(2), "R6", "HTC", {"site": "b"}),
}


class Case(NamedTuple):
    """A line of the table."""

    policy: str
    profile: str
    content: str
    verdict: str
    profile_after: str
    content_after: str
    upload_after: str
    line_after: str


CASES = [Case(*line.split()) for line in TABLE.strip().splitlines()]


@pytest.fixture(params=[LineByLine, Wire], ids=["row by row", "as one batch"])
def wire(server: Server, request: pytest.FixtureRequest) -> Iterator[Wire]:
    with request.param(server) as wire:
        yield wire


def test_the_table_has_every_combination_once() -> None:
    found = [case[:3] for case in CASES]
    assert sorted(found) == sorted(product(POLICIES, ("here", "there"), ("same", "other")))


@pytest.mark.parametrize("registered", [False, True], ids=["pending", "registered"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case[:3]))
def test_a_row_does_to_a_device_what_the_table_says(
    wire: Wire, admin: AdminClient, agent: EnrollmentAgent, *, case: Case, registered: bool
) -> None:
    profiles = {
        name: admin.create_profile(name, tokenless=True).profile_id for name in ("here", "there")
    }
    wire.send(opening(profiles[case.profile], "old"), file(HEADER + ROWS["same"]))
    if registered:
        assert agent.enroll_device(imeis=[A]).outcome is EnrollOutcome.REGISTERED

    # The row before it is new under every policy; it must not matter.
    new = HEADER + f"{C},,,,\n" + ROWS[case.content]
    sent = opening(profiles["here"], "new", on_conflict=POLICIES[case.policy])
    upload = wire.send(sent, file(new))

    counts = (upload.updated_count, upload.unchanged_count, upload.rejected_count)
    words = ("updated", "unchanged")
    assert counts == (*(case.verdict == word for word in words), case.verdict not in words)
    assert (upload.created_count, upload.row_count) == (1, 2)
    rejected = [] if case.verdict in words else [(2, 3, case.verdict)]
    assert [(e.row, e.line, e.reason) for e in upload.errors] == rejected
    assert [bool(e.device_id) for e in upload.errors] == [True] * len(rejected)

    device = Device(
        profiles[case.profile_after],
        *CONTENT[case.content_after],
        registered=registered,
        upload=case.upload_after,
        line=int(case.line_after),
    )
    other = Device(
        profiles["here"], core(3), "", "", "", {}, registered=False, upload="new", line=2
    )
    assert wire.devices() == [device, other]
    for name, profile_id in profiles.items():
        mine = [one for one in (device, other) if one.profile == profile_id]
        found = admin.get_profile(profile_id)
        standing = sum(one.registered for one in mine)
        assert (found.pending_count, found.registered_count, found.device_count) == (
            *(len(mine) - standing, standing, len(mine)),
        ), name


@pytest.mark.parametrize("on_invalid_row", [SKIP, FAIL], ids=["skip", "fail"])
@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())
def test_a_device_says_which_upload_and_line_wrote_it_last(
    wire: Wire, admin: AdminClient, policy: int, on_invalid_row: int
) -> None:
    profile = admin.create_profile("here").profile_id
    first = f'{HEADER}{A},,,,"two\nlines"\n\n{B},,,,b\n'
    wire.send(opening(profile, "old", on_invalid_row=on_invalid_row), file(first))
    assert [(one.upload, one.line) for one in wire.devices()] == [("old", 2), ("old", 5)]

    options = {"on_conflict": policy, "on_invalid_row": on_invalid_row}
    parts = opening(profile, "new", **options), file(f"\n{HEADER}{B},,,,b\n{A},,,,new\n")
    if policy == REJECT and on_invalid_row == FAIL:
        wire.refused(*parts)
    else:
        wire.send(*parts)
    changed = policy in (UPDATE, MOVE)
    found = [(one.upload, one.line) for one in wire.devices()]
    assert found == [("new", 4) if changed else ("old", 2), ("old", 5)]
