"""The uploads of a profile, listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from removals.depot import upload
from rollbook import (
    NotFoundError,
)
from uploads.wire import imei

if TYPE_CHECKING:
    from pathlib import Path

    from rollbook import AdminClient, Profile
    from running import Server


def test_uploads_are_listed_newest_first_and_without_their_errors(
    server: Server, admin: AdminClient, profile: Profile
) -> None:
    other = admin.create_profile("Other")
    upload(admin, other, 9)
    for place, number in enumerate((1, 2, 3, 1)):
        server.clock.turn(seconds=place // 2)  # u0 and u1 come in the same instant
        upload(admin, profile, number, depot=f"{place}", upload_id=f"u{place}")

    for page_size in (1, 2, 0):
        listed = list(admin.list_uploads(profile.profile_id, page_size=page_size))
        assert [one.upload_id for one in listed] == ["u3", "u2", "u0", "u1"]
    assert listed[0].rejected_count == 1
    assert [one.errors for one in listed] == [()] * 4
    with pytest.raises(NotFoundError):
        list(admin.list_uploads("prf-nothing"))


def test_a_page_of_uploads_with_very_many_columns_fits_a_message(
    admin: AdminClient, profile: Profile, tmp_path: Path
) -> None:
    header = ",".join(["imei", *(f"{number:03}" + "x" * 124 for number in range(100))])
    for number in range(60):
        path = tmp_path / f"{number}.csv"
        path.write_text(f"{header}\n{imei(number)}\n")
        admin.upload_devices(profile.profile_id, path)
    assert len(list(admin.list_uploads(profile.profile_id, page_size=1000))) == 60
